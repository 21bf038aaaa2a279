"""The governor of retrains: how it stands, and what it said."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import ReadDep, Reader, RuntimeDep
from api.schemas.governor import GovernorPipeline, GovernorRead, RulingRead
from domain.deployments.queries import get_endpoint
from domain.events.models import EventRow
from domain.monitoring import queries
from domain.monitoring.specs import GovernorPolicy
from domain.pipelines.governor import GovernorState, governed

router = APIRouter(tags=["monitoring"])


def read_ruling(row: EventRow) -> RulingRead:
    said = row.payload
    return RulingRead(
        seq=row.seq,
        at=row.at,
        pipeline=said["pipeline"],
        started=row.type == "RetrainStarted",
        rule=said.get("rule", "go"),
        reason=said["reason"],
        run_id=said.get("run_id"),
        window_id=said.get("window_id"),
    )


@router.get("/endpoints/{name}/governor")
def get_governor(
    name: str,
    session: ReadDep,
    runtime: RuntimeDep,
    _: Reader,
    limit: Annotated[int, Query(ge=1, le=500, description="So many of the last rulings.")] = 20,
) -> GovernorRead:
    """Whether a retrain could start by itself now, which rule decides, and what was decided lately."""
    endpoint = get_endpoint(session, name)
    _policy, policy = queries.policies_of(session, endpoint.id)
    view = governed(session, endpoint, policy, runtime.clock())
    return GovernorRead(
        endpoint=name,
        policy=policy,
        windows=list(view.windows),
        windows_bad=view.bad,
        windows_needed=policy.windows_needed,
        windows_seen=policy.windows_seen,
        broken_columns=list(view.broken_columns),
        would_start_now=any(one.ruling.start for one in view.pipelines),
        pipelines=[_read_state(one, policy) for one in view.pipelines],
        rulings=[read_ruling(row) for row in queries.rulings_on(session, name, limit=limit)],
    )


def _read_state(state: GovernorState, policy: GovernorPolicy) -> GovernorPipeline:
    facts, at = state.facts, state.standing
    return GovernorPipeline(
        pipeline=state.pipeline,
        would_start_now=state.ruling.start,
        rule=state.ruling.rule,
        reason=state.ruling.reason,
        in_flight=facts.in_flight,
        budget=policy.daily_budget,
        budget_used=at.started_today,
        budget_left=max(0, policy.daily_budget - at.started_today),
        cooldown_until=at.ready_at,
        failed_gates=facts.failed_gates,
        max_failed_gates=policy.max_failed_gates,
        breaker_open=at.breaker_open,
        last_started_at=max(facts.started, default=None),
    )
