"""Reads of experiments and runs."""

from enum import StrEnum

from sqlalchemy import func, select

from domain.db import AnySession, locked
from domain.errors import NotFound, unknown
from domain.experiments.models import Experiment, Run
from domain.experiments.states import RunState
from domain.pages import Page, PageRequest, paginate


class UnknownExperiment(NotFound):
    code = "unknown_experiment"


class UnknownRun(NotFound):
    code = "unknown_run"


class RunSort(StrEnum):
    """The orders a list of runs can be had in."""

    NEWEST = "-created_at"
    OLDEST = "created_at"


def find_experiment(session: AnySession, name: str) -> Experiment | None:
    return session.scalar(select(Experiment).where(Experiment.name == name))


def get_experiment(session: AnySession, name: str) -> Experiment:
    """The experiment; `UnknownExperiment` with near matches otherwise."""
    experiment = find_experiment(session, name)
    if experiment is None:
        absent = unknown("experiment", name, session.scalars(select(Experiment.name)))
        raise UnknownExperiment(absent.message, where=absent.where, fix=absent.fix)
    return experiment


def list_experiments(session: AnySession, page: PageRequest) -> Page[Experiment]:
    """Newest first."""
    return paginate(session, select(Experiment), page, key=Experiment.id)


def count_runs(session: AnySession, experiment_id: str) -> int:
    return session.scalar(select(func.count()).select_from(Run).where(Run.experiment_id == experiment_id)) or 0


def get_run(session: AnySession, run_id: str, *, lock: bool = False) -> Run:
    query = select(Run).where(Run.id == run_id)
    run = session.scalar(locked(query) if lock else query)
    if run is None:
        raise UnknownRun(f"There is no run {run_id!r}.", where="run_id")
    return run


def get_runs(session: AnySession, run_ids: list[str]) -> list[Run]:
    """The runs in the order asked for; `UnknownRun` naming the first that does not exist."""
    found = {run.id: run for run in session.scalars(select(Run).where(Run.id.in_(run_ids)))}
    return [found[run_id] if run_id in found else get_run(session, run_id) for run_id in run_ids]


def list_runs(
    session: AnySession,
    page: PageRequest,
    *,
    experiment_id: str | None = None,
    state: RunState | None = None,
    sort: RunSort = RunSort.NEWEST,
) -> Page[Run]:
    query = select(Run)
    if experiment_id is not None:
        query = query.where(Run.experiment_id == experiment_id)
    if state is not None:
        query = query.where(Run.state == state)
    # Ids are UUIDv7: their order is the order of creation.
    return paginate(session, query, page, key=Run.id, descending=sort == RunSort.NEWEST)
