"""Whether the checks of a version answer what its policy asks now; waiting for those that do not."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from domain.db import AnySession, WriteSession
from domain.jobs.models import Job
from domain.jobs.queries import get_job
from domain.jobs.states import JobState
from domain.model_checks import queries as model_checks
from domain.model_checks import service as model_check_service
from domain.model_checks.jobs import RunModelChecks
from domain.model_checks.models import ModelCheckReport, ModelSuiteVersion
from domain.model_checks.specs import SuiteReport
from domain.pins.models import ModelPin
from domain.pins.queries import standing
from domain.promotions.specs import Policy
from domain.registry.models import ModelVersion, RegisteredModel

# The evidence is gathered as soon as the checks have ended; after so long without them it is gathered anyway.
WAIT_SECONDS = 3_600.0


@dataclass(frozen=True)
class Checked:
    """The report that counts, if there is one, and what keeps it from counting."""

    report: ModelCheckReport | None
    lacking: list[str]
    pin_ids: list[str]


def checked(session: AnySession, version: ModelVersion, policy: Policy, policy_version: int) -> Checked:
    """The newest report on the version under this policy. It lacks what it was not asked, or asked of older suites."""
    pins = [pin.id for pin in standing(session, version.model_id)]
    report = model_checks.latest_report(session, version.id, policy_version=policy_version)
    if not policy.checks() and not policy.suites() and not pins:
        return Checked(report, [], pins)
    if report is None:
        fix = "Run them: POST /api/v1/models/{name}/versions/{number}/checks, then ask again."
        return Checked(None, [f"The checks of policy version {policy_version} have not been run on it. {fix}"], pins)
    lacking = [*_suites(session, version, policy, report), *_pins(session, version, report)]
    return Checked(report, lacking, pins)


def await_checks(session: WriteSession, model: RegisteredModel, version: ModelVersion) -> float:
    """Seconds for which the evidence is to wait: none when the checks are there. Starts them where nobody has."""
    policy = Policy.model_validate(model.policy)
    if not checked(session, version, policy, model.policy_version).lacking:
        return 0.0
    if not _running(session, version):
        model_check_service.start(session, version=version)
    return WAIT_SECONDS


def _running(session: AnySession, version: ModelVersion) -> Sequence[Job]:
    """Jobs that check this version."""
    active = select(Job).where(Job.kind == RunModelChecks.kind(), Job.state.in_([JobState.QUEUED, JobState.RUNNING]))
    return [job for job in session.scalars(active) if job.payload["version_id"] == version.id]


def _suites(session: AnySession, version: ModelVersion, policy: Policy, report: ModelCheckReport) -> list[str]:
    ran = {one.suite: one for one in map(SuiteReport.model_validate, report.suites)}
    found = []
    for name in policy.suites():
        newest = session.scalar(
            select(ModelSuiteVersion)
            .where(ModelSuiteVersion.model_id == version.model_id, ModelSuiteVersion.name == name)
            .order_by(ModelSuiteVersion.number.desc())
            .limit(1)
        )
        if newest is None:
            found.append(
                f"The policy asks for the suite {name!r}, which the model does not have: put it, and ask again."
            )
        elif name not in ran:
            found.append(f"The suite {name!r} has not been run on this version. Run its checks, then ask again.")
        elif ran[name].digest != newest.suite_digest:
            what = f"version {ran[name].version} of the suite {name!r} was run, and version {newest.number} counts now"
            found.append(f"On this version {what}. Run its checks again, then ask again.")
    return found


def _pins(session: AnySession, version: ModelVersion, report: ModelCheckReport) -> list[str]:
    """Pins that were set or taken back since the checks began."""
    began = get_job(session, report.job_id).started_at or report.created_at
    rows = session.scalars(select(ModelPin).where(ModelPin.model_id == version.model_id))
    moved = [pin for pin in rows if max(pin.created_at, pin.unpinned_at or pin.created_at) >= began]
    if not moved:
        return []
    return [f"{len(moved)} pins were set or taken back since its checks ran. Run its checks again, then ask again."]
