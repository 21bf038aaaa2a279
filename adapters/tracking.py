"""MLflow as the notebook of runs: params, metric histories, dataset inputs, models, and a mirror of our aliases.

Called by the workers' training and registry handlers. MLflow owns measurements; decisions stay in our tables.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias, TypeVar

import polars as pl
import requests
from mlflow.artifacts import download_artifacts
from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    LoggedModelOutput,
    Metric,
    Param,
    Run,
)
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException, RestException
from mlflow.models import Model as MlflowModel
from mlflow.tracking import MlflowClient

from adapters.mlflow_server import TrackingAway
from adapters.model_files import save_python_model
from domain.errors import Invalid, NotFound
from domain.registry.mirror import SeenModel, SeenVersion
from ml.trainers.train import TrainedModel

RUN_TAG: Final = "millrace.run_id"
VERSION_TAG: Final = "millrace.version"
# Limits of MLflow's REST API.
_METRICS_PER_CALL: Final = 1000
_PARAMS_PER_CALL: Final = 100
_VERSIONS_PER_PAGE: Final = 1000
_PARAM_LENGTH: Final = 6000
_DIGEST_LENGTH: Final = 36
_SERVER_TROUBLE: Final = frozenset({"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"})
Entry = TypeVar("Entry")
Steps: TypeAlias = list[tuple[int, dict[str, float]]]


class TrackingRefused(Invalid):
    code = "tracking_refused"


class NotTracked(NotFound):
    code = "not_tracked"


@dataclass(frozen=True)
class TrackedDataset:
    """The dataset version a run used. `digest` is the content's; `frame` gives the schema and the number of rows."""

    name: str
    version: int
    digest: str
    frame: pl.DataFrame


@dataclass(frozen=True)
class RunStart:
    """What a run is known by before it has come to anything. `run_id` is ours."""

    run_id: str
    experiment: str
    name: str


@dataclass(frozen=True)
class RunRecord(RunStart):
    """Everything of one finished run that MLflow is told. `steps` are (step, metrics)."""

    params: dict[str, Any]
    metrics: dict[str, float]
    dataset: TrackedDataset
    steps: Steps = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    model: TrainedModel | None = None


@dataclass(frozen=True)
class TrackedRun:
    """Where MLflow keeps a run. `model_uri` works in `mlflow.pyfunc.load_model`; None when no model was given."""

    run_id: str
    model_uri: str | None


@dataclass(frozen=True)
class ForeignRun:
    """A run that somebody else has logged."""

    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


class Tracking:
    """A client of one MLflow server. Its calls wait some seconds for it, not minutes, and then raise `TrackingAway`."""

    def __init__(self, url: str, *, timeout_seconds: int = 10, retries: int = 2) -> None:
        # MLflow's client takes these only from the environment, where its defaults retry for about four minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(timeout_seconds))
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(retries))
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        self._url = url
        self._client = MlflowClient(tracking_uri=url, registry_uri=url)

    def begin_run(self, start: RunStart) -> str:
        """MLflow's id of a run that has begun, for `log_steps`; one that an earlier attempt left is replaced."""
        with self._answering():
            return str(self._begin(start).info.run_id)

    def log_steps(self, mlflow_run_id: str, steps: Steps) -> None:
        """Add metrics of (step, metrics) to a run that has begun."""
        with self._answering():
            self._log_metrics(mlflow_run_id, steps)

    def log_run(self, record: RunRecord, *, begun: str = "", told: int = 0) -> TrackedRun:
        """Log a run whole, once: a finished one with the same `run_id` is returned, a half-written one replaced.

        The one that is `begun`, and was `told` so many steps, is gone on with if it is still there.
        """
        with self._answering():
            run = self._client.get_run(begun) if begun else None
            if run is None or run.info.lifecycle_stage == "deleted":
                run, told = self._begin(record), 0
            run_id = run.info.run_id
            if run.info.status == "FINISHED":
                return TrackedRun(run_id, run.data.tags.get("millrace.model_uri"))
            last, told_last = record.steps[-1] if record.steps else (0, {})
            # At the end of its curve, where it has one; MLflow shows the value of the last step.
            final = {name: value for name, value in record.metrics.items() if name not in told_last}
            self._log_metrics(run_id, [*record.steps[told:], (last, final)])
            for name, value in record.tags.items():
                self._client.set_tag(run_id, name, value)
            self._log_params(run_id, record.params)
            self._client.log_inputs(run_id, [_dataset_input(record.dataset)])
            model_uri = None if record.model is None else self._log_model(run.info.experiment_id, run_id, record.model)
            if model_uri is not None:
                self._client.set_tag(run_id, "millrace.model_uri", model_uri)
            self._client.set_terminated(run_id, "FINISHED")  # last: what is finished is complete
            return TrackedRun(run_id, model_uri)

    def end_run(self, mlflow_run_id: str, *, cancelled: bool) -> None:
        """Say that a run which had begun came to nothing. One that MLflow no longer has, or has finished, is left."""
        with self._answering():
            try:
                run = self._client.get_run(mlflow_run_id)
            except RestException as error:
                if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                    return
                raise
            if run.info.status == "RUNNING" and run.info.lifecycle_stage == "active":
                self._client.set_terminated(mlflow_run_id, "KILLED" if cancelled else "FAILED")

    def register(self, model: str, version: int, tracked: TrackedRun) -> None:
        """Make our version `version` of `model` known to MLflow's registry; twice is once."""
        if tracked.model_uri is None:
            raise TrackingRefused(f"Run {tracked.run_id} has no model to register.", where="run")
        with self._answering():
            try:
                self._client.create_registered_model(model)
            except RestException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            if self._registered(model, version) is None:
                self._client.create_model_version(
                    model,
                    tracked.model_uri,
                    run_id=tracked.run_id or None,
                    model_id=_model_id(tracked.model_uri),
                    tags={VERSION_TAG: str(version)},
                )

    def mirror_alias(self, model: str, alias: str, version: int | None) -> None:
        """Point MLflow's alias at our version, or take it away for None, so that `models:/MODEL@champion` follows.

        Raises `NotTracked` for a version that was never registered.
        """
        with self._answering():
            if version is None:
                self._client.delete_registered_model_alias(model, alias)
                return
            number = self._registered(model, version)
            if number is None:
                raise NotTracked(f"MLflow has no version {version} of {model!r}.", where=f"models/{model}")
            self._client.set_registered_model_alias(model, alias, number)

    def look_up_run(self, run_id: str) -> ForeignRun:
        """What MLflow knows of a run of anybody's."""
        with self._answering():
            run = self._client.get_run(run_id)
            return ForeignRun(dict(run.data.params), dict(run.data.metrics), dict(run.data.tags))

    def download_model(self, uri: str, folder: Path) -> Path:
        """The files of an MLflow model, in or below `folder`. Raises `TrackingRefused` for a URI that names none."""
        with self._answering():
            return Path(
                download_artifacts(
                    artifact_uri=uri, dst_path=str(folder), tracking_uri=self._url, registry_uri=self._url
                )
            )

    def look(self, model: str) -> SeenModel:
        """The model's aliases and versions as MLflow has them now."""
        with self._answering():
            try:
                aliases = dict(self._client.get_registered_model(model).aliases)
            except RestException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return SeenModel({}, [])
            found: list[SeenVersion] = []
            token: str | None = None
            while token != "":
                page = self._client.search_model_versions(
                    f"name = '{model}'", max_results=_VERSIONS_PER_PAGE, page_token=token
                )
                found += [_seen(version) for version in page]
                token = page.token or ""
            return SeenModel({alias: str(number) for alias, number in aliases.items()}, found)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """MLflow's errors as ours: no answer is `TrackingAway`, a refusal `TrackingRefused`."""
        try:
            yield
        except (MlflowException, requests.RequestException) as error:
            if isinstance(error, MlflowException) and error.error_code not in _SERVER_TROUBLE:
                raise TrackingRefused(f"MLflow refuses: {error}", where="mlflow") from error
            raise TrackingAway(
                "MLflow does not answer.", where="mlflow", fix="Is its server running? See MILLRACE_MLFLOW_URL."
            ) from error

    def _begin(self, start: RunStart) -> Run:
        experiment = self._experiment(start.experiment)
        for run in self._runs(experiment, start.run_id):
            if run.info.status == "FINISHED":
                return run
            self._client.delete_run(run.info.run_id)
        return self._client.create_run(experiment, tags={RUN_TAG: start.run_id}, run_name=start.name)

    def _experiment(self, name: str) -> str:
        experiment: Experiment | None = self._client.get_experiment_by_name(name)
        if experiment is not None and experiment.lifecycle_stage == "deleted":
            self._client.restore_experiment(experiment.experiment_id)
        if experiment is not None:
            return str(experiment.experiment_id)
        try:
            return str(self._client.create_experiment(name))
        except RestException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self._experiment(name)  # another worker made it in between

    def _runs(self, experiment: str, run_id: str) -> list[Run]:
        return list(self._client.search_runs([experiment], filter_string=f"tags.`{RUN_TAG}` = '{run_id}'"))

    def _log_params(self, run_id: str, given: dict[str, Any]) -> None:
        params = [Param(name, str(value)[:_PARAM_LENGTH]) for name, value in given.items()]
        for few in _chunks(params, _PARAMS_PER_CALL):
            self._client.log_batch(run_id, params=few)

    def _log_metrics(self, run_id: str, steps: Steps) -> None:
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for step, values in steps for name, value in values.items()]
        for some in _chunks(metrics, _METRICS_PER_CALL):
            self._client.log_batch(run_id, metrics=some)

    def _log_model(self, experiment: str, run_id: str, trained: TrainedModel) -> str:
        """As `mlflow.sklearn.log_model` does, but without its state shared by the whole process."""
        logged = self._client.create_logged_model(experiment, name="model", source_run_id=run_id, model_type="sklearn")
        described = MlflowModel(run_id=run_id, model_uuid=logged.model_id, model_id=logged.model_id)
        with TemporaryDirectory() as folder:
            directory = Path(folder) / "model"
            save_python_model(trained, directory, mlflow_model=described)
            self._client.log_model_artifacts(logged.model_id, str(directory))
        self._client.finalize_logged_model(logged.model_id, "READY")
        self._client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])
        return f"models:/{logged.model_id}"

    def _registered(self, model: str, version: int) -> str | None:
        """MLflow's number for our version."""
        query = f"name = '{model}' and tags.`{VERSION_TAG}` = '{version}'"
        found = self._client.search_model_versions(query)
        return str(found[0].version) if found else None


def _model_id(uri: str) -> str | None:
    return uri.removeprefix("models:/") if uri.startswith("models:/m-") else None


def _seen(version: ModelVersion) -> SeenVersion:
    tag = version.tags.get(VERSION_TAG, "")
    made = version.creation_timestamp
    return SeenVersion(
        found=str(version.version),
        number=int(tag) if tag.isdecimal() else None,
        who=version.user_id or None,
        at=datetime.fromtimestamp(made / 1000, UTC) if made else None,
    )


def _dataset_input(dataset: TrackedDataset) -> DatasetInput:
    frame = dataset.frame
    schema = [{"name": name, "type": str(dtype), "required": False} for name, dtype in frame.schema.items()]
    source = {"uri": f"datasets/{dataset.name}/versions/{dataset.version}", "digest": dataset.digest}
    return DatasetInput(
        Dataset(
            name=f"{dataset.name}@{dataset.version}",
            digest=dataset.digest[:_DIGEST_LENGTH],
            source_type="millrace",
            source=json.dumps(source),
            schema=json.dumps({"mlflow_colspec": schema}),
            profile=json.dumps({"num_rows": frame.height}),
        ),
        tags=[InputTag("mlflow.data.context", "training")],
    )


def _chunks(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))
