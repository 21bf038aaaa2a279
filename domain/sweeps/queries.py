"""Reads of sweeps: with what their trials came to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.experiments.models import Run
from domain.pages import Page, PageRequest, paginate
from domain.sweeps.models import Sweep, SweepTrial
from domain.sweeps.progress import IN_FLIGHT
from domain.sweeps.states import SweepState, TrialState


class UnknownSweep(NotFound):
    code = "unknown_sweep"


@dataclass(frozen=True)
class Trial:
    """A trial as it stands. `value` is the objective's metric, where its run came to one."""

    number: int
    params: dict[str, Any]
    state: TrialState
    run_id: str | None
    job_id: str | None
    value: float | None
    reason: str
    started_at: datetime | None
    ended_at: datetime | None


def get_sweep(session: AnySession, sweep_id: str, *, lock: bool = False) -> Sweep:
    query = select(Sweep).where(Sweep.id == sweep_id)
    sweep = session.scalar(locked(query) if lock else query)
    if sweep is None:
        raise UnknownSweep(f"There is no sweep {sweep_id!r}.", where="sweep_id")
    return sweep


def find_by_key(session: AnySession, key: str | None) -> Sweep | None:
    """The sweep that was started under this key, if one was."""
    return session.scalar(select(Sweep).where(Sweep.key == key)) if key is not None else None


def list_sweeps(
    session: AnySession, page: PageRequest, *, experiment_id: str | None = None, state: SweepState | None = None
) -> Page[Sweep]:
    """Newest first."""
    query = select(Sweep)
    if experiment_id is not None:
        query = query.where(Sweep.experiment_id == experiment_id)
    if state is not None:
        query = query.where(Sweep.state == state)
    return paginate(session, query, page, key=Sweep.id)


def trial_of_run(session: AnySession, run_id: str) -> SweepTrial | None:
    return session.scalar(select(SweepTrial).where(SweepTrial.run_id == run_id))


def trials_of(session: AnySession, sweeps: Collection[Sweep]) -> dict[str, list[Trial]]:
    """By sweep all of its trials, in the order in which they have their turn."""
    homes = {sweep.id: sweep for sweep in sweeps}
    own = (SweepTrial.sweep_id, SweepTrial.number, SweepTrial.params, SweepTrial.run_id, SweepTrial.refused)
    columns = (Run.state, Run.job_id, Run.metrics, Run.reason, Run.started_at, Run.ended_at)
    query = select(*own, *columns).outerjoin(Run, Run.id == SweepTrial.run_id)
    query = query.where(SweepTrial.sweep_id.in_(homes)).order_by(SweepTrial.sweep_id, SweepTrial.number)
    found: dict[str, list[Trial]] = {sweep_id: [] for sweep_id in homes}
    for row in session.execute(query):
        home = homes[row.sweep_id]
        found[home.id].append(
            Trial(
                number=row.number,
                params=row.params,
                state=TrialState(row.state) if row.run_id else _without_run(home, row.refused),
                run_id=row.run_id,
                job_id=row.job_id,
                value=(row.metrics or {}).get(home.spec["objective"]["metric"]),
                reason=row.reason or row.refused or "",
                started_at=row.started_at,
                ended_at=row.ended_at,
            )
        )
    return found


def in_flight(trials: Sequence[Trial]) -> list[Trial]:
    """Those whose run is queued or running."""
    return [trial for trial in trials if trial.state in IN_FLIGHT]


def _without_run(sweep: Sweep, refused: str | None) -> TrialState:
    if refused is not None:
        return TrialState.REFUSED
    return TrialState.WAITING if sweep.state == SweepState.RUNNING else TrialState.SKIPPED
