"""Verbs of data checks: set a dataset's suite, start the checks of a version, record what they found."""

from collections.abc import Sequence
from hashlib import sha256

from domain.data_checks.events import CheckSuiteChanged, DataChecksRecorded
from domain.data_checks.jobs import RunDataChecks
from domain.data_checks.models import DataCheckReport, DatasetSuite
from domain.data_checks.queries import CurrentSuite, report_of_job, suite_of
from domain.data_checks.specs import CheckResult, CheckSuite
from domain.data_checks.verdict import judge
from domain.datasets import service as datasets
from domain.datasets.models import Dataset, DatasetVersion
from domain.datasets.queries import get_version_by_id, refuse_deleted
from domain.datasets.specs import TableProfile
from domain.db import WriteSession, new_id
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.models import Job


def digest_of(suite: CheckSuite) -> str:
    """The SHA-256 of what the suite says; the engine is left out unless one was chosen, as in suites without it."""
    said = suite.model_dump_json(exclude={"engine"} if suite.engine == "auto" else None)
    return sha256(said.encode()).hexdigest()


def set_suite(session: WriteSession, *, dataset: Dataset, suite: CheckSuite) -> CurrentSuite:
    """Make `suite` the one that counts for the versions to come. `dataset` must be locked.

    The same suite again is no news.
    """
    current = suite_of(session, dataset)
    if current.suite == suite:
        return current
    number = current.number + 1
    session.add(
        DatasetSuite(
            id=new_id(),
            dataset_id=dataset.id,
            number=number,
            suite=suite.as_json(),
            created_at=session.now(),
            created_by=session.actor.name,
        )
    )
    session.flush()
    subject = f"datasets/{dataset.name}"
    emit(session, CheckSuiteChanged(subject=subject, dataset=dataset.name, number=number, checks=len(suite.checks)))
    return CurrentSuite(number, suite)


def start(session: WriteSession, *, version: DatasetVersion, force: bool = False, key: str | None = None) -> Job:
    """Queue the checks of a version under the suite that counts when they run."""
    spec = RunDataChecks(version_id=refuse_deleted(version).id, force=force)
    return jobs.submit(session, spec, subject=datasets.subject_of(version), key=key)


def record(
    session: WriteSession,
    *,
    version_id: str,
    job_id: str,
    suite: CheckSuite,
    results: Sequence[CheckResult],
    profile: TableProfile | None,
) -> DataCheckReport:
    """Keep the report and the profile (None: the table cannot be read), and validate or reject the version accordingly.

    A job records once: asked again it gives the report it has recorded.
    """
    standing = report_of_job(session, job_id)
    if standing is not None:
        return standing
    judgement = judge(results)
    version = get_version_by_id(session, version_id, lock=True)
    report = DataCheckReport(
        id=new_id(),
        version_id=version_id,
        job_id=job_id,
        suite=suite.as_json(),
        suite_digest=digest_of(suite),
        verdict=judgement.verdict,
        results=[result.as_json() for result in results],
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(report)
    session.flush()
    if profile is not None:
        datasets.describe_version(session, version=version, profile=profile)
    emit(
        session,
        DataChecksRecorded(
            subject=datasets.subject_of(version),
            dataset=version.dataset.name,
            number=version.number,
            version_id=version.id,
            report_id=report.id,
            verdict=report.verdict,
        ),
    )
    if judgement.verdict == "fail":
        datasets.reject_version(session, version_id=version_id, reasons=judgement.reasons)
    else:
        datasets.validate_version(session, version_id=version_id)
    return report
