"""The loop at a glance: one read over the event log, the jobs, the endpoints and the alerts."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from sqlalchemy import func, select

from api.deps import ReadDep, Reader, RuntimeDep
from api.routers.endpoints import read_endpoint
from api.routers.monitoring import read_alert
from api.schemas.jobs import JobRead
from api.schemas.overview import (
    CountsRead,
    DecisionKind,
    DecisionRead,
    EndpointBrief,
    OverviewRead,
    StageName,
    StageRead,
    StageState,
)
from domain.datasets.models import Dataset, DatasetVersion
from domain.db import AnySession, Base
from domain.deployments.models import Endpoint
from domain.deployments.queries import list_endpoints
from domain.events.models import EventRow
from domain.events.queries import latest_of
from domain.experiments.models import Run
from domain.jobs.models import Job
from domain.jobs.queries import active_jobs
from domain.jobs.states import JobState
from domain.monitoring.alerts import AlertState
from domain.monitoring.queries import list_alerts
from domain.pages import PageRequest
from domain.registry.models import ModelVersion, RegisteredModel

router = APIRouter(tags=["overview"])

# Event types that say how a stage stands, with the state each leaves it in.
STAGES: dict[StageName, dict[str, StageState]] = {
    "data": {"DatasetVersionCreated": "ok"},
    "check": {"DatasetVersionValidated": "ok", "DatasetVersionRejected": "failed"},
    "train": {"RunFinished": "ok", "RunFailed": "failed"},
    "check_model": {"ModelVersionChecked": "ok"},
    "promote": {"PromotionDecided": "ok", "PromotionApplied": "ok", "PromotionRejected": "attention"},
    "serve": {
        "RolloutFinished": "ok",
        "RolloutAborted": "failed",
        "RolloutPaused": "attention",
        "RolledBack": "attention",
    },
    "watch": {"WindowClosed": "ok", "DriftDetected": "attention", "QualityDropped": "failed", "DataBroken": "failed"},
    "retrain": {"RetrainStarted": "ok", "RetrainRefused": "idle", "PipelineRunEnded": "ok"},
}
WORKING: dict[str, StageName] = {
    "BuildVersion": "data",
    "RunDataChecks": "check",
    "TrainModel": "train",
    "RunModelChecks": "check_model",
    "GatherEvidence": "promote",
    "RollOut": "serve",
    "ComputeWindow": "watch",
}
DECISIONS: dict[str, tuple[DecisionKind, str]] = {
    "DatasetVersionValidated": ("checks", "validated"),
    "DatasetVersionRejected": ("checks", "rejected"),
    "PromotionDecided": ("gate", ""),
    "RolloutFinished": ("rollout", "switched"),
    "RolloutAborted": ("rollout", "aborted"),
    "RolloutPaused": ("rollout", "paused"),
    "RolledBack": ("rollout", "rolled_back"),
    "RetrainStarted": ("governor", "started"),
    "RetrainRefused": ("governor", "refused"),
}
# Outcomes of checks, gates, windows and pipeline runs that a person should see at once.
OUTCOMES: dict[str, StageState] = {
    "fail": "attention",
    "inconclusive": "attention",
    "drifted": "attention",
    "degraded": "failed",
    "broken": "failed",
    "failed": "failed",
    "cancelled": "attention",
}
# What a stage and a decision say about an event, from its payload.
HEADLINES: dict[str, str] = {
    "DatasetVersionCreated": "{dataset} version {number} arrived",
    "DatasetVersionValidated": "{dataset} version {number} validated",
    "DatasetVersionRejected": "{dataset} version {number} rejected",
    "RunFinished": "a run of {experiment} finished",
    "RunFailed": "a run of {experiment} failed",
    "ModelVersionChecked": "{model} version {number}: {verdict}",
    "PromotionDecided": "{model} version {number}: {verdict}",
    "PromotionApplied": "{model} version {number}: champion now",
    "PromotionRejected": "{model} version {number}: refused",
    "RolloutFinished": "{endpoint} answers with version {version}",
    "RolloutAborted": "{endpoint} did not switch to version {version}",
    "RolloutPaused": "{endpoint}: the rollout of version {version} waits for a person",
    "RolledBack": "{endpoint} rolled back to version {to_version}",
    "WindowClosed": "{endpoint}: {rows} rows, {verdict}",
    "DriftDetected": "{endpoint}: {drifted} columns drifted",
    "QualityDropped": "{endpoint}: quality dropped",
    "DataBroken": "{endpoint}: broken data",
    "RetrainStarted": "{pipeline}: retrain started",
    "RetrainRefused": "{pipeline}: retrain held back",
    "PipelineRunEnded": "{pipeline}: {state}",
}
_SHOWN = 12


@router.get("/overview")
def get_overview(session: ReadDep, runtime: RuntimeDep, _: Reader) -> OverviewRead:
    """The loop as it stands: stages, the last decisions with reasons, running jobs, endpoints, open alerts."""
    jobs = active_jobs(session)
    alerts = [
        row
        for state in (AlertState.OPEN, AlertState.ACKNOWLEDGED)
        for row in list_alerts(session, PageRequest(20), state=state).items
    ]
    return OverviewRead(
        generated_at=runtime.clock(),
        counts=_counts(session),
        stages=[_stage(session, stage, jobs) for stage in STAGES],
        decisions=[_decision(row) for row in latest_of(session, list(DECISIONS), limit=_SHOWN)],
        jobs=[JobRead.model_validate(job) for job in jobs],
        endpoints=[_brief(session, row) for row in list_endpoints(session, PageRequest(50)).items],
        alerts=[read_alert(session, row) for row in alerts],
    )


def _counts(session: AnySession) -> CountsRead:
    tables: dict[str, type[Base]] = {
        "datasets": Dataset,
        "dataset_versions": DatasetVersion,
        "runs": Run,
        "models": RegisteredModel,
        "model_versions": ModelVersion,
        "endpoints": Endpoint,
    }
    return CountsRead(
        **{name: session.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables.items()}
    )


def _stage(session: AnySession, stage: StageName, jobs: Sequence[Job]) -> StageRead:
    working = next((job for job in jobs if WORKING.get(job.kind) == stage and job.state == JobState.RUNNING), None)
    if working is not None:
        headline = working.message or f"{working.kind} is running"
        return StageRead(
            stage=stage, state="running", headline=headline, at=working.started_at, subject=working.subject
        )
    row = next(iter(latest_of(session, list(STAGES[stage]), limit=1)), None)
    if row is None:
        return StageRead(stage=stage, state="idle", headline="nothing yet")
    state = STAGES[stage][row.type]
    told = row.payload.get("verdict") or row.payload.get("state")
    if state == "ok":  # it took place; how it came out is in the event
        state = OUTCOMES.get(str(told), state)
    return StageRead(
        stage=stage, state=state, headline=_headline(row), detail=_reason(row), at=row.at, subject=row.subject
    )


def _headline(row: EventRow) -> str:
    return HEADLINES[row.type].format_map({**row.payload, "drifted": len(row.payload.get("features", []))})


def _reason(row: EventRow) -> str | None:
    reason = row.payload.get("reason") or " ".join(row.payload.get("reasons", []))
    return str(reason) if reason else None


def _decision(row: EventRow) -> DecisionRead:
    kind, verdict = DECISIONS[row.type]
    payload: dict[str, Any] = row.payload
    return DecisionRead(
        id=row.seq,
        at=row.at,
        kind=kind,
        verdict=verdict or payload["verdict"],
        subject=row.subject,
        reason=_reason(row) or _headline(row),
    )


def _brief(session: AnySession, row: Endpoint) -> EndpointBrief:
    whole = read_endpoint(session, row)
    state: Any = "rolling_out" if whole.rollout_id else "live" if whole.live_version else "empty"
    return EndpointBrief(
        name=whole.name,
        model=whole.model,
        live_version=whole.live_version,
        standby_version=whole.standby_version,
        state=state,
        revision=whole.revision,
    )
