"""Verbs of model checks: start them, record what they found, or that they could not be run."""

from collections.abc import Sequence

from domain.db import WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.model_checks.events import ModelChecksFailed, ModelVersionChecked
from domain.model_checks.jobs import RunModelChecks
from domain.model_checks.models import ModelCheckReport
from domain.model_checks.queries import report_of_job
from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec
from domain.model_checks.verdict import judge
from domain.registry import queries as registry
from domain.registry import service as registry_service
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.states import VersionState


class VersionArchived(Conflict):
    code = "model_version_archived"


def start(session: WriteSession, *, version: ModelVersion, key: str | None = None) -> Job:
    """Queue the checks of a version under the policy that counts when they run."""
    subject = _subject(session, version)
    if version.state == VersionState.ARCHIVED:
        raise VersionArchived(f"{subject} is archived.", where="number")
    return jobs.submit(session, RunModelChecks(version_id=version.id), subject=subject, key=key)


def record(
    session: WriteSession,
    *,
    version_id: str,
    job_id: str,
    policy_version: int,
    checks: Sequence[ModelCheckSpec],
    results: Sequence[ModelCheckResult],
    metrics: dict[str, float],
) -> ModelCheckReport:
    """Keep what the job found. A job records once: asked again it gives the report it has recorded."""
    standing = report_of_job(session, job_id)
    if standing is not None:
        return standing
    version = registry_service.mark_checked(session, version_id=version_id)
    report = ModelCheckReport(
        id=new_id(),
        version_id=version_id,
        job_id=job_id,
        policy_version=policy_version,
        checks=[check.as_json() for check in checks],
        verdict=judge(results),
        results=[result.as_json() for result in results],
        metrics=metrics,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(report)
    session.flush()
    emit(
        session,
        ModelVersionChecked(
            subject=_subject(session, version),
            model=session.get_one(RegisteredModel, version.model_id).name,
            number=version.number,
            version_id=version.id,
            report_id=report.id,
            verdict=report.verdict,
        ),
    )
    return report


def give_up(session: WriteSession, *, version_id: str, reason: str) -> None:
    """The checks could not be run, for this reason."""
    version = registry.get_version_by_id(session, version_id)
    emit(
        session,
        ModelChecksFailed(
            subject=_subject(session, version),
            model=session.get_one(RegisteredModel, version.model_id).name,
            number=version.number,
            version_id=version.id,
            run_id=version.run_id,
            reason=reason,
        ),
    )


def _subject(session: WriteSession, version: ModelVersion) -> str:
    return f"models/{session.get_one(RegisteredModel, version.model_id).name}/versions/{version.number}"
