"""Runs as clients see them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.jobs import UsageRead
from domain.experiments.states import RunState
from domain.registry.specs import Package
from domain.reproductions.specs import Verdict
from domain.training.specs import TrainSpec


class RunVersion(BaseModel):
    """A model version that was registered from the run."""

    model: str
    number: int


class RunTurn(BaseModel):
    """The turn of a pipeline that a run belongs to."""

    pipeline: str
    pipeline_run_id: str


class RunRead(BaseModel):
    """One training: what was asked, on which bytes, and what it came to. Metric histories are in MLflow."""

    id: str
    experiment: str
    state: RunState
    reason: str = Field(description="Why it failed or was cancelled.")
    spec: TrainSpec
    trainer: str
    params: dict[str, Any]
    seed: int
    dataset: str
    dataset_version: int
    dataset_digest: str
    code_commit: str | None
    metrics: dict[str, float | None] = Field(description="By name; null is one that is no number.")
    importances: dict[str, float] = Field(description="Each feature's share, largest first, where the trainer tells.")
    notes: list[str] = Field(description="What the trainer warned of.")
    environment: dict[str, str]
    environment_digest: str | None
    package: Package | None
    package_digest: str | None
    mlflow_run_id: str | None
    mlflow_model_uri: str | None
    job_id: str
    sweep_id: str | None = Field(description="The sweep that it is a trial of.")
    reproduces: str | None = Field(
        description="The run that it repeats; such a run becomes no model version by itself."
    )
    versions: list[RunVersion] = Field(description="What was registered from it.")
    created_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_seconds: float | None = Field(description="From its start to its end; null before.")


class RunDetail(RunRead):
    """A run with what its job took, and what it belongs to."""

    usage: UsageRead | None = Field(description="The stages of its job: null until a worker has begun.")
    profiled: bool = Field(description="Whether there is a sampled profile to open.")
    turn: RunTurn | None = Field(description="The pipeline that trained it.")
    trial: int | None = Field(description="Its number in its sweep.")
    reproduction_id: str | None = Field(description="The reproduction that made it.")
    last_verdict: Verdict | None = Field(description="What the newest finished attempt to reproduce it came to.")


class ProfileFormat(StrEnum):
    """A page to open in a browser, a file for https://speedscope.app, or a tree of text."""

    HTML = "html"
    SPEEDSCOPE = "speedscope"
    TEXT = "text"


class Difference(StrEnum):
    """What is not the same for all runs of a comparison."""

    DATA = "data"
    CODE = "code"
    ENVIRONMENT = "environment"
    PARAMS = "params"


class RunComparison(BaseModel):
    """Runs side by side, one entry per run in the order of `runs`: what differs of what was asked, and every metric."""

    runs: list[str]
    states: list[RunState]
    differs: list[Difference] = Field(description="In a word, what is not the same for all of them.")
    datasets: list[str] = Field(description="`name@number` of the data.")
    dataset_digests: list[str]
    params: dict[str, list[Any]] = Field(description="Only those that differ.")
    metrics: dict[str, list[float | None]]
    code_commits: list[str | None]
    environments: dict[str, list[str | None]] = Field(
        description="Python, platform and libraries whose version differs; null where one is not there, or not yet."
    )


NotFinite = Literal["nan", "inf", "-inf"]


class MetricRead(BaseModel):
    """A metric of a run as it is now: its last value, null when that is not a finite number."""

    key: str
    value: float | None
    not_finite: NotFinite | None = Field(description="What the value is, where JSON has no number for it.")
    step: int
    at: datetime


class Curve(BaseModel):
    """The values of one metric in the order of their steps, evenly thinned; the first and the last are kept.

    Empty for a metric that MLflow does not have (yet).
    """

    key: str
    steps: list[int]
    values: list[float | None]
    at: list[datetime]
    not_finite: dict[int, NotFinite] = Field(description="What a value is that is null, by its place in `values`.")


class RunCurves(BaseModel):
    """Which metrics a run has, page by page in the order of their names, or the curves of those that were asked for."""

    run_id: str
    state: RunState
    tracked: bool = Field(description="Whether MLflow has been told of the run: false for one that has just begun.")
    total: int | None = Field(description="How many metrics it has; null when curves were asked for.")
    metrics: list[MetricRead]
    next_after: str | None = Field(description="`after` for the next page; null on the last one.")
    curves: list[Curve]


class ArtifactRead(BaseModel):
    """A file or a folder of a run. A model that it has logged is a folder `models/ID`."""

    path: str
    is_dir: bool
    bytes: int | None = Field(description="Null for folders.")
