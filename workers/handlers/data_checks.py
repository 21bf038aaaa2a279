"""Jobs of data checks: read the version, profile it, run the suite, record the report."""

from contextlib import ExitStack
from dataclasses import dataclass

import polars as pl

from domain.data_checks import queries, service
from domain.data_checks.jobs import RunDataChecks
from domain.data_checks.models import DataCheckReport
from domain.data_checks.specs import CheckResult, CheckSuite, DriftCheck
from domain.datasets import queries as datasets
from domain.datasets.models import DatasetVersion
from domain.datasets.specs import TableProfile
from domain.db import AnySession
from domain.errors import Invalid
from ml.checks.plan import Unfit
from ml.checks.suite import run_suite
from ml.profile import profile
from workers.expectations import with_expectations, without_expectations
from workers.run import RunningJob
from workers.tables import open_table
from workers.toolbox import Toolbox


@dataclass(frozen=True)
class _Work:
    """The version, its suite, and the versions its drift checks compare with, by their `against` (None: not there)."""

    version: DatasetVersion
    suite: CheckSuite
    references: dict[str | int, DatasetVersion | None]


def run_data_checks(job: RunningJob[RunDataChecks], tools: Toolbox) -> dict[str, str]:
    """Check a version. What cannot be read is rejected with the reason; unless forced, a suite sees a version once."""
    with tools.runtime.reading() as session:
        work = _work(session, job.spec.version_id)
        done = queries.report_of_job(session, job.id)
        if done is None and not job.spec.force:
            done = queries.report_under(session, work.version.id, service.digest_of(work.suite))
    if done is not None:
        return _result(done)
    results, facts = _check(job, tools, work)
    with job.transaction() as session:
        report = service.record(
            session, version_id=work.version.id, job_id=job.id, suite=work.suite, results=results, profile=facts
        )
        return _result(report)


def _work(session: AnySession, version_id: str) -> _Work:
    version = datasets.get_version_by_id(session, version_id)
    suite = queries.suite_of(session, version.dataset).suite
    against = {check.against for check in suite.checks if isinstance(check, DriftCheck)}
    return _Work(version, suite, {other: _reference(session, version, other) for other in against})


def _reference(session: AnySession, version: DatasetVersion, against: str | int) -> DatasetVersion | None:
    if isinstance(against, int):
        return datasets.find_version(session, version.dataset.name, against)
    return datasets.previous_validated(session, version)


def _check(
    job: RunningJob[RunDataChecks], tools: Toolbox, work: _Work
) -> tuple[list[CheckResult], TableProfile | None]:
    """The results, `readable` first, and the profile; only the former when the file cannot be read."""
    with ExitStack() as opened:
        try:
            frame = opened.enter_context(open_table(tools, work.version))
            job.progress(0.2, "profiling")
            facts = profile(frame)
        except Invalid as error:
            where = f" ({error.where})" if error.where else ""
            return [_readable(f"{error.message}{where}", ok=False)], None

        def reference(check: DriftCheck) -> pl.LazyFrame | None:
            other = work.references[check.against]
            if other is None and check.against == "previous":
                return None
            if other is None:
                raise Unfit(f"There is no version {check.against} to compare with.")
            try:
                return opened.enter_context(open_table(tools, other))
            except Invalid as error:
                raise Unfit(f"Version {other.number} cannot be compared with: {error.message}") from error

        job.progress(0.6, "checking")
        ours = run_suite(frame, without_expectations(work.suite), reference)
        results = with_expectations(frame, work.suite, ours, tools.scratch)
    what = "files" if work.version.format == "folder" else "rows"
    return [_readable(f"{facts.rows:,} {what} read, {len(facts.columns)} columns.", ok=True), *results], facts


def _readable(message: str, *, ok: bool) -> CheckResult:
    return CheckResult(
        check="readable", name="readable", severity="error", verdict="pass" if ok else "fail", message=message
    )


def _result(report: DataCheckReport) -> dict[str, str]:
    return {"report_id": report.id, "verdict": report.verdict}
