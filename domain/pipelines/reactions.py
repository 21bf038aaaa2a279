"""What events elsewhere mean to pipelines: steps that go on, runs that start. Named in `domain.reactions`."""

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
from domain.monitoring.governor import may_retrain
from domain.monitoring.models import MonitoringWindow
from domain.monitoring.queries import policies_of
from domain.monitoring.windows import WindowVerdict
from domain.pipelines import queries, service, triggers
from domain.pipelines.governor import facts_of, retrained_by
from domain.pipelines.graph import StepState
from domain.pipelines.models import Pipeline
from domain.pipelines.service import Arrival
from domain.pipelines.specs import PipelineSpec
from domain.pipelines.steps import version_output
from domain.promotions.events import PromotionApplied, PromotionDecided, PromotionNotApplied, PromotionRejected
from domain.registry.events import ModelVersionRefused
from domain.registry.models import ModelVersion
from domain.repositories.events import CodeChanged
from domain.training.events import RunCancelled, RunFailed, RunFinished


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
    for pipeline in retrained_by(session, event.endpoint):
        _ask_governor(session, pipeline, event)


def _ask_governor(session: WriteSession, pipeline: Pipeline, event: WindowClosed) -> None:
    endpoint = session.get_one(Endpoint, event.endpoint_id)
    window = session.get_one(MonitoringWindow, event.window_id)
    _, policy = policies_of(session, event.endpoint_id)
    pipeline = queries.get_pipeline(session, pipeline.name, lock=True)
    facts = facts_of(session, pipeline, endpoint, policy, newest=window)
    ruling = may_retrain(facts, policy, session.now())
    about: dict[str, Any] = {
        "subject": f"endpoints/{event.endpoint}",
        "endpoint": event.endpoint,
        "pipeline": pipeline.name,
        "reason": ruling.reason,
        "window_id": event.window_id,
    }
    if not ruling.start:
        emit(session, RetrainRefused(**about, rule=ruling.rule))
        return
    run = service.start(
        session, name=pipeline.name, trigger="drift", reason=ruling.reason, cause=f"window:{event.window_id}"
    )
    emit(session, RetrainStarted(**about, run_id=run.id))
