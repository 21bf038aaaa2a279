"""Verbs of training: start a run, and record how it went. Called by the API, by pipelines and by the handler."""

from domain.datasets import queries as datasets
from domain.datasets.models import DatasetVersion
from domain.datasets.queries import NoProfile
from domain.datasets.specs import TableProfile
from domain.datasets.states import VersionState
from domain.db import AnySession, WriteSession, new_id
from domain.errors import DomainError, Invalid
from domain.events.service import emit
from domain.experiments import queries as experiment_queries
from domain.experiments import service as experiments
from domain.experiments.models import Experiment, Run
from domain.experiments.specs import RunOutcome
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.registry import service as registry
from domain.training import columns, trainers
from domain.training.events import RunCancelled, RunCreated, RunFailed, RunFinished, TrainingForced
from domain.training.jobs import EndTracking, TrainModel
from domain.training.specs import TrainSpec


class UnknownTrainingData(Invalid):
    """The spec names a dataset or a version that does not exist, or that has nothing validated."""

    code = "unknown_training_data"


class VersionRejected(Invalid):
    code = "dataset_version_rejected"


class VersionNotChecked(Invalid):
    code = "dataset_version_not_checked"


class NotATable(Invalid):
    code = "not_a_table"


def check(session: AnySession, spec: TrainSpec) -> DatasetVersion:
    """The version that `spec` trains on, if nothing that the database knows is wrong with it.

    Raises a kind of `Invalid` that names the field, or `ModelMismatch` when its model predicts something else.
    """
    version = _data_of(session, spec)
    trainers.refuse_unfit(spec.trainer, spec.task, spec.params)
    columns.refuse_unfit(spec, _profile_of(session, version))
    if spec.model is not None:
        registry.refuse_mismatch(session, name=spec.model, task=spec.task, target=spec.target)
    return version


def start(
    session: WriteSession, *, experiment: str, spec: TrainSpec, key: str | None = None, sweep_id: str | None = None
) -> tuple[Run, Job]:
    """Queue a training, once it has passed `check`. Raises `UnknownExperiment` and what that raises."""
    home = experiment_queries.get_experiment(session, experiment)
    version = check(session, spec)
    run_id = new_id()
    subject = f"runs/{run_id}"
    job = jobs.submit(session, TrainModel(run_id=run_id), subject=subject, key=key)
    if job.payload["run_id"] != run_id:  # the same request was made before, under the same key
        return experiment_queries.get_run(session, job.payload["run_id"]), job
    run = experiments.create_run(
        session,
        run_id=run_id,
        job_id=job.id,
        experiment=home,
        spec=spec.as_json(),
        trainer=spec.trainer,
        params=spec.params,
        seed=spec.seed,
        version=version,
        code_commit=spec.code_commit,
        sweep_id=sweep_id,
    )
    emit(session, RunCreated(subject=subject, experiment=experiment, run_id=run_id))
    if version.state == VersionState.REJECTED:
        forced = TrainingForced(
            subject=subject, run_id=run_id, dataset=version.dataset.name, number=version.number, reasons=version.reasons
        )
        emit(session, forced)
    return run, job


def begin_run(session: WriteSession, *, run_id: str) -> Run:
    """The run's job has started."""
    return experiments.begin_run(session, run_id=run_id)


def record_tracking(session: WriteSession, *, run_id: str, mlflow_run_id: str) -> None:
    """MLflow is being told of the run while it goes on."""
    experiments.record_tracking(session, run_id=run_id, mlflow_run_id=mlflow_run_id)


def finish_run(session: WriteSession, *, run_id: str, outcome: RunOutcome) -> Run:
    """Record what the run came to and say so; a second time changes nothing."""
    run, recorded = experiments.finish_run(session, run_id=run_id, outcome=outcome)
    if recorded:
        emit(
            session,
            RunFinished(
                subject=f"runs/{run_id}",
                experiment=_experiment_of(session, run),
                run_id=run_id,
                model=run.spec["model"],
                metrics=outcome.metrics,
            ),
        )
    return run


def fail_run(session: WriteSession, *, run_id: str, reason: str) -> None:
    """The run's job has failed for good."""
    run, ended = experiments.end_run(session, run_id=run_id, cancelled=False, reason=reason)
    if ended:
        name = _experiment_of(session, run)
        emit(session, RunFailed(subject=f"runs/{run_id}", experiment=name, run_id=run_id, reason=reason))
        _end_tracking(session, run, cancelled=False)


def cancel_run(session: WriteSession, *, run_id: str, reason: str) -> None:
    """The run's job was cancelled."""
    run, ended = experiments.end_run(session, run_id=run_id, cancelled=True, reason=reason)
    if ended:
        name = _experiment_of(session, run)
        emit(session, RunCancelled(subject=f"runs/{run_id}", experiment=name, run_id=run_id, reason=reason))
        _end_tracking(session, run, cancelled=True)


def _end_tracking(session: WriteSession, run: Run, *, cancelled: bool) -> None:
    if run.mlflow_run_id:
        order = EndTracking(run_id=run.id, mlflow_run_id=run.mlflow_run_id, cancelled=cancelled)
        jobs.submit(session, order, subject=f"runs/{run.id}")


def _experiment_of(session: AnySession, run: Run) -> str:
    return session.get_one(Experiment, run.experiment_id).name


def _data_of(session: AnySession, spec: TrainSpec) -> DatasetVersion:
    """The version that `spec.dataset` names, once it may be trained on."""
    return usable_data(session, spec.dataset, force=spec.force)


def usable_data(session: AnySession, ref: str, *, force: bool = False, where: str = "dataset") -> DatasetVersion:
    """The version that `ref` names, once its checks say that it may be used; refusals name the field `where`."""
    try:
        version = datasets.resolve(session, ref)
    except DomainError as error:
        raise UnknownTrainingData(error.message, where=where, fix=error.fix) from error
    named = f"Version {version.number} of {version.dataset.name!r}"
    if version.format == "folder":
        raise NotATable(
            f"{named} is a folder of files, not a table.",
            where=where,
            fix="Name a csv, parquet or jsonl version.",
        )
    if version.state == VersionState.REGISTERED:
        raise VersionNotChecked(f"{named} has not been checked yet.", where=where, fix="Wait for its checks to end.")
    if version.state == VersionState.REJECTED and not force:
        reasons = " ".join(version.reasons)
        fix = "Correct the data and upload it, or set `force: true`, which is audited."
        raise VersionRejected(f"{named} was rejected by its checks: {reasons}", where=where, fix=fix)
    return version


def _profile_of(session: AnySession, version: DatasetVersion) -> TableProfile:
    try:
        return datasets.get_profile(session, version)
    except NoProfile as error:
        raise NotATable(error.message, where="dataset", fix=error.fix) from error
