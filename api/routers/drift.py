"""Windows of traffic: against the training reference, with their quality, as a heat map, and by another policy."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.deps import PageDep, ReadDep, Reader
from api.documents import DocumentRoute
from api.schemas.drift import (
    BacktestAlert,
    BacktestCreate,
    BacktestRead,
    BacktestRecorded,
    BacktestRuling,
    BacktestSide,
    BacktestWindow,
    HeatMapFeature,
    HeatMapRead,
    HeatMapWindow,
    WindowDetail,
    WindowRead,
)
from api.schemas.pages import PageRead
from domain.db import AnySession
from domain.deployments.models import Endpoint
from domain.deployments.queries import get_endpoint
from domain.monitoring import queries
from domain.monitoring.models import MonitoringWindow
from domain.monitoring.windows import WindowVerdict, time_of_id
from domain.pipelines.backtest import Backtest, Side, try_policies
from domain.registry.models import ModelVersion

router = APIRouter(tags=["monitoring"], route_class=DocumentRoute)


def read_window(session: AnySession, row: MonitoringWindow) -> WindowRead:
    return WindowRead.model_validate(_plain(session, row))


def _plain(session: AnySession, row: MonitoringWindow) -> dict[str, Any]:
    version = session.get(ModelVersion, row.version_id) if row.version_id else None
    told = {
        "version": version.number if version else None,
        "first_at": time_of_id(row.first_id),
        "last_at": time_of_id(row.last_id),
    }
    return {**{name: getattr(row, name) for name in WindowRead.model_fields if name not in told}, **told}


@router.get("/endpoints/{name}/drift")
def list_drift(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[WindowRead]:
    """Windows of traffic against the training reference, newest first."""
    endpoint = get_endpoint(session, name)
    return PageRead[WindowRead].of(
        queries.list_windows(session, page, endpoint_id=endpoint.id), lambda row: read_window(session, row)
    )


@router.get("/endpoints/{name}/performance")
def list_performance(
    name: str, session: ReadDep, _: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> list[WindowRead]:
    """Closed windows whose quality is known, newest first; with it how many rows are labelled, and how late."""
    rows = queries.recent_windows(session, get_endpoint(session, name).id, limit=limit, with_quality=True)
    return [read_window(session, row) for row in rows]


@router.get("/endpoints/{name}/windows/{window_id}")
def get_window(name: str, window_id: str, session: ReadDep, _: Reader) -> WindowDetail:
    """One window, with the distributions of each feature in the reference and in the window."""
    endpoint = get_endpoint(session, name)
    row = queries.get_window(session, window_id, endpoint_id=endpoint.id)
    truths = queries.count_truth(session, endpoint.id, first_id=row.first_id, last_id=row.last_id)
    told = {"endpoint": name, "truths": truths, "distributions": row.distributions}
    return WindowDetail.model_validate(_plain(session, row) | told)


@router.get("/endpoints/{name}/drift/heatmap")
def get_drift_heatmap(
    name: str, session: ReadDep, _: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 200
) -> HeatMapRead:
    """Drift of each feature in each of the newest windows, in little room."""
    rows = queries.recent_windows(session, get_endpoint(session, name).id, limit=limit)[::-1]
    windows = [_plain(session, row) for row in rows]
    return HeatMapRead(
        endpoint=name,
        windows=[
            HeatMapWindow.model_validate({key: one[key] for key in HeatMapWindow.model_fields}) for one in windows
        ],
        features=_heat([(row.drift or {}).get("features", []) for row in rows]),
    )


def _heat(windows: Sequence[Sequence[dict[str, Any]]]) -> list[HeatMapFeature]:
    """By feature, from the features of each window."""
    found: dict[str, HeatMapFeature] = {}
    for place, features in enumerate(windows):
        for one in features:
            known = found.get(one["name"])
            if known is None:
                nothing: list[float | None] = [None] * len(windows)
                known = found[one["name"]] = HeatMapFeature(
                    name=one["name"], kind=one["kind"], psi=nothing, threshold=list(nothing), drifted=[], broken=[]
                )
            if one["broken"]:
                known.broken.append(place)
            elif one["threshold"] > 0:  # else nothing could be compared
                known.psi[place], known.threshold[place] = round(one["psi"], 4), round(one["threshold"], 4)
            if one["drifted"]:
                known.drifted.append(place)
    return sorted(found.values(), key=lambda one: (-len(one.drifted) - len(one.broken), one.name))


@router.post("/endpoints/{name}/drift/backtest")
def backtest_policy(name: str, body: BacktestCreate, session: ReadDep, _: Reader) -> BacktestRead:
    """What other policies would have made of the windows so far: verdicts, alerts, retrains and refusals.

    Nothing changes. It is computed from what each window keeps, beside the policies in force and what really happened.
    """
    endpoint = get_endpoint(session, name)
    found = try_policies(
        session,
        endpoint,
        policy=body.policy,
        governor=body.governor,
        limit=body.limit,
        retrain_seconds=body.retrain_seconds,
        outcome=body.gates,
    )
    return _read_backtest(endpoint, found)


def _read_backtest(endpoint: Endpoint, found: Backtest) -> BacktestRead:
    windows = [
        BacktestWindow(
            id=row.id,
            version=proposed.window.version,
            first_at=time_of_id(row.first_id),
            last_at=time_of_id(row.last_id),
            at=proposed.window.at,
            rows=row.rows,
            recorded=WindowVerdict(row.verdict or WindowVerdict.QUIET),
            present=present.verdict,
            proposed=proposed.verdict,
            drifted=proposed.drift.drifted,
            broken=proposed.drift.broken,
            unknown=proposed.unknown,
        )
        for row, proposed, present in zip(found.windows, found.proposed.judged, found.present.judged, strict=True)
    ]
    return BacktestRead(
        endpoint=endpoint.name,
        metric=found.metric,
        changed=sum(one.proposed is not None and one.proposed != (one.present or one.recorded) for one in windows),
        assumptions=found.assumptions,
        proposed=_read_side(found.proposed),
        present=_read_side(found.present),
        recorded=BacktestRecorded(
            verdicts=_count([one.recorded for one in windows]),
            alerts=found.recorded.alerts,
            retrains=found.recorded.retrains,
            refusals=found.recorded.refusals,
        ),
        windows=windows,
    )


def _read_side(side: Side) -> BacktestSide:
    rulings = side.replay.rulings
    return BacktestSide(
        policy=side.policy,
        governor=side.governor,
        verdicts=_count([one.verdict for one in side.judged if one.verdict is not None]),
        unknown=sum(one.verdict is None for one in side.judged),
        alerts=[BacktestAlert.model_validate(one) for one in side.replay.alerts],
        retrains=sum(one.ruling.start for one in rulings),
        refusals=dict(Counter(one.ruling.rule for one in rulings if not one.ruling.start)),
        rulings=[
            BacktestRuling(
                window_id=one.window_id,
                at=one.at,
                start=one.ruling.start,
                rule=one.ruling.rule,
                reason=one.ruling.reason,
            )
            for one in rulings
        ],
    )


def _count(verdicts: Sequence[WindowVerdict]) -> dict[WindowVerdict, int]:
    return {verdict: verdicts.count(verdict) for verdict in WindowVerdict}
