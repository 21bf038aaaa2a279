"""Runs: look, follow, compare."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import PageDep, ReadDep, Reader, RuntimeDep
from api.runs import compare, read_run, read_runs
from api.schemas.jobs import JobLogRead
from api.schemas.pages import PageRead
from api.schemas.runs import ProfileFormat, RunComparison, RunDetail, RunRead
from domain.errors import Invalid, NotFound
from domain.experiments import queries
from domain.experiments.filters import parse
from domain.experiments.states import RunState
from domain.jobs.queries import logs_after

router = APIRouter(prefix="/runs", tags=["runs"])

_COMPARED = 100
_MEDIA_TYPES = {
    ProfileFormat.HTML: "text/html; charset=utf-8",
    ProfileFormat.SPEEDSCOPE: "application/json",
    ProfileFormat.TEXT: "text/plain; charset=utf-8",
}
# The page brings its script with it: it may run, in an origin of its own, and reach nothing.
_PROFILE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline' data:; "
    "img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class BadComparison(Invalid):
    code = "bad_comparison"


class NoProfile(NotFound):
    """The run has not finished, or finished before runs were profiled."""

    code = "no_profile"


@router.get("")
def list_runs(
    session: ReadDep,
    page: PageDep,
    _: Reader,
    *,
    experiment: str | None = None,
    state: RunState | None = None,
    condition: Annotated[
        str | None,
        Query(
            alias="filter",
            description="Conditions joined by `and`, `or`, `not` and parentheses, such as "
            '`metrics.test_mae < 50 and trainer in ("linear", "random_forest") and dataset = "bikes"`.',
        ),
    ] = None,
    sort: Annotated[
        str,
        Query(
            description="`created_at`, or any `metrics.NAME` or `params.NAME`; the largest first with a `-` before it. "
            "Runs without the value come last."
        ),
    ] = queries.NEWEST,
) -> PageRead[RunRead]:
    """Runs, newest first unless asked otherwise."""
    experiment_id = queries.get_experiment(session, experiment).id if experiment else None
    where = parse(condition) if condition and condition.strip() else None
    found = queries.list_runs(session, page, experiment_id=experiment_id, state=state, where=where, sort=sort)
    return PageRead[RunRead](items=read_runs(session, found.items), next_cursor=found.next_cursor)


@router.get("/compare")
def compare_runs(
    session: ReadDep, _: Reader, ids: Annotated[str, Query(description="Ids of 2 to 100 runs, with commas between.")]
) -> RunComparison:
    """Runs side by side, in the order asked for."""
    wanted = [run_id.strip() for run_id in ids.split(",") if run_id.strip()]
    if not 2 <= len(wanted) <= _COMPARED or len(set(wanted)) != len(wanted):
        raise BadComparison(f"Name 2 to {_COMPARED} different runs.", where="ids")
    return compare(session, queries.get_runs(session, wanted))


@router.get("/{run_id}")
def get_run(run_id: str, session: ReadDep, runtime: RuntimeDep, _: Reader) -> RunDetail:
    """The run, what the stages of its job took and cost, and what it belongs to."""
    return read_run(session, queries.get_run(session, run_id), runtime.settings.prices)


@router.get(
    "/{run_id}/profile",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in _MEDIA_TYPES.values()}, "description": "The profile."}},
)
def get_run_profile(
    run_id: str,
    session: ReadDep,
    runtime: RuntimeDep,
    _: Reader,
    form: Annotated[ProfileFormat, Query(alias="format")] = ProfileFormat.HTML,
) -> Response:
    """Where the training spent its time: what was sampled while it read, trained, packaged and logged."""
    run = queries.get_run(session, run_id)
    md5: str | None = getattr(run, f"profile_{form}_md5")
    if md5 is None:
        raise NoProfile(
            f"There is no profile of run {run_id!r}, which is {run.state}.",
            where="run_id",
            fix="A run has one when it has finished; train again if it is older than profiles.",
        )
    headers = {"Content-Security-Policy": _PROFILE_POLICY}
    return Response(runtime.contents.read(md5), media_type=_MEDIA_TYPES[form], headers=headers)


@router.get("/{run_id}/metrics")
def get_run_metrics(run_id: str, session: ReadDep, _: Reader) -> dict[str, float | None]:
    """The final metrics, copied once when the run finished; empty before."""
    return queries.get_run(session, run_id).metrics


@router.get("/{run_id}/logs")
def get_run_logs(
    run_id: str, session: ReadDep, _: Reader, after: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> list[JobLogRead]:
    """The log of the run's job, up to 1,000 lines numbered above `after`."""
    run = queries.get_run(session, run_id)
    return [JobLogRead.model_validate(row) for row in logs_after(session, run.job_id, after)]
