"""Runs: look, follow, compare."""

from asyncio import gather
from dataclasses import dataclass
from operator import itemgetter
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from adapters.mlflow_server import MlflowServer, NotRecorded
from api.deps import PageDep, ReadDep, Reader, RuntimeDep
from api.measurements import artifact_response, read_artifact, read_curve, read_metric
from api.mlflow_paths import checked
from api.runs import compare, read_run, read_runs
from api.schemas.jobs import JobLogRead
from api.schemas.pages import PageRead
from api.schemas.runs import ArtifactRead, ProfileFormat, RunComparison, RunCurves, RunDetail, RunRead
from domain.errors import Invalid, NotFound
from domain.experiments import queries
from domain.experiments.filters import parse
from domain.experiments.states import RunState
from domain.jobs.queries import logs_after

router = APIRouter(prefix="/runs", tags=["runs"])

_COMPARED = 100
_CURVES = 20
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


class TooManyCurves(Invalid):
    code = "too_many_curves"


class NoProfile(NotFound):
    """The run has not finished, or finished before runs were profiled."""

    code = "no_profile"


@dataclass(frozen=True)
class Tracked:
    """A run and where MLflow keeps it: nowhere before the first of it was told."""

    run_id: str
    state: RunState
    mlflow_run_id: str


def get_tracked(run_id: str, runtime: RuntimeDep, _: Reader) -> Tracked:
    """Read at once and let go: MLflow is not waited for with a transaction open."""
    with runtime.reading() as session:
        run = queries.get_run(session, run_id)
        return Tracked(run.id, RunState(run.state), run.mlflow_run_id)


TrackedDep = Annotated[Tracked, Depends(get_tracked)]


def get_mlflow(request: Request) -> MlflowServer:
    server: MlflowServer = request.app.state.mlflow
    return server


MlflowDep = Annotated[MlflowServer, Depends(get_mlflow)]


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


@router.get("/{run_id}/curves")
async def get_run_curves(
    *,
    run: TrackedDep,
    mlflow: MlflowDep,
    keys: Annotated[
        str | None, Query(max_length=5_000, description=f"Names of up to {_CURVES} metrics, with commas between.")
    ] = None,
    points: Annotated[int, Query(ge=2, le=2_000, description="Of each curve, at most.")] = 500,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Metrics on a page.")] = 100,
    after: Annotated[str | None, Query(max_length=300, description="The last metric of the page before.")] = None,
) -> RunCurves:
    """The metrics of a run as they are in MLflow, while it runs and after: which there are, or curves of some.

    Without `keys`, the metrics with their last values, page by page; with them, the curves of those.
    """
    wanted = sorted({key.strip() for key in (keys or "").split(",") if key.strip()})
    if len(wanted) > _CURVES:
        raise TooManyCurves(f"That is {len(wanted)} curves.", where="keys", fix=f"Ask for {_CURVES} at a time.")
    tracked = bool(run.mlflow_run_id)
    answer = RunCurves(
        run_id=run.run_id, state=run.state, tracked=tracked, total=None, metrics=[], next_after=None, curves=[]
    )
    if wanted:
        asked = [mlflow.history(run.mlflow_run_id, key, points=points) for key in wanted] if tracked else []
        found = await gather(*asked) if tracked else [[] for _ in wanted]
        return answer.model_copy(
            update={"curves": [read_curve(key, history) for key, history in zip(wanted, found, strict=True)]}
        )
    known = sorted((await mlflow.run(run.mlflow_run_id)).metrics, key=itemgetter("key")) if tracked else []
    rest = [metric for metric in known if after is None or metric["key"] > after]
    update = {
        "total": len(known),
        "metrics": [read_metric(metric) for metric in rest[:limit]],
        "next_after": rest[limit - 1]["key"] if len(rest) > limit else None,
    }
    return answer.model_copy(update=update)


@router.get("/{run_id}/artifacts")
async def list_run_artifacts(
    run: TrackedDep,
    mlflow: MlflowDep,
    path: Annotated[str, Query(max_length=500, description="A folder; its own, when empty.")] = "",
) -> list[ArtifactRead]:
    """What is in a folder of the run's artifacts, up to 1,000 entries; nothing before MLflow knows the run."""
    folder = checked(path.strip("/"), b"")
    if not run.mlflow_run_id:
        return []
    return [read_artifact(found) for found in await mlflow.artifacts(run.mlflow_run_id, folder)]


@router.get(
    "/{run_id}/artifacts/content/{path:path}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The bytes of the file."}},
)
async def get_run_artifact(run: TrackedDep, mlflow: MlflowDep, path: str, request: Request) -> Response:
    """A file of the run, streamed. Pictures and text are shown by a browser; what it could run is to be saved."""
    name = checked(path, request.scope.get("raw_path") or b"")
    if not run.mlflow_run_id or not name:
        raise NotRecorded(f"Run {run.run_id!r} has no file {name!r}.", where="path")
    return artifact_response(name, await mlflow.open_artifact(run.mlflow_run_id, name))
