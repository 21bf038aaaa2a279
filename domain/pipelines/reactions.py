"""What events elsewhere mean to pipelines: steps that go on, runs that start. Named in `domain.reactions`."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.datasets.events import DatasetVersionBuilt, DatasetVersionRejected, DatasetVersionValidated
from domain.datasets.models import DatasetVersion
from domain.db import WriteSession
from domain.deployments.events import RolloutAborted
from domain.deployments.models import Endpoint, Rollout
from domain.events.service import emit
from domain.jobs.events import JobCancelled, JobFailed
from domain.model_checks.events import ModelChecksFailed, ModelVersionChecked
from domain.monitoring.events import RetrainRefused, RetrainStarted, WindowClosed
from domain.monitoring.governor import GovernorFacts, may_retrain
from domain.monitoring.models import MonitoringWindow
from domain.monitoring.queries import policies_of, recent_windows
from domain.monitoring.windows import WindowVerdict
from domain.pipelines import queries, service, triggers
from domain.pipelines.graph import StepState
from domain.pipelines.models import Pipeline, PipelineRun
from domain.pipelines.service import Arrival
from domain.pipelines.specs import PipelineSpec
from domain.pipelines.steps import version_output
from domain.promotions.events import PromotionApplied, PromotionDecided, PromotionNotApplied, PromotionRejected
from domain.promotions.queries import decided
from domain.registry.events import ModelVersionRefused
from domain.registry.models import ModelVersion
from domain.repositories.events import CodeChanged
from domain.training.events import RunCancelled, RunFailed, RunFinished

_PROMOTIONS_LOOKED_AT = 50


def version_built(session: WriteSession, event: DatasetVersionBuilt) -> None:
    version = session.get_one(DatasetVersion, event.version_id)
    made = "made" if event.created else "found again"
    service.arrived(
        session,
        f"job:{event.job_id}",
        Arrival(
            StepState.SUCCEEDED,
            f"{made} {event.dataset} version {event.number}",
            version_output(event.dataset, version),
        ),
    )


def version_validated(session: WriteSession, event: DatasetVersionValidated) -> None:
    """Let the steps that wait for this version go on, and start the pipelines that a new version sets off."""
    service.look_again(session, f"dataset_version:{event.version_id}")
    for pipeline in queries.all_pipelines(session):
        if not triggers.on_new_version(PipelineSpec.model_validate(pipeline.spec), event.dataset):
            continue
        if queries.has_built(session, pipeline.id, event.version_id):
            continue  # its own run made this version: that is no news to it
        service.start_or_tell(
            session,
            name=pipeline.name,
            trigger="dataset_version",
            reason=f"{event.dataset} version {event.number} is validated",
            cause=f"dataset_version:{event.version_id}",
        )


def code_changed(session: WriteSession, event: CodeChanged) -> None:
    """Start the pipelines that this code sets off; their trainings carry its commit."""
    for pipeline in queries.all_pipelines(session):
        if triggers.on_code(
            PipelineSpec.model_validate(pipeline.spec),
            repository=event.repository,
            branch=event.branch,
            paths=event.paths,
            every_path=event.changed <= len(event.paths),
        ):
            service.start_or_tell(
                session,
                name=pipeline.name,
                trigger="code",
                reason=f"{event.repository} {event.branch} is at {event.commit[:12]}: {event.message}",
                cause=f"code:{event.commit}",
                code_commit=event.commit,
            )


def version_rejected(session: WriteSession, event: DatasetVersionRejected) -> None:
    service.look_again(session, f"dataset_version:{event.version_id}")


def run_finished(session: WriteSession, event: RunFinished) -> None:
    service.arrived(session, f"run:{event.run_id}", Arrival(StepState.SUCCEEDED, "trained", {"metrics": event.metrics}))


def run_failed(session: WriteSession, event: RunFailed | RunCancelled) -> None:
    service.arrived(session, f"run:{event.run_id}", Arrival(StepState.FAILED, event.reason))


def model_checked(session: WriteSession, event: ModelVersionChecked) -> None:
    version = session.get_one(ModelVersion, event.version_id)
    service.arrived(
        session,
        f"checks_of_run:{version.run_id}",
        Arrival(
            StepState.SUCCEEDED,
            f"{event.model} version {event.number}: checks {event.verdict}",
            {"number": event.number, "verdict": event.verdict},
        ),
    )


def model_not_checked(session: WriteSession, event: ModelChecksFailed) -> None:
    service.arrived(
        session,
        f"checks_of_run:{event.run_id}",
        Arrival(StepState.FAILED, f"the checks could not be run: {event.reason}"),
    )


def run_not_registered(session: WriteSession, event: ModelVersionRefused) -> None:
    service.arrived(session, f"checks_of_run:{event.run_id}", Arrival(StepState.FAILED, event.reason))


def promotion_decided(session: WriteSession, event: PromotionDecided) -> None:
    """A gate that says no is an answer, not a failure: the champion stays and the run ends."""
    passed = event.verdict == "pass"
    reason = event.reason if passed else f"The champion stays: {event.reason}"
    service.arrived(
        session,
        f"promotion:{event.promotion_id}",
        Arrival(StepState.SUCCEEDED, reason, {"verdict": event.verdict}, stop=not passed),
    )


def promotion_rejected(session: WriteSession, event: PromotionRejected) -> None:
    service.arrived(
        session,
        f"applied:{event.promotion_id}",
        Arrival(StepState.SUCCEEDED, f"A person refused: {event.reason}", stop=True),
    )


def promotion_applied(session: WriteSession, event: PromotionApplied) -> None:
    service.arrived(
        session,
        f"applied:{event.promotion_id}",
        Arrival(StepState.SUCCEEDED, f"{event.model} version {event.number} is champion"),
    )


def promotion_not_applied(session: WriteSession, event: PromotionNotApplied) -> None:
    service.arrived(session, f"applied:{event.promotion_id}", Arrival(StepState.FAILED, event.reason))


def rollout_aborted(session: WriteSession, event: RolloutAborted) -> None:
    rollout = session.get_one(Rollout, event.rollout_id)
    if rollout.promotion_id is not None:
        service.arrived(session, f"applied:{rollout.promotion_id}", Arrival(StepState.FAILED, event.reason))


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    service.arrived(session, f"job:{event.job_id}", Arrival(StepState.FAILED, event.reason))


def window_closed(session: WriteSession, event: WindowClosed) -> None:
    """A window that is not quiet asks the governor whether to retrain; every answer is an event with its reason."""
    if event.verdict == WindowVerdict.QUIET:
        return
    for pipeline in queries.all_pipelines(session):
        if triggers.on_drift(PipelineSpec.model_validate(pipeline.spec), event.endpoint):
            _ask_governor(session, pipeline, event)


def _ask_governor(session: WriteSession, pipeline: Pipeline, event: WindowClosed) -> None:
    endpoint = session.get_one(Endpoint, event.endpoint_id)
    window = session.get_one(MonitoringWindow, event.window_id)
    _, policy = policies_of(session, event.endpoint_id)
    pipeline = queries.get_pipeline(session, pipeline.name, lock=True)
    active = queries.active_run(session, pipeline.id)
    runs = queries.runs_started(session, pipeline.id, trigger="drift")
    seen = recent_windows(session, event.endpoint_id, limit=policy.windows_seen, version_id=endpoint.live_version_id)
    broken = list((window.drift or {}).get("broken", []))
    facts = GovernorFacts(
        windows=[WindowVerdict(one.verdict) for one in seen if one.verdict is not None],
        broken_columns=broken if window.verdict == WindowVerdict.BROKEN else [],
        in_flight=active.id if active else None,
        started=[run.started_at for run in runs],
        failed_gates=_failed_gates(session, pipeline, endpoint.model_id, runs),
    )
    ruling = may_retrain(facts, policy, session.now())
    subject = f"endpoints/{event.endpoint}"
    if not ruling.start:
        emit(
            session,
            RetrainRefused(
                subject=subject, endpoint=event.endpoint, pipeline=pipeline.name, rule=ruling.rule, reason=ruling.reason
            ),
        )
        return
    run = service.start(
        session, name=pipeline.name, trigger="drift", reason=ruling.reason, cause=f"window:{event.window_id}"
    )
    emit(
        session,
        RetrainStarted(
            subject=subject, endpoint=event.endpoint, pipeline=pipeline.name, run_id=run.id, reason=ruling.reason
        ),
    )


def _failed_gates(session: WriteSession, pipeline: Pipeline, model_id: str, runs: Sequence[PipelineRun]) -> int:
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
