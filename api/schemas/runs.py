"""Runs as clients see them."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, Field

from api.schemas.jobs import UsageRead
from domain.experiments.states import RunState
from domain.registry.specs import Package
from domain.training.specs import TrainSpec


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
    metrics: dict[str, float]
    importances: dict[str, float] = Field(description="Each feature's share, largest first, where the trainer tells.")
    notes: list[str] = Field(description="What the trainer warned of.")
    environment: dict[str, str]
    environment_digest: str | None
    package: Package | None
    package_digest: str | None
    mlflow_run_id: str | None
    mlflow_model_uri: str | None
    job_id: str
    created_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class RunDetail(RunRead):
    """A run with what its job took."""

    usage: UsageRead | None = Field(description="The stages of its job: null until a worker has begun.")
    profiled: bool = Field(description="Whether there is a sampled profile to open.")


class ProfileFormat(StrEnum):
    """A page to open in a browser, a file for https://speedscope.app, or a tree of text."""

    HTML = "html"
    SPEEDSCOPE = "speedscope"
    TEXT = "text"


class RunComparison(BaseModel):
    """Runs side by side, one entry per run in the order of `runs`: what differs of what was asked, and every metric."""

    runs: list[str]
    states: list[RunState]
    datasets: list[str] = Field(description="`name@number` of the data.")
    params: dict[str, list[Any]] = Field(description="Only those that differ.")
    metrics: dict[str, list[float | None]]
    code_commits: list[str | None]


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
