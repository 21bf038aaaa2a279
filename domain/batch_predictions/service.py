"""Verbs of batch predictions: order one, keep a part, record the whole, let go of the parts."""

from collections.abc import Sequence

from sqlalchemy import delete

from domain.batch_predictions.columns import answer_columns, kept_columns, refuse_other_schema
from domain.batch_predictions.events import BatchPredicted
from domain.batch_predictions.jobs import PredictBatch
from domain.batch_predictions.models import BatchPart, BatchPrediction
from domain.batch_predictions.queries import get_batch, parts_of
from domain.batch_predictions.specs import BadRow, BatchAsk
from domain.contents.service import hold
from domain.datasets import service as datasets
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import Dataset, DatasetVersion
from domain.datasets.queries import columns_of, get_dataset, get_version, get_version_by_id, resolve
from domain.datasets.specs import BatchPredictionSource
from domain.db import AnySession, WriteSession, new_id
from domain.deployments.queries import get_endpoint
from domain.errors import Conflict, Invalid, NotFound
from domain.events.service import emit
from domain.experiments.models import Run
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import alias_of, find_version, get_model
from domain.registry.specs import Signature
from domain.registry.states import VersionState

BAD_ROWS_TOLD = 100


class NotRows(Invalid):
    """The version is a folder of files, or has no rows."""

    code = "not_rows"


class IntoItself(Invalid):
    code = "into_itself"


class UnknownAlias(NotFound):
    code = "unknown_alias"


class NothingLive(Conflict):
    code = "no_live_version"


class VersionIsArchived(Conflict):
    code = "model_version_archived"


def request(session: WriteSession, *, ask: BatchAsk, key: str | None = None) -> tuple[BatchPrediction, Job]:
    """Queue a batch prediction. References are resolved, and what can be known to fail is refused, now."""
    data = resolve(session, ask.dataset)
    if data.format == "folder" or data.rows == 0:
        what = "is a folder of files" if data.format == "folder" else "has no rows"
        raise NotRows(f"{data.dataset.name}@{data.number} {what}.", where="dataset", fix="Name a table with rows.")
    version = _version(session, ask)
    if version.state == VersionState.ARCHIVED:
        raise VersionIsArchived(f"Version {version.number} of the model is archived.", where="model")
    into = get_dataset(session, ask.into)
    datasets.refuse_archived(into)
    if into.id == data.dataset_id:
        raise IntoItself(f"{ask.into!r} is what is to be scored.", where="into", fix="Name another dataset.")
    columns = columns_of(session, data)
    if columns is not None:  # else the worker looks, which reads the rows anyway
        written_columns(session, into, columns, signature_of(session, version), ask)
    batch_id = new_id()
    order = PredictBatch(batch_id=batch_id, version_id=data.id)
    job = jobs.submit(session, order, subject=subject_of(batch_id), key=key)
    if job.payload["batch_id"] != batch_id:  # the same request was made before, under the same key
        return get_batch(session, job.payload["batch_id"]), job
    batch = BatchPrediction(
        id=batch_id,
        job_id=job.id,
        dataset_version_id=data.id,
        model_version_id=version.id,
        ask=ask.as_json(),
        bad=[],
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(batch)
    session.flush()
    return batch, job


def written_columns(
    session: AnySession, into: Dataset, columns: Sequence[str], signature: Signature, ask: BatchAsk
) -> list[str]:
    """The columns of the version that go along with the answers; raises what `columns` raises, or `OtherSchema`."""
    kept = kept_columns(columns, signature, ask)
    try:
        newest = get_version(session, into.name)
    except NotFound:
        return kept
    standing = columns_of(session, newest)
    if standing is not None:
        refuse_other_schema(into.name, newest.number, standing, [*kept, *answer_columns(signature, ask)])
    return kept


def keep_part(
    session: WriteSession, *, batch_id: str, start: int, rows: int, md5: str, bad_rows: int, bad: Sequence[BadRow]
) -> None:
    """Rows from `start` on are scored and in the store: no other attempt scores them again."""
    hold(session, [md5])
    session.add(
        BatchPart(
            batch_id=batch_id, start=start, rows=rows, md5=md5, bad_rows=bad_rows, bad=[one.as_json() for one in bad]
        )
    )
    session.flush()


def record(session: WriteSession, *, batch_id: str, entry: ManifestEntry) -> DatasetVersion:
    """The parts, put together as `entry`, become a version; once, however often the job runs."""
    batch = get_batch(session, batch_id, lock=True)
    if batch.output_version_id is not None:
        return get_version_by_id(session, batch.output_version_id)
    hold(session, [entry.md5])
    ask = BatchAsk.model_validate(batch.ask)
    parts = parts_of(session, batch_id)
    version = session.get_one(ModelVersion, batch.model_version_id)
    model = session.get_one(RegisteredModel, version.model_id).name
    data = get_version_by_id(session, batch.dataset_version_id)
    batch.rows = sum(part.rows for part in parts)
    batch.bad_rows = sum(part.bad_rows for part in parts)
    batch.bad = [one for part in parts for one in part.bad][:BAD_ROWS_TOLD]
    output = datasets.record_build(
        session,
        job_id=batch.job_id,
        dataset=ask.into,
        entries=[entry],
        rows=batch.rows,
        source=BatchPredictionSource(
            version=f"{data.dataset.name}@{data.number}",
            model=f"{model}@{version.number}",
            package=version.package_digest,
            endpoint=ask.endpoint,
            batch_id=batch_id,
            job_id=batch.job_id,
            bad_rows=batch.bad_rows,
        ),
        message=f"{model}@{version.number} on {data.dataset.name}@{data.number}",
        parents=[data],
    )
    batch.output_version_id = output.id
    batch.ended_at = session.now()
    let_go(session, batch_id=batch_id)
    emit(
        session,
        BatchPredicted(
            subject=subject_of(batch_id),
            batch_id=batch_id,
            model=model,
            version=version.number,
            dataset=ask.into,
            number=output.number,
            rows=batch.rows,
            bad_rows=batch.bad_rows,
        ),
    )
    return output


def let_go(session: WriteSession, *, batch_id: str) -> None:
    """Nobody needs the parts any more: the next collection takes what nothing else has."""
    session.execute(delete(BatchPart).where(BatchPart.batch_id == batch_id))


def signature_of(session: AnySession, version: ModelVersion) -> Signature:
    return Signature.model_validate(session.get_one(Run, version.run_id).package["signature"])


def subject_of(batch_id: str) -> str:
    return f"batch-predictions/{batch_id}"


def _version(session: AnySession, ask: BatchAsk) -> ModelVersion:
    if ask.endpoint is not None:
        endpoint = get_endpoint(session, ask.endpoint)
        if endpoint.live_version_id is None:
            raise NothingLive(
                f"Endpoint {ask.endpoint!r} has no live version.", where="endpoint", fix="Promote one, or name a model."
            )
        return session.get_one(ModelVersion, endpoint.live_version_id)
    name, _, which = (ask.model or "").partition("@")
    model = get_model(session, name)
    if which.isdecimal():
        return find_version(session, model.id, int(which))
    alias = which or "champion"
    found = alias_of(session, model, alias)
    if found is None:
        raise UnknownAlias(
            f"The model {name!r} has no {alias}.", where="model", fix=f"Name a version: {name}@1 to {name}@n."
        )
    return found
