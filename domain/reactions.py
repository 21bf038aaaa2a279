"""What follows from what: all that the platform does by itself, in one table.

A reaction may only call a service or submit a job. It runs in the transaction of the event it answers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from domain.batch_predictions import reactions as batch_predictions
from domain.data_checks import reactions as data_checks
from domain.datasets import reactions as datasets
from domain.datasets.events import (
    DatasetVersionBuilt,
    DatasetVersionCreated,
    DatasetVersionRejected,
    DatasetVersionValidated,
)
from domain.db import WriteSession
from domain.deployments import reactions as deployments
from domain.deployments.events import RolloutAborted
from domain.events.spec import Event
from domain.gate_drills import reactions as gate_drills
from domain.gate_drills.events import GatesDrilled
from domain.gc import service as gc
from domain.jobs.events import JobCancelled, JobFailed, JobSucceeded
from domain.model_checks import reactions as model_checks
from domain.model_checks.events import ModelChecksFailed, ModelSuiteChanged, ModelVersionChecked
from domain.monitoring.events import WindowClosed
from domain.pins.events import RowPinned, RowUnpinned
from domain.pipelines import reactions as pipelines
from domain.promotions import reactions as promotions
from domain.promotions.events import (
    PromotionApplied,
    PromotionApproved,
    PromotionDecided,
    PromotionNotApplied,
    PromotionRejected,
)
from domain.registry import reactions as registry
from domain.registry.events import (
    AliasChangedOutside,
    AliasMoved,
    ModelVersionCreated,
    ModelVersionRefused,
    PolicyChanged,
    VersionRemovedOutside,
)
from domain.repositories import reactions as repositories
from domain.repositories.events import CodeChanged
from domain.reproductions import reactions as reproductions
from domain.sweeps import reactions as sweeps
from domain.training import reactions as training
from domain.training.events import RunCancelled, RunFailed, RunFinished
from domain.verifications import service as verifications
from domain.webhooks import reactions as webhooks

Reaction = Callable[[WriteSession, Any], None]

# A job that ends without a result ends what waits for it: the noun's own row first, then the pipeline step.
_JOB_ENDED_BADLY: Sequence[Reaction] = [
    data_checks.job_ended_badly,
    model_checks.job_ended_badly,
    promotions.job_ended_badly,
    deployments.job_ended_badly,
    batch_predictions.job_ended_badly,
    repositories.job_ended_badly,
    pipelines.job_ended_badly,
    gc.job_ended_badly,
    verifications.job_ended_badly,
    reproductions.job_ended_badly,
    webhooks.job_ended_badly,
]

REACTIONS: Mapping[type[Event], Sequence[Reaction]] = {
    DatasetVersionCreated: [data_checks.version_created],
    DatasetVersionBuilt: [pipelines.version_built],
    DatasetVersionValidated: [datasets.version_validated, pipelines.version_validated],
    DatasetVersionRejected: [pipelines.version_rejected],
    RunFinished: [pipelines.run_finished, training.run_finished, sweeps.run_ended],
    RunFailed: [pipelines.run_failed, sweeps.run_ended],
    RunCancelled: [pipelines.run_failed, sweeps.run_ended],
    ModelVersionCreated: [model_checks.version_created, registry.version_created],
    ModelVersionRefused: [pipelines.run_not_registered],
    ModelVersionChecked: [pipelines.model_checked, promotions.version_checked],
    ModelChecksFailed: [pipelines.model_not_checked, promotions.version_checked],
    PolicyChanged: [model_checks.policy_changed],
    ModelSuiteChanged: [model_checks.suite_changed],
    RowPinned: [model_checks.pins_changed],
    RowUnpinned: [model_checks.pins_changed],
    AliasMoved: [registry.alias_moved],
    AliasChangedOutside: [promotions.alias_changed_outside, registry.alias_changed_outside],
    VersionRemovedOutside: [registry.version_removed_outside],
    PromotionDecided: [pipelines.promotion_decided],
    PromotionApproved: [deployments.promotion_approved],
    PromotionRejected: [pipelines.promotion_rejected],
    PromotionApplied: [pipelines.promotion_applied],
    PromotionNotApplied: [pipelines.promotion_not_applied],
    RolloutAborted: [pipelines.rollout_aborted],
    GatesDrilled: [gate_drills.gates_drilled],
    WindowClosed: [pipelines.window_closed],
    CodeChanged: [pipelines.code_changed],
    JobSucceeded: [repositories.job_succeeded],
    JobFailed: [training.job_failed, *_JOB_ENDED_BADLY],
    JobCancelled: [training.job_cancelled, *_JOB_ENDED_BADLY],
}

_LONGEST_CHAIN = 1_000


class ReactionLoop(RuntimeError):
    """Events keep causing events: a fault of the table above."""


def react(session: WriteSession) -> None:
    """Run the reactions to everything that was emitted, and to what they emit in turn; then tell webhooks of it all."""
    for _ in range(_LONGEST_CHAIN):
        if not session.undrained:
            break
        event = session.undrained.popleft()
        for reaction in REACTIONS.get(type(event), ()):
            reaction(session, event)
    else:
        raise ReactionLoop(f"more than {_LONGEST_CHAIN} events in one transaction")
    webhooks.tell(session)
