"""Runs: look, follow, compare."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.deps import PageDep, ReadDep, Reader, RuntimeDep
from api.schemas.jobs import JobLogRead, UsageRead
from api.schemas.pages import PageRead
from api.schemas.runs import ProfileFormat, RunComparison, RunDetail, RunRead
from domain.datasets.queries import get_version_by_id
from domain.db import AnySession
from domain.errors import Invalid, NotFound
from domain.experiments import queries
from domain.experiments.models import Experiment, Run
from domain.experiments.queries import RunSort
from domain.experiments.states import RunState
from domain.jobs.queries import get_job, logs_after

router = APIRouter(prefix="/runs", tags=["runs"])

_COMPARED = 50
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


def _read_run(session: AnySession, row: Run) -> RunRead:
    version = get_version_by_id(session, row.dataset_version_id)
    computed = {
        "experiment": session.get_one(Experiment, row.experiment_id).name,
        "dataset": version.dataset.name,
        "dataset_version": version.number,
    }
    plain = {name: getattr(row, name) for name in RunRead.model_fields if name not in computed}
    unfinished = {
        name: None for name in ("package", "package_digest", "environment_digest", "mlflow_run_id") if not plain[name]
    }
    return RunRead.model_validate({**plain, **computed, **unfinished})


@router.get("")
def list_runs(
    session: ReadDep,
    page: PageDep,
    _: Reader,
    experiment: str | None = None,
    state: RunState | None = None,
    sort: RunSort = RunSort.NEWEST,
) -> PageRead[RunRead]:
    """Runs, newest first unless asked otherwise."""
    experiment_id = queries.get_experiment(session, experiment).id if experiment else None
    found = queries.list_runs(session, page, experiment_id=experiment_id, state=state, sort=sort)
    return PageRead[RunRead].of(found, lambda row: _read_run(session, row))


@router.get("/compare")
def compare_runs(
    session: ReadDep, _: Reader, ids: Annotated[str, Query(description="Ids of 2 to 50 runs, with commas between.")]
) -> RunComparison:
    """Runs side by side, in the order asked for."""
    wanted = [run_id.strip() for run_id in ids.split(",") if run_id.strip()]
    if not 2 <= len(wanted) <= _COMPARED or len(set(wanted)) != len(wanted):
        raise BadComparison(f"Name 2 to {_COMPARED} different runs.", where="ids")
    rows = queries.get_runs(session, wanted)
    versions = [get_version_by_id(session, row.dataset_version_id) for row in rows]
    return RunComparison(
        runs=[row.id for row in rows],
        states=[row.state for row in rows],
        datasets=[f"{version.dataset.name}@{version.number}" for version in versions],
        params=_differing([_asked(row) for row in rows]),
        metrics={
            name: [row.metrics.get(name) for row in rows]
            for name in sorted({name for row in rows for name in row.metrics})
        },
        code_commits=[row.code_commit for row in rows],
    )


def _asked(row: Run) -> dict[str, Any]:
    split = {f"split.{name}": value for name, value in row.spec["split"].items()}
    chosen = {name: row.spec[name] for name in ("trainer", "task", "target", "features", "categorical", "seed")}
    return {**chosen, **split, **{f"params.{name}": value for name, value in row.params.items()}}


def _differing(asked: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = sorted({name for one in asked for name in one})
    columns = {name: [one.get(name) for one in asked] for name in names}
    return {name: values for name, values in columns.items() if any(value != values[0] for value in values)}


@router.get("/{run_id}")
def get_run(run_id: str, session: ReadDep, runtime: RuntimeDep, _: Reader) -> RunDetail:
    """The run, and what the stages of its job took and cost."""
    run = queries.get_run(session, run_id)
    usage = UsageRead.of(get_job(session, run.job_id).stages, runtime.settings.prices)
    return RunDetail(**_read_run(session, run).model_dump(), usage=usage, profiled=run.profile_html_md5 is not None)


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
def get_run_metrics(run_id: str, session: ReadDep, _: Reader) -> dict[str, float]:
    """The final metrics, copied once when the run finished; empty before."""
    return queries.get_run(session, run_id).metrics


@router.get("/{run_id}/logs")
def get_run_logs(
    run_id: str, session: ReadDep, _: Reader, after: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> list[JobLogRead]:
    """The log of the run's job, up to 1,000 lines numbered above `after`."""
    run = queries.get_run(session, run_id)
    return [JobLogRead.model_validate(row) for row in logs_after(session, run.job_id, after)]
