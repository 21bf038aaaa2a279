"""Verbs of pipelines: put, start, move on, end. The only place that moves the state of a run or a step.

A step either ends at once or waits for one thing, named by a key such as `run:{id}`. Reactions call `arrived`
with the same key when that thing has happened (or `look_again`, when the step is to judge by itself what
that means); the next step then begins in the same transaction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from domain.db import WriteSession, locked, new_id
from domain.deployments import service as deployments
from domain.deployments.queries import active_rollouts_of
from domain.errors import Conflict
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.queries import get_job
from domain.jobs.states import ENDED
from domain.pipelines.events import (
    PipelineChanged,
    PipelineRunEnded,
    PipelineRunRefused,
    PipelineRunStarted,
    PipelineStepEnded,
    PipelineStepStarted,
)
from domain.pipelines.graph import RUN_ENDED, STEP_MOVES, RunState, StepName, StepState, next_step, steps_of
from domain.pipelines.models import Pipeline, PipelineRun, PipelineStep
from domain.pipelines.queries import active_run, get_pipeline, get_run, runs_started, steps_of_run
from domain.pipelines.specs import PipelineSpec, Trigger
from domain.pipelines.steps import BEGIN, Waits
from domain.pipelines.triggers import schedule_due


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
    pipeline = session.scalar(locked(select(Pipeline).where(Pipeline.name == name)))
    created = pipeline is None
    body = spec.model_dump(mode="json")
    if pipeline is None:
        pipeline = Pipeline(
            id=new_id(), name=name, spec=body, revision=1, created_by=session.actor.name, created_at=now, updated_at=now
        )
        session.add(pipeline)
    elif pipeline.spec != body:
        pipeline.spec, pipeline.revision, pipeline.updated_at = body, pipeline.revision + 1, now
    else:
        return pipeline, False
    session.flush()
    emit(session, PipelineChanged(subject=f"pipelines/{name}", pipeline=name, revision=pipeline.revision))
    return pipeline, created


def put_triggers(session: WriteSession, *, name: str, triggers: list[Trigger]) -> Pipeline:
    """Replace what sets the pipeline off, and nothing else."""
    spec = PipelineSpec.model_validate(get_pipeline(session, name, lock=True).spec)
    return put_pipeline(session, name=name, spec=spec.model_copy(update={"triggers": triggers}))[0]


def start(
    session: WriteSession,
    *,
    name: str,
    trigger: str,
    reason: str = "",
    cause: str | None = None,
    code_commit: str | None = None,
) -> PipelineRun:
    """Start a run; PipelineBusy while another one of this pipeline has not ended.

    `cause` is what lineage shows before it (see `PipelineRun`). With a `code_commit`, its training carries that commit.
    """
    pipeline = get_pipeline(session, name, lock=True)
    busy = active_run(session, pipeline.id)
    if busy is not None:
        raise PipelineBusy(
            f"Run {busy.id} of pipeline {name!r} has not ended.", where="pipeline", fix="Wait for it, or cancel it."
        )
    spec = PipelineSpec.model_validate(pipeline.spec)
    if code_commit is not None:
        spec = spec.model_copy(update={"train": spec.train.model_copy(update={"code_commit": code_commit})})
    run = PipelineRun(
        id=new_id(),
        pipeline_id=pipeline.id,
        spec=pipeline.spec if code_commit is None else spec.model_dump(mode="json"),
        state=RunState.RUNNING,
        trigger=trigger,
        trigger_reason=reason,
        cause=cause,
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


def start_or_tell(
    session: WriteSession, *, name: str, trigger: str, reason: str, cause: str, code_commit: str | None = None
) -> PipelineRun | None:
    """Start a run that an event sets off; while another one has not ended, the refusal is an event as well."""
    busy = active_run(session, get_pipeline(session, name, lock=True).id)
    if busy is None:
        return start(session, name=name, trigger=trigger, reason=reason, cause=cause, code_commit=code_commit)
    why = f"{reason}, and run {busy.id} has not ended."
    emit(session, PipelineRunRefused(subject=f"pipelines/{name}", pipeline=name, trigger=trigger, reason=why))
    return None


def start_on_schedule(session: WriteSession, *, name: str) -> PipelineRun | None:
    """Start the run that is due; None when another tick was faster, or while a run has not ended: it stays due then."""
    pipeline = get_pipeline(session, name, lock=True)
    last = runs_started(session, pipeline.id, trigger="schedule", limit=1)
    since = last[0].started_at if last else pipeline.created_at
    spec = PipelineSpec.model_validate(pipeline.spec)
    if not schedule_due(spec, last_started=since, now=session.now()) or active_run(session, pipeline.id) is not None:
        return None
    return start(session, name=name, trigger="schedule", reason="its schedule came round")


def arrived(session: WriteSession, key: str, arrival: Arrival) -> None:
    """The thing named `key` has happened: move on every step that waits for it."""
    for turn, step in _waiting_for(session, key):
        step.output = {**step.output, **(arrival.output or {})}
        _end_step(turn, step, arrival.state, arrival.reason)
        if arrival.state != StepState.SUCCEEDED:
            _end_run(turn, RunState.FAILED, f"{step.name}: {arrival.reason}")
        elif arrival.stop:
            _end_run(turn, RunState.SUCCEEDED, arrival.reason)
        else:
            _go_on(turn)


def look_again(session: WriteSession, key: str) -> None:
    """Something happened to the thing named `key`: every step that waits for it looks whether it may end now."""
    for turn, step in _waiting_for(session, key):
        if _begin(turn, step, steps_of_run(session, turn.run.id)):
            _go_on(turn)


def cancel(session: WriteSession, *, run_id: str) -> PipelineRun:
    """End the run: no further step begins, and the job or the rollout that a step waits for is stopped."""
    run = get_run(session, run_id, lock=True)
    if run.state in RUN_ENDED:
        raise RunEnded(f"Pipeline run {run_id} has already {run.state}.", where="state")
    turn = _Turn(session, run, session.get_one(Pipeline, run.pipeline_id))
    reason = f"cancelled by {session.actor.name}"
    steps = steps_of_run(session, run.id)
    for step in steps:
        if step.state == StepState.RUNNING:
            _end_step(turn, step, StepState.CANCELLED, reason)
    _end_run(turn, RunState.CANCELLED, reason)
    for step in steps:
        _stop_work(session, step, reason)
    return run


def _stop_work(session: WriteSession, step: PipelineStep, reason: str) -> None:
    job_id, promotion_id = step.output.get("job_id"), step.output.get("promotion_id")
    if job_id is not None and get_job(session, job_id).state not in ENDED:
        jobs.cancel(session, job_id, reason=reason)
    if promotion_id is not None:
        for rollout in active_rollouts_of(session, promotion_id):
            deployments.abort(session, rollout_id=rollout.id, reason=reason)


def _waiting_for(session: WriteSession, key: str) -> Iterator[tuple[_Turn, PipelineStep]]:
    """The running steps that wait for `key`, each with its locked run."""
    query = select(PipelineStep).where(PipelineStep.waits_for == key, PipelineStep.state == StepState.RUNNING)
    for step in session.scalars(locked(query)).all():
        run = get_run(session, step.run_id, lock=True)
        yield _Turn(session, run, session.get_one(Pipeline, run.pipeline_id)), step


def _go_on(turn: _Turn) -> None:
    """Begin the next step, and the one after it when it ends at once, until one waits or the run is through."""
    while True:
        steps = steps_of_run(turn.session, turn.run.id)
        states = {StepName(step.name): StepState(step.state) for step in steps}
        name = next_step(list(states), states)
        if name is None:
            _end_run(turn, RunState.SUCCEEDED, "every step succeeded")
            return
        step = next(one for one in steps if one.name == name)
        _move(step, StepState.RUNNING)
        step.started_at = turn.session.now()
        emit(
            turn.session,
            PipelineStepStarted(
                subject=f"pipeline-runs/{turn.run.id}", pipeline=turn.pipeline.name, run_id=turn.run.id, step=name
            ),
        )
        if not _begin(turn, step, steps):
            return


def _begin(turn: _Turn, step: PipelineStep, steps: Sequence[PipelineStep]) -> bool:
    """Do what the step does first; whether the next one may begin at once."""
    outputs = {StepName(one.name): dict(one.output) for one in steps}
    spec = PipelineSpec.model_validate(turn.run.spec)
    begun = BEGIN[StepName(step.name)](turn.session, turn.pipeline.name, spec, outputs)
    step.output = begun.output
    if isinstance(begun, Waits):
        step.waits_for = begun.key
        turn.session.flush()
        return False
    _end_step(turn, step, StepState.SUCCEEDED if begun.good else StepState.FAILED, begun.reason)
    if not begun.good:
        _end_run(turn, RunState.FAILED, f"{step.name}: {begun.reason}")
    return begun.good


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
