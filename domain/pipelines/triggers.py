"""Does this set off that pipeline? Pure matches."""

from datetime import datetime, timedelta

from domain.pipelines.specs import DriftTrigger, NewVersionTrigger, PipelineSpec, ScheduleTrigger


def on_new_version(spec: PipelineSpec, dataset: str) -> bool:
    return any(isinstance(one, NewVersionTrigger) and one.dataset == dataset for one in spec.triggers)


def on_drift(spec: PipelineSpec, endpoint: str) -> bool:
    return any(isinstance(one, DriftTrigger) and one.endpoint == endpoint for one in spec.triggers)


def schedule_due(spec: PipelineSpec, *, last_started: datetime, now: datetime) -> bool:
    """Whether a schedule of the pipeline has come round since `last_started` (or since the pipeline was put)."""
    return any(
        isinstance(one, ScheduleTrigger) and now - last_started >= timedelta(seconds=one.every_seconds)
        for one in spec.triggers
    )
