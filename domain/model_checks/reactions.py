"""What events elsewhere mean to model checks. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.jobs.events import JobCancelled, JobFailed
from domain.jobs.queries import get_job
from domain.model_checks import service
from domain.model_checks.events import ModelSuiteChanged
from domain.model_checks.jobs import RunModelChecks
from domain.pins.events import RowPinned, RowUnpinned
from domain.registry import queries as registry
from domain.registry.events import ModelVersionCreated, PolicyChanged
from domain.registry.states import VersionState


def version_created(session: WriteSession, event: ModelVersionCreated) -> None:
    service.start(session, version=registry.get_version_by_id(session, event.version_id))


def policy_changed(session: WriteSession, event: PolicyChanged) -> None:
    """A changed policy asks other questions: the newest version, the likely candidate, answers them at once."""
    _check_newest(session, event.model)


def pins_changed(session: WriteSession, event: RowPinned | RowUnpinned) -> None:
    """Every version must get the pinned rows right, the newest one to begin with."""
    _check_newest(session, event.model)


def suite_changed(session: WriteSession, event: ModelSuiteChanged) -> None:
    """A changed suite that the policy names asks other questions too."""
    model = registry.get_model(session, event.model)
    named = [gate.get("suite") for gate in model.policy["gates"] if gate["gate"] == "behaviour"]
    if event.suite in named:
        _check_newest(session, event.model)


def job_ended_badly(session: WriteSession, event: JobFailed | JobCancelled) -> None:
    if event.kind == RunModelChecks.kind():
        payload = RunModelChecks.model_validate(get_job(session, event.job_id).payload)
        if not payload.partial:  # a question of its own says nothing of the version's checks
            service.give_up(session, version_id=payload.version_id, reason=event.reason)


def _check_newest(session: WriteSession, model: str) -> None:
    newest = registry.newest_version(session, registry.get_model(session, model))
    if newest is not None and newest.state != VersionState.ARCHIVED:
        service.start(session, version=newest)
