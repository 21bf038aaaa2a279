"""The governor of retrains with the facts of the database: asked by reactions, shown to people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.db import AnySession
from domain.deployments.models import Endpoint
from domain.monitoring.governor import GovernorFacts, Ruling, Standing, may_retrain, standing
from domain.monitoring.models import MonitoringWindow
from domain.monitoring.queries import recent_windows
from domain.monitoring.specs import GovernorPolicy
from domain.monitoring.windows import BAD, WindowVerdict
from domain.pipelines import queries, triggers
from domain.pipelines.models import Pipeline, PipelineRun
from domain.pipelines.specs import PipelineSpec
from domain.promotions.queries import decided

_PROMOTIONS_LOOKED_AT = 50


@dataclass(frozen=True)
class GovernorState:
    """What the governor would say now about one pipeline that an endpoint's drift sets off."""

    pipeline: str
    facts: GovernorFacts
    standing: Standing
    ruling: Ruling


@dataclass(frozen=True)
class Governed:
    """An endpoint before its governor: the windows it looks at, newest first, and each pipeline it may start."""

    windows: Sequence[WindowVerdict]
    bad: int
    broken_columns: Sequence[str]
    pipelines: Sequence[GovernorState]


def governed(session: AnySession, endpoint: Endpoint, policy: GovernorPolicy, now: datetime) -> Governed:
    """As if the newest window of the version that answers had just closed."""
    seen = recent_windows(session, endpoint.id, limit=policy.windows_seen, version_id=endpoint.live_version_id)
    newest = seen[0] if seen else None
    states = []
    for pipeline in retrained_by(session, endpoint.name):
        facts = facts_of(session, pipeline, endpoint, policy, newest=newest)
        ruling = may_retrain(facts, policy, now)
        states.append(GovernorState(pipeline.name, facts, standing(facts, policy, now), ruling))
    verdicts = [WindowVerdict(one.verdict) for one in seen if one.verdict is not None]
    return Governed(verdicts, sum(one in BAD for one in verdicts), _broken_columns(newest), states)


def retrained_by(session: AnySession, endpoint: str) -> list[Pipeline]:
    """The pipelines that drift of this endpoint sets off."""
    return [
        pipeline
        for pipeline in queries.all_pipelines(session)
        if triggers.on_drift(PipelineSpec.model_validate(pipeline.spec), endpoint)
    ]


def facts_of(
    session: AnySession,
    pipeline: Pipeline,
    endpoint: Endpoint,
    policy: GovernorPolicy,
    *,
    newest: MonitoringWindow | None,
) -> GovernorFacts:
    """`newest` is the window that the governor is asked about; what is broken in it holds everything back."""
    active = queries.active_run(session, pipeline.id)
    runs = queries.runs_started(session, pipeline.id, trigger="drift")
    seen = recent_windows(session, endpoint.id, limit=policy.windows_seen, version_id=endpoint.live_version_id)
    return GovernorFacts(
        windows=[WindowVerdict(one.verdict) for one in seen if one.verdict is not None],
        broken_columns=_broken_columns(newest),
        in_flight=active.id if active else None,
        started=[run.started_at for run in runs],
        failed_gates=_failed_gates(session, pipeline, endpoint.model_id, runs),
    )


def _broken_columns(window: MonitoringWindow | None) -> list[str]:
    if window is None or window.verdict != WindowVerdict.BROKEN:
        return []
    return list((window.drift or {}).get("broken", []))


def _failed_gates(session: AnySession, pipeline: Pipeline, model_id: str, runs: Sequence[PipelineRun]) -> int:
    """How many of these retrains in a row the gate refused, newest first.

    A pass of the model, whoever asked for it, ends the row; and so does a change of the pipeline, since what it trains
    now has not been tried.
    """
    tried = queries.promotions_of(session, [run for run in runs if _recipe(run.spec) == _recipe(pipeline.spec)])
    refused = 0
    for promotion in decided(session, model_id, limit=_PROMOTIONS_LOOKED_AT):
        if promotion.decision is None:  # the evidence could not be gathered
            continue
        if promotion.decision["verdict"] == "pass":
            break
        refused += promotion.id in tried
    return refused


def _recipe(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if name != "triggers"}
