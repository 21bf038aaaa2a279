"""A proposed pair of policies over the windows of an endpoint, beside the pair in force and what really happened."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from sqlalchemy import func, select

from domain.db import AnySession
from domain.deployments.models import Endpoint
from domain.events.models import EventRow
from domain.monitoring.backtest import Judged, KeptWindow, Outcome, Replay, judge, replay
from domain.monitoring.models import Alert, MonitoringWindow
from domain.monitoring.queries import count_truth, policies_of, recent_windows
from domain.monitoring.service import metric_of
from domain.monitoring.specs import DriftResult, GovernorPolicy, MonitorPolicy, PerformanceResult
from domain.pipelines.governor import retrained_by
from domain.pipelines.queries import runs_started
from domain.registry.models import ModelVersion


@dataclass(frozen=True)
class Side:
    """What one pair of policies makes of the windows."""

    policy: MonitorPolicy
    governor: GovernorPolicy
    judged: list[Judged]
    replay: Replay


@dataclass(frozen=True)
class Recorded:
    """What really happened since the first of the windows: alerts opened, retrains started, and refused by rule."""

    alerts: int
    retrains: int
    refusals: dict[str, int]


@dataclass(frozen=True)
class Backtest:
    """`windows` and what each side makes of them, the oldest first."""

    metric: str
    windows: list[MonitoringWindow]
    proposed: Side
    present: Side
    recorded: Recorded
    assumptions: list[str]


def try_policies(
    session: AnySession,
    endpoint: Endpoint,
    *,
    policy: MonitorPolicy,
    governor: GovernorPolicy,
    limit: int,
    retrain_seconds: float | None,
    outcome: Outcome,
) -> Backtest:
    """Judge the newest `limit` windows again. Raises `UnfitMetric`."""
    in_force, governor_in_force = policies_of(session, endpoint.id)
    metric = metric_of(session, endpoint, policy)
    windows = recent_windows(session, endpoint.id, limit=limit)[::-1]
    # Only a policy that is content with less truth can know more than the one in force.
    counts = policy.min_truth_share < in_force.min_truth_share
    kept = [_kept(session, window, with_truths=counts) for window in windows]
    seconds = _usual_seconds(session, endpoint.name) if retrain_seconds is None else retrain_seconds

    def side(policy: MonitorPolicy, governor: GovernorPolicy) -> Side:
        by = metric_of(session, endpoint, policy)
        judged = [judge(one, policy, metric=by) for one in kept]
        return Side(policy, governor, judged, replay(judged, governor, retrain_seconds=seconds, outcome=outcome))

    return Backtest(
        metric=metric,
        windows=windows,
        proposed=side(policy, governor),
        present=side(in_force, governor_in_force),
        recorded=_recorded(session, endpoint, windows),
        assumptions=_assumptions(policy, in_force, seconds, outcome),
    )


def _kept(session: AnySession, window: MonitoringWindow, *, with_truths: bool) -> KeptWindow:
    truths = None
    if with_truths and window.performance is None:
        truths = count_truth(session, window.endpoint_id, first_id=window.first_id, last_id=window.last_id)
    return KeptWindow(
        id=window.id,
        version=session.get_one(ModelVersion, window.version_id).number,
        at=window.opened_at,
        rows=window.rows,
        drift=DriftResult.model_validate(window.drift),
        performance=PerformanceResult.model_validate(window.performance) if window.performance else None,
        truths=truths,
    )


def _usual_seconds(session: AnySession, endpoint: str) -> float:
    """How long the retrains of this endpoint took, in the middle; 0 while none has ended."""
    runs = [
        run
        for pipeline in retrained_by(session, endpoint)
        for run in runs_started(session, pipeline.id, trigger="drift")
    ]
    took = [(run.ended_at - run.started_at).total_seconds() for run in runs if run.ended_at is not None]
    return median(took) if took else 0.0


def _recorded(session: AnySession, endpoint: Endpoint, windows: Sequence[MonitoringWindow]) -> Recorded:
    if not windows:
        return Recorded(0, 0, {})
    since = windows[0].opened_at
    opened = select(func.count()).select_from(Alert).where(Alert.endpoint_id == endpoint.id, Alert.opened_at >= since)
    said = select(EventRow).where(
        EventRow.type.in_(["RetrainStarted", "RetrainRefused"]),
        EventRow.subject == f"endpoints/{endpoint.name}",
        EventRow.at >= since,
    )
    rulings = list(session.scalars(said))
    return Recorded(
        alerts=session.scalar(opened) or 0,
        retrains=sum(row.type == "RetrainStarted" for row in rulings),
        refusals=dict(Counter(row.payload["rule"] for row in rulings if row.type == "RetrainRefused")),
    )


def _assumptions(policy: MonitorPolicy, in_force: MonitorPolicy, seconds: float, outcome: Outcome) -> list[str]:
    told = [
        "Windows are taken as they were cut, each judged once with all that is known of it by now.",
        f"A retrain takes {seconds:.0f} s, and its gate says {outcome}; the windows after it stay as they were.",
    ]
    cut = ("window_rows", "window_seconds", "min_rows")
    if any(getattr(policy, name) != getattr(in_force, name) for name in cut):
        told.append("The proposed size of windows is not tried: that would need their rows again.")
    return told
