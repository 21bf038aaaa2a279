"""Verbs of pipelines: put, start, move on, end. The only place that moves the state of a run or a step.

A step either ends at once or waits for one thing, named by a key such as `run:{id}`. Reactions call
`arrived` with the same key when that thing has happened; the next step then begins in the same transaction.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from domain.db import WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.pipelines.events import (
    PipelineChanged,
    PipelineRunEnded,
    PipelineRunStarted,
    PipelineStepEnded,
    PipelineStepStarted,
)
from domain.pipelines.graph import RUN_ENDED, STEP_MOVES, RunState, StepName, StepState, next_step, steps_of
from domain.pipelines.models import Pipeline, PipelineRun, PipelineStep
from domain.pipelines.queries import active_run, get_pipeline, get_run, steps_of_run
from domain.pipelines.specs import PipelineSpec
from domain.pipelines.steps import BEGIN, Waits


class PipelineBusy(Conflict):
    code = "pipeline_busy"


class RunEnded(Conflict):
    code = "pipeline_run_ended"


class WrongStepState(Conflict):
    code = "wrong_step_state"


@dataclass(frozen=True)
class Arrival:
    """What a waited-for thing came to. `stop` ends the run after this step without calling it a failure."""

    state: StepState
    reason: str = ""
    output: dict[str, Any] | None = None
    waits_for: str | None = None
    stop: bool = False


@dataclass(frozen=True)
class _Turn:
    """A locked run and its pipeline, while the run is moved."""

    session: WriteSession
    run: PipelineRun
    pipeline: Pipeline


def put_pipeline(session: WriteSession, *, name: str, spec: PipelineSpec) -> tuple[Pipeline, bool]:
    """Declare a pipeline or change it; True when it is new. Runs that have started keep their spec."""
    now = session.now()
    pipeline = session.scalar(select(Pipeline).where(Pipeline.name == name).with_for_update())
    created = pipeline is None
    body = spec.model_dump(mode="json")
    if pipeline is None:
        pipeline = Pipeline(
            id=new_id(), name=name, spec=body, revision=1, created_by=session.actor.name, created_at=now, updated_at=now
        )
        session.add(pipeline)
    elif pipeline.spec != body:
        pipeline.spec, pipeline.revision, pipeline.updated_at = body, pipeline.revision + 1, now
    session.flush()
    emit(session, PipelineChanged(subject=f"pipelines/{name}", pipeline=name, revision=pipeline.revision))
    return pipeline, created


def start(session: WriteSession, *, name: str, trigger: str, reason: str = "") -> PipelineRun:
    """Start a run; PipelineBusy while another one of this pipeline has not ended."""
    pipeline = get_pipeline(session, name, lock=True)
    busy = active_run(session, pipeline.id)
    if busy is not None:
        raise PipelineBusy(
            f"Run {busy.id} of pipeline {name!r} has not ended.", where="pipeline", fix="Wait for it, or cancel it."
        )
    spec = PipelineSpec.model_validate(pipeline.spec)
    run = PipelineRun(
        id=new_id(),
        pipeline_id=pipeline.id,
        spec=pipeline.spec,
        state=RunState.RUNNING,
        trigger=trigger,
        trigger_reason=reason,
        started_by=session.actor.name,
        started_at=session.now(),
    )
    session.add(run)
    session.flush()
    session.add_all(
        PipelineStep(id=new_id(), run_id=run.id, name=step, position=position, state=StepState.PENDING, output={})
        for position, step in enumerate(steps_of(spec))
    )
    session.flush()
    emit(
        session,
        PipelineRunStarted(
            subject=f"pipeline-runs/{run.id}", pipeline=name, run_id=run.id, trigger=trigger, reason=reason
        ),
    )
    _go_on(_Turn(session, run, pipeline))
    return run


def arrived(session: WriteSession, key: str, arrival: Arrival) -> None:
    """The thing named `key` has happened: move on every step that waits for it."""
    waiting = session.scalars(
        select(PipelineStep)
        .where(PipelineStep.waits_for == key, PipelineStep.state == StepState.RUNNING)
        .with_for_update()
    )
    for step in list(waiting):
        run = get_run(session, step.run_id, lock=True)
        turn = _Turn(session, run, session.get_one(Pipeline, run.pipeline_id))
        step.output = {**step.output, **(arrival.output or {})}
        if arrival.waits_for is not None:
            step.waits_for = arrival.waits_for
            continue
        _end_step(turn, step, arrival.state, arrival.reason)
        if arrival.state != StepState.SUCCEEDED:
            _end_run(turn, RunState.FAILED, f"{step.name}: {arrival.reason}")
        elif arrival.stop:
            _end_run(turn, RunState.SUCCEEDED, arrival.reason)
        else:
            _go_on(turn)


def cancel(session: WriteSession, *, run_id: str) -> PipelineRun:
    """Stop after what is running: no further step begins. Jobs that run are cancelled by themselves."""
    run = get_run(session, run_id, lock=True)
    if run.state in RUN_ENDED:
        raise RunEnded(f"Pipeline run {run_id} has already {run.state}.", where="state")
    turn = _Turn(session, run, session.get_one(Pipeline, run.pipeline_id))
    for step in steps_of_run(session, run.id):
        if step.state == StepState.RUNNING:
            _end_step(turn, step, StepState.CANCELLED, f"cancelled by {session.actor.name}")
    _end_run(turn, RunState.CANCELLED, f"cancelled by {session.actor.name}")
    return run


def _go_on(turn: _Turn) -> None:
    """Begin the next step, and the one after it when it ends at once, until one waits or the run is through."""
    session, run, pipeline = turn.session, turn.run, turn.pipeline
    spec = PipelineSpec.model_validate(run.spec)
    while True:
        steps = {StepName(step.name): step for step in steps_of_run(session, run.id)}
        name = next_step(list(steps), {key: StepState(step.state) for key, step in steps.items()})
        if name is None:
            _end_run(turn, RunState.SUCCEEDED, "every step succeeded")
            return
        step = steps[name]
        _move(step, StepState.RUNNING)
        step.started_at = session.now()
        emit(
            session,
            PipelineStepStarted(subject=f"pipeline-runs/{run.id}", pipeline=pipeline.name, run_id=run.id, step=name),
        )
        outputs = {key: dict(one.output) for key, one in steps.items()}
        begun = BEGIN[name](session, pipeline.name, spec, outputs)
        step.output = begun.output
        if isinstance(begun, Waits):
            step.waits_for = begun.key
            session.flush()
            return
        _end_step(turn, step, StepState.SUCCEEDED if begun.good else StepState.FAILED, begun.reason)
        if not begun.good:
            _end_run(turn, RunState.FAILED, f"{name}: {begun.reason}")
            return


def _end_step(turn: _Turn, step: PipelineStep, state: StepState, reason: str) -> None:
    _move(step, state)
    step.reason = reason
    step.waits_for = None
    step.ended_at = turn.session.now()
    turn.session.flush()
    emit(
        turn.session,
        PipelineStepEnded(
            subject=f"pipeline-runs/{turn.run.id}",
            pipeline=turn.pipeline.name,
            run_id=turn.run.id,
            step=step.name,
            state=state,
            reason=reason,
        ),
    )


def _end_run(turn: _Turn, state: RunState, reason: str) -> None:
    session, run = turn.session, turn.run
    for step in steps_of_run(session, run.id):
        if step.state == StepState.PENDING:
            _move(step, StepState.CANCELLED if state == RunState.CANCELLED else StepState.SKIPPED)
    run.state = state
    run.reason = reason
    run.ended_at = session.now()
    session.flush()
    emit(
        session,
        PipelineRunEnded(
            subject=f"pipeline-runs/{run.id}", pipeline=turn.pipeline.name, run_id=run.id, state=state, reason=reason
        ),
    )


def _move(step: PipelineStep, state: StepState) -> None:
    if state not in STEP_MOVES[StepState(step.state)]:
        raise WrongStepState(f"Step {step.name} cannot go from {step.state} to {state}.", where="state")
    step.state = state
