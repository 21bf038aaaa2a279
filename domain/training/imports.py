"""Models that were trained elsewhere: ask for one, and record it as a run. Called by the API and by the handler."""

from typing import Any, Final

from domain.access.actor import Scope
from domain.datasets.models import DatasetVersion
from domain.datasets.queries import get_profile
from domain.db import WriteSession, new_id
from domain.errors import Forbidden, Invalid
from domain.events.service import emit
from domain.experiments import service as experiments
from domain.experiments.models import Run
from domain.experiments.specs import RunOutcome
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.registry.models import RegisteredModel
from domain.training import service
from domain.training.events import ForeignCodeTrusted
from domain.training.jobs import ImportModel
from domain.training.specs import TrainSpec

TRAINER: Final = "mlflow"


class TrustNeedsAdmin(Forbidden):
    code = "trust_needs_admin"


class NoTruth(Invalid):
    code = "no_truth"


class SeenAndUnseen(Invalid):
    code = "seen_and_unseen"


def request_import(
    session: WriteSession,
    *,
    model: RegisteredModel,
    mlflow: str,
    dataset: str,
    trained_on: str | None = None,
    unseen: bool = False,
    experiment: str = "imported",
    trust: bool = False,
    key: str | None = None,
) -> Job:
    """Queue the import of an MLflow model that is judged on `dataset`, frozen as it is now.

    What it was trained on is a dataset, or a person states that `dataset` is `unseen`, or it is not known. `trust` lets
    the code it carries run: for admins, and audited.
    """
    if trust and Scope.ADMIN not in session.actor.scopes:
        raise TrustNeedsAdmin(
            f"{session.actor.name} may not say that foreign code is to be trusted.",
            where="trust",
            fix="Ask an admin; or log the model as ONNX, or in the skops format, which carry no code.",
        )
    if unseen and trained_on is not None:
        raise SeenAndUnseen("Either the data it was trained on is named, or it is stated unseen.", where="unseen")
    data = service.usable_data(session, dataset)
    _refuse_without_target(session, data, model.target)
    trained = service.usable_data(session, trained_on, force=True, where="trained_on") if trained_on else None
    order = ImportModel(
        run_id=new_id(),
        model=model.name,
        mlflow=mlflow,
        dataset_version_id=data.id,
        trained_on_version_id=trained.id if trained else None,
        unseen=unseen,
        experiment=experiment,
        trust=trust,
    )
    subject = f"models/{model.name}"
    job = jobs.submit(session, order, subject=subject, key=key)
    if trust and job.payload["run_id"] == order.run_id:
        emit(session, ForeignCodeTrusted(subject=subject, model=model.name, mlflow=mlflow))
    return job


def _refuse_without_target(session: WriteSession, data: DatasetVersion, target: str) -> None:
    known = [column.name for column in get_profile(session, data).columns]
    if target not in known:
        fix = f"Its columns are {', '.join(known)}."
        raise NoTruth(f"{data.dataset.name!r} has no column {target!r} with the truth.", where="dataset", fix=fix)


def record_import(
    session: WriteSession,
    *,
    job_id: str,
    order: ImportModel,
    model: RegisteredModel,
    data: DatasetVersion,
    features: list[str],
    params: dict[str, Any],
    outcome: RunOutcome,
) -> Run:
    """A finished run of trainer `mlflow`, which becomes the model's next version; a second time changes nothing."""
    standing = session.get(Run, order.run_id)
    if standing is not None:
        return standing
    told = {"mlflow": order.mlflow, "trained_on": order.trained_on_version_id, "unseen": order.unseen}
    spec = TrainSpec(
        dataset=f"{data.dataset.name}@{data.number}",
        trainer=TRAINER,
        task=model.task,
        target=model.target,
        features=features,
        params=told,
        model=model.name,
    )
    experiments.create_run(
        session,
        run_id=order.run_id,
        job_id=job_id,
        experiment=experiments.ensure_experiment(session, name=order.experiment),
        spec=spec.as_json(),
        trainer=TRAINER,
        params=params | told,
        seed=spec.seed,
        version=data,
        code_commit=None,
    )
    service.begin_run(session, run_id=order.run_id)
    return service.finish_run(session, run_id=order.run_id, outcome=outcome)


def training_rows_known(run: Run) -> bool:
    """Whether `train_rows_md5` tells which rows the model has seen. Of one from outside, somebody has to say."""
    if run.trainer != TRAINER:
        return True
    return run.spec["params"]["trained_on"] is not None or bool(run.spec["params"]["unseen"])
