"""Reads of experiments and runs."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import func, select

from domain.db import AnySession, locked
from domain.errors import Invalid, NotFound, unknown
from domain.experiments.conditions import as_sql, order_by
from domain.experiments.filters import LONGEST, Condition, Kind, field_of
from domain.experiments.models import Experiment, Run
from domain.experiments.states import RunState
from domain.pages import Page, PageRequest, paginate, paginate_by

NEWEST: Final = "-created_at"


class UnknownExperiment(NotFound):
    code = "unknown_experiment"


class UnknownRun(NotFound):
    code = "unknown_run"


class BadRunSort(Invalid):
    code = "bad_run_sort"


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


def experiment_names(session: AnySession, experiment_ids: Collection[str]) -> dict[str, str]:
    """Names by id."""
    query = select(Experiment.id, Experiment.name).where(Experiment.id.in_(experiment_ids))
    return dict(session.execute(query).all())


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
    where: Condition | None = None,
    sort: str = NEWEST,
) -> Page[Run]:
    """Runs for which every filter holds. `BadRunSort` when `sort` is no time, metric or parameter.

    Runs without the metric or the parameter come last, whichever way it is sorted.
    """
    query = select(Run)
    if experiment_id is not None:
        query = query.where(Run.experiment_id == experiment_id)
    if state is not None:
        query = query.where(Run.state == state)
    if where is not None:
        query = query.where(as_sql(where))
    name = sort.removeprefix("-")
    if name == "created_at":
        # Ids are UUIDv7: their order is the order of creation.
        return paginate(session, query, page, key=Run.id, descending=sort == NEWEST)
    field = field_of(name) if len(name) <= LONGEST else None
    if field is None or field.kind not in {Kind.METRIC, Kind.PARAM}:
        raise BadRunSort(
            f"Runs cannot be sorted by {name[:80]!r}.",
            where="sort",
            fix="Name created_at, metrics.NAME or params.NAME, with a - before it for the largest first.",
        )
    return paginate_by(session, query, page, order_by(field, descending=sort.startswith("-")), key=Run.id)
