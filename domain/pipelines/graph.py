"""Which steps a pipeline has, and which one is next. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from domain.pipelines.specs import PipelineSpec


class StepName(StrEnum):
    EVALUATION = "evaluation"
    BUILD = "build"
    CHECK = "check"
    TRAIN = "train"
    CHECK_MODEL = "check_model"
    PROMOTE = "promote"
    DEPLOY = "deploy"


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


STEP_MOVES: dict[StepState, frozenset[StepState]] = {
    StepState.PENDING: frozenset({StepState.RUNNING, StepState.SKIPPED, StepState.CANCELLED}),
    StepState.RUNNING: frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.SKIPPED, StepState.CANCELLED}),
    StepState.SUCCEEDED: frozenset(),
    StepState.FAILED: frozenset(),
    StepState.SKIPPED: frozenset(),
    StepState.CANCELLED: frozenset(),
}
RUN_ENDED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})


def steps_of(spec: PipelineSpec) -> list[StepName]:
    """The chain for this spec. The evaluation rows are frozen first, so that training cannot choose them."""
    chain = [StepName.EVALUATION] if spec.evaluation is not None else []
    chain += [StepName.BUILD, StepName.CHECK, StepName.TRAIN, StepName.CHECK_MODEL]
    if spec.promote:
        chain += [StepName.PROMOTE, StepName.DEPLOY]
    return chain


def next_step(chain: Sequence[StepName], states: Mapping[StepName, StepState]) -> StepName | None:
    """The first step that is still pending once all before it have succeeded; None when there is none."""
    for step in chain:
        if states[step] == StepState.PENDING:
            return step
        if states[step] != StepState.SUCCEEDED:
            return None
    return None
