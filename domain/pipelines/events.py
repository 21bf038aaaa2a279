"""What happens to pipelines."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class PipelineChanged(Event):
    """The pipeline was declared or changed."""

    pipeline: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class PipelineRunStarted(Event):
    """A pipeline began a turn."""

    pipeline: str
    run_id: str
    trigger: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PipelineRunRefused(Event):
    """Something would have set the pipeline off, and did not."""

    pipeline: str
    trigger: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PipelineStepStarted(Event):
    """A step of a pipeline run began."""

    pipeline: str
    run_id: str
    step: str


@dataclass(frozen=True, kw_only=True)
class PipelineStepEnded(Event):
    """A step of a pipeline run is over."""

    pipeline: str
    run_id: str
    step: str
    state: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PipelineRunEnded(Event):
    """A turn of a pipeline is over."""

    pipeline: str
    run_id: str
    state: str
    reason: str
