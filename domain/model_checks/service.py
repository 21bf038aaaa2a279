"""Verbs of model checks: set a suite, start the checks, record what they found, or that they could not be run."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from domain.datasets import queries as datasets
from domain.datasets.models import DatasetVersion
from domain.datasets.queries import NoProfile
from domain.db import AnySession, WriteSession, new_id
from domain.errors import Conflict, Invalid
from domain.events.service import emit
from domain.experiments.models import Run
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.model_checks import kept, suites
from domain.model_checks.events import ModelChecksFailed, ModelSuiteChanged, ModelVersionChecked
from domain.model_checks.jobs import RunModelChecks
from domain.model_checks.models import ModelCheckReport, ModelSuiteVersion
from domain.model_checks.queries import get_suite, newest_suite, report_of_job
from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec, ModelSuite, SuiteReport
from domain.model_checks.verdict import judge
from domain.registry import queries as registry
from domain.registry import service as registry_service
from domain.registry.metrics import refuse_unfit_metrics
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.states import VersionState


class VersionArchived(Conflict):
    code = "model_version_archived"


class NotATable(Invalid):
    code = "not_a_table"


def put_suite(
    session: WriteSession, *, model: RegisteredModel, name: str, suite: ModelSuite, document: str
) -> ModelSuiteVersion:
    """Make `suite`, written as `document`, the next version of that name. `model` must be locked.

    The same document again is no news. Raises `UnfitMetric`, `UnknownLexicon` or, against the signature of the newest
    version, `UnknownColumn`: each with the place in the document.
    """
    refuse_unfit_metrics(suite.as_json()["checks"], model.task, within="checks")
    suites.refuse_unknown_words(suite)
    newest = registry.newest_version(session, model)
    if newest is not None:
        inputs, columns = _columns_of(session, newest)
        suites.refuse_unknown_columns(suite.checks, inputs=inputs, columns=columns)
    standing = newest_suite(session, model.id, name)
    if standing is not None and standing.document == document:
        return standing
    version = ModelSuiteVersion(
        id=new_id(),
        model_id=model.id,
        name=name,
        number=standing.number + 1 if standing else 1,
        document=document,
        suite=suite.as_json(),
        suite_digest=suites.digest_of(suite),
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(version)
    session.flush()
    emit(
        session,
        ModelSuiteChanged(
            subject=f"models/{model.name}/suites/{name}",
            model=model.name,
            suite=name,
            number=version.number,
            checks=len(suite.checks),
        ),
    )
    return version


def _columns_of(session: AnySession, version: ModelVersion) -> tuple[list[str], list[str]]:
    """What the version takes, and what its frozen rows have: the columns of the data it was made from."""
    run = session.get_one(Run, version.run_id)
    signature = run.package["signature"]
    inputs = [column["name"] for column in signature["inputs"]]
    try:
        profile = datasets.get_profile(session, datasets.get_version_by_id(session, run.dataset_version_id))
    except NoProfile:
        return inputs, [*inputs, signature["target"]]
    return inputs, [*inputs, *(column.name for column in profile.columns if column.name not in inputs)]


def start(
    session: WriteSession,
    *,
    version: ModelVersion,
    suite: str | None = None,
    on: DatasetVersion | None = None,
    fresh: bool = False,
    key: str | None = None,
) -> Job:
    """Queue the checks of a version under the policy that counts when they run.

    With `suite` only that one of the model's suites, with `on` on the rows of that dataset version: such a report is
    kept for who asked, and no gate takes it. `fresh` uses no result again. Raises `UnknownSuite` or `NotATable`.
    """
    subject = _subject(session, version)
    if version.state == VersionState.ARCHIVED:
        raise VersionArchived(f"{subject} is archived.", where="number")
    if suite is not None:
        get_suite(session, version.model_id, suite)
    if on is not None and on.format == "folder":
        named = f"Version {on.number} of {on.dataset.name!r}"
        raise NotATable(f"{named} is a folder of files, not a table.", where="dataset")
    order = RunModelChecks(version_id=version.id, suite=suite, dataset_version_id=on.id if on else None, fresh=fresh)
    return jobs.submit(session, order, subject=subject, key=key)


def record(
    session: WriteSession,
    *,
    version_id: str,
    job_id: str,
    policy_version: int,
    checks: Sequence[ModelCheckSpec],
    results: Sequence[ModelCheckResult],
    metrics: dict[str, float],
    suites: Sequence[SuiteReport] = (),
    pins: ModelCheckResult | None = None,
    suite: str | None = None,
    dataset: str | None = None,
    kept_results: Mapping[str, ModelCheckResult] = MappingProxyType({}),
) -> ModelCheckReport:
    """Keep what the job found. A job records once: asked again it gives the report it has recorded.

    `suite` and `dataset` say that only this was asked, see `ModelCheckReport`: such a report says nothing new of the
    version's state. `kept_results` are to be used again, by their key.
    """
    standing = report_of_job(session, job_id)
    if standing is not None:
        return standing
    kept.keep(session, kept_results)
    partial = suite is not None or dataset is not None
    everything = [*results, *(result for one in suites for result in one.results), *([pins] if pins else [])]
    report = ModelCheckReport(
        id=new_id(),
        version_id=version_id,
        job_id=job_id,
        policy_version=policy_version,
        suite=suite,
        dataset=dataset,
        checks=[check.as_json() for check in checks],
        verdict=judge(everything),
        results=[result.as_json() for result in results],
        suites=[one.as_json() for one in suites],
        pins=pins.as_json() if pins else None,
        metrics=metrics,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(report)
    session.flush()
    if partial:
        return report
    version = registry_service.mark_checked(session, version_id=version_id)
    emit(
        session,
        ModelVersionChecked(
            subject=_subject(session, version),
            model=session.get_one(RegisteredModel, version.model_id).name,
            number=version.number,
            version_id=version.id,
            report_id=report.id,
            verdict=report.verdict,
        ),
    )
    return report


def give_up(session: WriteSession, *, version_id: str, reason: str) -> None:
    """The checks could not be run, for this reason."""
    version = registry.get_version_by_id(session, version_id)
    emit(
        session,
        ModelChecksFailed(
            subject=_subject(session, version),
            model=session.get_one(RegisteredModel, version.model_id).name,
            number=version.number,
            version_id=version.id,
            run_id=version.run_id,
            reason=reason,
        ),
    )


def _subject(session: WriteSession, version: ModelVersion) -> str:
    return f"models/{session.get_one(RegisteredModel, version.model_id).name}/versions/{version.number}"
