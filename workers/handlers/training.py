"""Jobs of training: read the version, train, package, log to MLflow, record. And models trained elsewhere."""

from dataclasses import asdict, dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from adapters.model_files import save_python_model
from adapters.tracking import RunRecord, RunStart, TrackedDataset, TrackedRun
from domain.datasets.models import DatasetVersion
from domain.datasets.queries import get_version_by_id
from domain.experiments.models import Experiment, Run
from domain.experiments.queries import get_run
from domain.experiments.specs import RunOutcome
from domain.experiments.states import RunState
from domain.registry.queries import get_model
from domain.registry.specs import Package
from domain.training import service
from domain.training.imports import record_import
from domain.training.jobs import EndTracking, ImportModel, TrainModel
from domain.training.specs import TrainSpec
from ml.environment import environment, environment_digest
from ml.inputs import frame_columns
from ml.packaging import package, package_digest
from ml.trainers.train import TrainedModel, train
from workers.live_steps import LiveSteps
from workers.model_import import take_in
from workers.packages import open_model, store_package
from workers.profiles import Profile, Sampler
from workers.run import RunningJob
from workers.scoring import PREDICTION
from workers.tables import read_version
from workers.toolbox import Toolbox

REFERENCE_ROWS = 10_000


@dataclass(frozen=True)
class _Order:
    """Everything the database says about the run, read at once."""

    run: Run
    experiment: str
    version: DatasetVersion
    spec: TrainSpec

    @property
    def data(self) -> str:
        return f"{self.version.dataset.name}@{self.version.number}"


@dataclass(frozen=True)
class _Made:
    """What was computed, before anybody is told."""

    trained: TrainedModel
    package: Package
    digest: str
    live: LiveSteps
    environment: dict[str, str] = field(default_factory=environment)


def train_model(job: RunningJob[TrainModel], tools: Toolbox) -> dict[str, Any]:
    """The run of the order, trained."""
    return _result(carry_out(job, tools, job.spec.run_id))


def carry_out(job: RunningJob[Any], tools: Toolbox, run_id: str) -> Run:
    """From the run's spec to a finished run with its package in the model store.

    Whatever is wrong with the spec or the data is a kind of `Invalid` and fails the run; a tracking server or a
    store that is away is tried again. A run that has finished is not trained twice.
    """
    with job.transaction() as session:
        run = get_run(session, run_id)
        if run.state == RunState.FINISHED:
            return run
        service.begin_run(session, run_id=run.id)
        order = _Order(
            run=run,
            experiment=session.get_one(Experiment, run.experiment_id).name,
            version=get_version_by_id(session, run.dataset_version_id),
            spec=TrainSpec.model_validate(run.spec),
        )
    sampler = Sampler(f"Training run {order.run.id}")
    with sampler.running():
        made = _make(job, tools, order)
        job.stage("log")
        job.progress(0.85, "Logging to MLflow")
        tracked = _track(tools, order, made)
    job.log(f"MLflow run {tracked.run_id}")
    job.stage("record")
    job.progress(0.95, "Recording")
    outcome = _outcome(tools, made, tracked, sampler.profile())
    with job.transaction() as session:
        return service.finish_run(session, run_id=order.run.id, outcome=outcome)


def _result(run: Run) -> dict[str, Any]:
    return {"run_id": run.id, "metrics": run.metrics, "package_digest": run.package_digest}


def _make(job: RunningJob[Any], tools: Toolbox, order: _Order) -> _Made:
    """Read, train and package; the package is in the model store afterwards."""
    job.stage("read")
    job.progress(0.0, f"Reading {order.data}")
    frame = read_version(tools, order.version).collect()
    job.log(f"{order.data}: {frame.height} rows, {frame.width} columns, digest {order.version.digest}")
    live = LiveSteps(tools.tracking, _start(order), partial(_record_begun, job, order))

    def on_step(step: int, losses: dict[str, float]) -> None:
        live.add(step, losses)
        job.log(f"step {step}: " + ", ".join(f"{name} {value:.5g}" for name, value in losses.items()))

    job.stage("train")
    trained = train(frame, order.spec, on_step, lambda share, message: job.progress(0.05 + 0.7 * share, message))
    for note in trained.notes:
        job.log(note, level="warning")
    if trained.rows_dropped:
        job.log(f"{trained.rows_dropped} rows without a {order.spec.target!r} were left out", level="warning")
    job.stage("package")
    job.progress(0.75, "Packaging")
    with TemporaryDirectory(dir=tools.scratch) as folder:
        packed = package(trained, Path(folder), run_id=order.run.id, save_python=save_python_model)
        digest = package_digest(packed)
        store_package(tools, packed, Path(folder), digest)
    job.log(f"served as {packed.flavor}: {packed.reason}")
    return _Made(trained, packed, digest, live)


def _start(order: _Order) -> RunStart:
    name = f"{order.spec.trainer}-{order.run.id[-6:]}"
    return RunStart(run_id=order.run.id, experiment=order.experiment, name=name)


def _record_begun(job: RunningJob[TrainModel], order: _Order, mlflow_run_id: str) -> None:
    """From now on its curves can be looked at."""
    with job.transaction() as session:
        service.record_tracking(session, run_id=order.run.id, mlflow_run_id=mlflow_run_id)


def _track(tools: Toolbox, order: _Order, made: _Made) -> TrackedRun:
    """Tell MLflow; a second attempt finds the run of the first by its tag."""
    spec, version = order.spec, order.version
    split = {f"split.{name}": value for name, value in spec.split.model_dump().items() if value is not None}
    commit = {"mlflow.source.git.commit": spec.code_commit} if spec.code_commit else {}
    repeats = {"millrace.reproduces": order.run.reproduces} if order.run.reproduces else {}
    record = RunRecord(
        **asdict(_start(order)),
        params={"trainer": spec.trainer, "target": spec.target, "seed": spec.seed, **split, **spec.params},
        metrics=made.trained.metrics,
        dataset=TrackedDataset(version.dataset.name, version.number, version.digest, made.trained.frame),
        steps=made.live.steps,
        tags={
            "millrace.dataset": order.data,
            "millrace.dataset_digest": version.digest,
            "millrace.environment": environment_digest(made.environment),
            "millrace.package": made.digest,
            **commit,
            **repeats,
        },
        model=made.trained,
    )
    return tools.tracking.log_run(record, begun=made.live.begun, told=made.live.told)


def _outcome(tools: Toolbox, made: _Made, tracked: TrackedRun, profile: Profile) -> RunOutcome:
    contents, trained = tools.runtime.contents, made.trained
    asked = [*(column.name for column in trained.signature.inputs), trained.signature.target]
    # The other columns stay with the rows: a model that does not read a person's sex is judged by it all the same.
    frozen = trained.part("test")
    frozen = frozen[[*asked, *(name for name in frozen.columns if name not in asked)]]
    return RunOutcome(
        metrics=trained.metrics,
        importances=trained.importances,
        notes=trained.notes,
        curve=made.live.steps,
        environment=made.environment,
        environment_digest=environment_digest(made.environment),
        package=made.package.as_json(),
        package_digest=made.digest,
        train_rows_md5=contents.add(trained.train_hashes.astype("<u8").tobytes()).md5,
        train_inputs_md5=contents.add(trained.train_input_hashes.astype("<u8").tobytes()).md5,
        test_rows_md5=contents.add(_parquet(frozen)).md5,
        reference_md5=contents.add(_parquet(_reference(tools, made))).md5,
        profile_html_md5=contents.add(profile.html.encode()).md5,
        profile_speedscope_md5=contents.add(profile.speedscope.encode()).md5,
        profile_text_md5=contents.add(profile.text.encode()).md5,
        mlflow_run_id=tracked.run_id,
        mlflow_model_uri=tracked.model_uri,
    )


def _reference(tools: Toolbox, made: _Made) -> pl.DataFrame:
    """Up to 10,000 training rows as the model takes them, with what its package answers: drift is measured from it."""
    rows, inputs = made.trained.part("train"), made.trained.signature.inputs
    sample = rows.sample(min(rows.height, REFERENCE_ROWS), seed=made.trained.spec.seed)
    answers = open_model(tools, made.digest).predict_columns(frame_columns(sample, inputs))
    return sample.select(column.name for column in inputs).with_columns(pl.Series(PREDICTION, answers.values))


def _parquet(frame: pl.DataFrame) -> bytes:
    out = BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def end_tracking(job: RunningJob[EndTracking], tools: Toolbox) -> None:
    """A run that came to nothing does not run for ever in MLflow."""
    tools.tracking.end_run(job.spec.mlflow_run_id, cancelled=job.spec.cancelled)


def import_model(job: RunningJob[ImportModel], tools: Toolbox) -> dict[str, Any]:
    """From an MLflow model to a finished run, which becomes a version of its model and is checked like any other."""
    order = job.spec
    with tools.runtime.reading() as session:
        standing = session.get(Run, order.run_id)
        if standing is not None:
            return _result(standing)
        model = get_model(session, order.model)
        data = get_version_by_id(session, order.dataset_version_id)
        trained_on = get_version_by_id(session, order.trained_on_version_id) if order.trained_on_version_id else None
    job.progress(0.1, f"Fetching {order.mlflow}")
    taken = take_in(tools, order, model, data, trained_on)
    for note in taken.outcome.notes:
        job.log(note, level="warning")
    with job.transaction() as session:
        run = record_import(
            session,
            job_id=job.id,
            order=order,
            model=get_model(session, order.model),
            data=get_version_by_id(session, data.id),
            features=taken.features,
            params=taken.params,
            outcome=taken.outcome,
        )
        return _result(run)
