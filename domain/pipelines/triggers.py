"""Does this set off that pipeline? Pure matches."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from domain.pipelines.specs import CodeTrigger, DriftTrigger, NewVersionTrigger, PipelineSpec, ScheduleTrigger


def on_new_version(spec: PipelineSpec, dataset: str) -> bool:
    return any(isinstance(one, NewVersionTrigger) and one.dataset == dataset for one in spec.triggers)


def on_drift(spec: PipelineSpec, endpoint: str) -> bool:
    return any(isinstance(one, DriftTrigger) and one.endpoint == endpoint for one in spec.triggers)


def on_code(spec: PipelineSpec, *, repository: str, branch: str, paths: Sequence[str], every_path: bool = True) -> bool:
    """Whether changed code sets the pipeline off. Unless `every_path` is known, any glob may fit one that is not."""
    return any(
        isinstance(one, CodeTrigger)
        and one.repository == repository
        and one.branch in {None, branch}
        and (not one.paths or not every_path or any(fnmatchcase(path, glob) for path in paths for glob in one.paths))
        for one in spec.triggers
    )


def schedule_due(spec: PipelineSpec, *, last_started: datetime, now: datetime) -> bool:
    """Whether a schedule of the pipeline has come round since `last_started` (or since the pipeline was put)."""
    return any(
        isinstance(one, ScheduleTrigger) and now - last_started >= timedelta(seconds=one.every_seconds)
        for one in spec.triggers
    )
