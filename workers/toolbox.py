"""`Toolbox`: what handlers work with, the heavy adapters among it. One per worker process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from adapters.runtime import Runtime, open_runtime
from adapters.settings import Settings
from adapters.tracking import ForeignRun, RunRecord, RunStart, Steps, TrackedRun, Tracking
from domain.registry.mirror import SeenModel
from workers.dataset_cache import DatasetCache


class RunTracker(Protocol):
    """What handlers ask of MLflow, see `adapters.tracking.Tracking`. Every call is safe to repeat."""

    def begin_run(self, start: RunStart) -> str: ...
    def log_steps(self, mlflow_run_id: str, steps: Steps) -> None: ...
    def log_run(self, record: RunRecord, *, begun: str = "", told: int = 0) -> TrackedRun: ...
    def end_run(self, mlflow_run_id: str, *, cancelled: bool) -> None: ...
    def register(self, model: str, version: int, tracked: TrackedRun) -> None: ...
    def look_up_run(self, run_id: str) -> ForeignRun: ...
    def download_model(self, uri: str, folder: Path) -> Path: ...
    def mirror_alias(self, model: str, alias: str, version: int | None) -> None: ...
    def look(self, model: str) -> SeenModel: ...


@dataclass(frozen=True)
class Toolbox:
    """`scratch` is a folder of this machine that may be lost at any time; `cache` keeps the tables parsed here."""

    runtime: Runtime
    tracking: RunTracker
    scratch: Path
    cache: DatasetCache


def open_toolbox(settings: Settings) -> Toolbox:
    scratch = settings.home / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return Toolbox(
        runtime=open_runtime(settings),
        tracking=Tracking(settings.mlflow_url),
        scratch=scratch,
        cache=DatasetCache(settings.cache_dir, settings.cache_bytes),
    )
