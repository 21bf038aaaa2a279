"""Verbs of experiments and runs. The only place that moves a run's state; `domain.training` says when, and says so."""

from domain.datasets.models import DatasetVersion
from domain.db import WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.experiments.events import ExperimentCreated
from domain.experiments.models import Experiment, Run
from domain.experiments.queries import find_experiment, get_run
from domain.experiments.specs import RunOutcome
from domain.experiments.states import ENDED, RunState, may_move


class ExperimentExists(Conflict):
    code = "experiment_exists"


class WrongRunState(Conflict):
    code = "wrong_run_state"


def create_experiment(session: WriteSession, *, name: str, description: str = "") -> Experiment:
    if find_experiment(session, name) is not None:
        raise ExperimentExists(
            f"An experiment named {name!r} exists.", where="name", fix="Start runs in it, or choose another name."
        )
    experiment = Experiment(
        id=new_id(),
        name=name,
        description=description,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(experiment)
    session.flush()
    emit(session, ExperimentCreated(subject=f"experiments/{name}", name=name))
    return experiment


def ensure_experiment(session: WriteSession, *, name: str, description: str = "") -> Experiment:
    """The experiment of that name, made if it does not exist."""
    return find_experiment(session, name) or create_experiment(session, name=name, description=description)


def create_run(
    session: WriteSession,
    *,
    run_id: str,
    job_id: str,
    experiment: Experiment,
    spec: dict[str, object],
    trainer: str,
    params: dict[str, object],
    seed: int,
    version: DatasetVersion,
    code_commit: str | None,
    sweep_id: str | None = None,
    reproduces: str | None = None,
) -> Run:
    """A pending run of `spec` (a `TrainSpec` as JSON) on `version`, for a sweep, or to repeat another run."""
    run = Run(
        id=run_id,
        experiment_id=experiment.id,
        state=RunState.PENDING,
        job_id=job_id,
        spec=spec,
        trainer=trainer,
        params=params,
        seed=seed,
        dataset_version_id=version.id,
        dataset_digest=version.digest,
        code_commit=code_commit,
        sweep_id=sweep_id,
        reproduces=reproduces,
        notes=[],
        created_by=session.actor.name,
        created_at=session.now(),
    )
    session.add(run)
    session.flush()
    return run


def begin_run(session: WriteSession, *, run_id: str) -> Run:
    """The run's job has started; a second attempt of the job changes nothing."""
    run = get_run(session, run_id, lock=True)
    if run.state != RunState.RUNNING:
        _move(run, RunState.RUNNING)
        run.started_at, run.ended_at, run.reason = session.now(), None, ""
    return run


def record_tracking(session: WriteSession, *, run_id: str, mlflow_run_id: str) -> None:
    """Where the measurements of a run that goes on are; what it came to is not known yet."""
    run = get_run(session, run_id, lock=True)
    if run.state != RunState.FINISHED:
        run.mlflow_run_id = mlflow_run_id


def finish_run(session: WriteSession, *, run_id: str, outcome: RunOutcome) -> tuple[Run, bool]:
    """Record what the run came to, once: asked again, it is left as it is. True when this call recorded it."""
    run = get_run(session, run_id, lock=True)
    if run.state == RunState.FINISHED:
        return run, False
    _move(run, RunState.FINISHED)
    for name, value in outcome.as_json().items():
        setattr(run, name, value)
    run.ended_at = session.now()
    session.flush()
    return run, True


def end_run(session: WriteSession, *, run_id: str, cancelled: bool, reason: str) -> tuple[Run, bool]:
    """The run comes to nothing, for this reason. False when it had ended already."""
    run = get_run(session, run_id, lock=True)
    if run.state in ENDED:
        return run, False
    _move(run, RunState.CANCELLED if cancelled else RunState.FAILED)
    run.reason = reason
    run.ended_at = session.now()
    return run, True


def _move(run: Run, state: RunState) -> None:
    if not may_move(run.state, state):
        raise WrongRunState(f"Run {run.id} cannot go from {run.state} to {state}.", where="state")
    run.state = state
