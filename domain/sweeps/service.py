"""Verbs of sweeps: start one, go on when a trial has ended, cancel. The only place that moves a sweep's state."""

from datetime import timedelta

from domain.db import WriteSession, new_id
from domain.errors import Conflict, DomainError
from domain.events.service import emit
from domain.experiments.models import Experiment
from domain.experiments.queries import get_experiment
from domain.jobs import service as jobs
from domain.jobs.queries import get_job
from domain.jobs.states import ENDED
from domain.registry import service as registry
from domain.sweeps import plan, progress
from domain.sweeps.events import SweepEnded, SweepStarted
from domain.sweeps.models import Sweep, SweepTrial
from domain.sweeps.queries import Trial, find_by_key, get_sweep, in_flight, trials_of
from domain.sweeps.specs import SweepSpec
from domain.sweeps.states import SweepState, may_move
from domain.training import service as training


class SweepOver(Conflict):
    """The sweep has come to its end."""

    code = "sweep_ended"


def start(session: WriteSession, *, experiment: str, spec: SweepSpec, key: str | None = None) -> Sweep:
    """Plan all trials and queue the first ones; what is known to be wrong is refused now, naming the field."""
    home = get_experiment(session, experiment)
    standing = find_by_key(session, key)
    if standing is not None:
        return standing
    try:
        data = training.check(session, spec.base)
    except DomainError as error:
        error.where = f"base.{error.where}" if error.where else "base"
        raise
    metric = plan.objective_of(spec)
    points = plan.points_of(spec)
    pinned = {
        "base": spec.base.model_copy(update={"dataset": f"{data.dataset.name}@{data.number}"}),
        "objective": spec.objective.model_copy(update={"metric": metric}),
    }
    sweep = Sweep(
        id=new_id(),
        experiment_id=home.id,
        state=SweepState.RUNNING,
        spec=spec.model_copy(update=pinned).as_json(),
        trials=len(points),
        key=key,
        created_by=session.actor.name,
        created_at=session.now(),
    )
    session.add(sweep)
    session.flush()
    session.add_all(
        SweepTrial(sweep_id=sweep.id, number=number, params=point) for number, point in enumerate(points, start=1)
    )
    session.flush()
    emit(
        session,
        SweepStarted(subject=f"sweeps/{sweep.id}", experiment=home.name, sweep_id=sweep.id, trials=len(points)),
    )
    go_on(session, sweep_id=sweep.id)
    return sweep


def go_on(session: WriteSession, *, sweep_id: str) -> Sweep:
    """Start the trials whose turn it is, or end the sweep. Asked again, it does nothing twice."""
    sweep = get_sweep(session, sweep_id, lock=True)
    spec = SweepSpec.model_validate(sweep.spec)
    while sweep.state == SweepState.RUNNING:
        trials = trials_of(session, [sweep])[sweep.id]
        best = progress.best_of(trials, spec.objective.goal)
        sweep.best, sweep.best_value = (best.number, best.value) if best else (None, None)
        elapsed = (session.now() - sweep.created_at) / timedelta(seconds=1)
        turn = progress.decide(spec, trials, elapsed_seconds=elapsed)
        if turn.end is not None:
            _end(session, sweep, turn.end, turn.reason)
            _register(session, sweep, spec, trials)
            break
        # A trial that is refused leaves its place to another one.
        if all(_begin(session, sweep, spec, number) for number in turn.start):
            break
    session.flush()
    return sweep


def cancel(session: WriteSession, *, sweep_id: str) -> Sweep:
    """End the sweep: no further trial begins, those in flight are stopped."""
    # Their jobs before the sweep, as a trial that ends locks them; what has begun in between is stopped as well.
    for trial in in_flight(trials_of(session, [get_sweep(session, sweep_id)])[sweep_id]):
        get_job(session, str(trial.job_id), lock=True)
    sweep = get_sweep(session, sweep_id, lock=True)
    if sweep.state != SweepState.RUNNING:
        raise SweepOver(f"Sweep {sweep_id} has already {sweep.state}.", where="state")
    reason = f"cancelled by {session.actor.name}"
    flying = in_flight(trials_of(session, [sweep])[sweep.id])
    _end(session, sweep, SweepState.CANCELLED, reason)
    for trial in flying:
        if get_job(session, str(trial.job_id)).state not in ENDED:
            jobs.cancel(session, str(trial.job_id), reason=reason)
    return sweep


def _begin(session: WriteSession, sweep: Sweep, spec: SweepSpec, number: int) -> bool:
    """Train this point as any other run; False when that is refused, for the reason that the trial keeps."""
    trial = session.get_one(SweepTrial, (sweep.id, number))
    asked = spec.base.model_copy(update={"params": {**spec.base.params, **trial.params}, "model": None})
    experiment = session.get_one(Experiment, sweep.experiment_id).name
    try:
        run, _ = training.start(session, experiment=experiment, spec=asked, sweep_id=sweep.id)
    except DomainError as error:
        trial.refused = error.message
    else:
        trial.run_id = run.id
    session.flush()
    return trial.refused is None


def _end(session: WriteSession, sweep: Sweep, state: SweepState, reason: str) -> None:
    if not may_move(sweep.state, state):
        raise SweepOver(f"Sweep {sweep.id} cannot go from {sweep.state} to {state}.", where="state")
    sweep.state = state
    sweep.reason = reason
    sweep.ended_at = session.now()
    session.flush()
    best = session.get(SweepTrial, (sweep.id, sweep.best)) if sweep.best is not None else None
    emit(
        session,
        SweepEnded(
            subject=f"sweeps/{sweep.id}",
            experiment=session.get_one(Experiment, sweep.experiment_id).name,
            sweep_id=sweep.id,
            state=state,
            reason=reason,
            best_run_id=best.run_id if best else None,
            best_value=sweep.best_value,
        ),
    )


def _register(session: WriteSession, sweep: Sweep, spec: SweepSpec, trials: list[Trial]) -> None:
    best = next((trial for trial in trials if trial.number == sweep.best), None)
    if sweep.state == SweepState.SUCCEEDED and spec.base.model is not None and best is not None and best.run_id:
        registry.register_run(session, run_id=best.run_id, name=spec.base.model)
