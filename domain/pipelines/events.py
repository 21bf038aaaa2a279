"""What happens to pipelines."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class PipelineChanged(Event):
    pipeline: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class PipelineRunStarted(Event):
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
    pipeline: str
    run_id: str
    step: str


@dataclass(frozen=True, kw_only=True)
class PipelineStepEnded(Event):
    pipeline: str
    run_id: str
    step: str
    state: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PipelineRunEnded(Event):
    pipeline: str
    run_id: str
    state: str
    reason: str
