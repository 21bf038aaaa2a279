"""Jobs of data checks: read the version, profile it, run the suite, record the report; put failing rows aside."""

from contextlib import ExitStack
from dataclasses import dataclass

from domain.data_checks import quarantine, queries, service
from domain.data_checks.jobs import QuarantineRows, RunDataChecks
from domain.data_checks.models import DataCheckReport
from domain.data_checks.specs import CheckResult, CheckSuite, DriftCheck
from domain.datasets import queries as datasets
from domain.datasets.models import DatasetVersion
from domain.datasets.specs import TableProfile
from domain.db import AnySession
from domain.errors import Invalid
from ml.checks.plan import Unfit
from ml.checks.suite import check, wheres_of
from ml.engines import IN_MEMORY, Rows
from ml.profile import profile_rows
from workers.engines import engine_for
from workers.expectations import with_expectations, without_expectations
from workers.quarantine import split_version
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
    job.stage("record")
    with job.transaction() as session:
        report = service.record(
            session, version_id=work.version.id, job_id=job.id, suite=work.suite, results=results, profile=facts
        )
        return _result(report)


def quarantine_rows(job: RunningJob[QuarantineRows], tools: Toolbox) -> dict[str, object]:
    """Put the failing rows of a version aside, and record both parts at once."""
    job.stage("split")
    parts = split_version(tools, job.spec)
    job.stage("record")
    with job.transaction() as session:
        clean, failing = quarantine.record(
            session,
            version=datasets.get_version_by_id(session, parts.version.id),
            report_id=job.spec.report_id,
            counts=parts.counts,
            clean=parts.clean,
            failing=parts.failing,
            message=job.spec.message,
        )
        return {
            "clean": {"dataset": clean.dataset.name, "number": clean.number, "rows": parts.clean.rows},
            "failing": {"dataset": failing.dataset.name, "number": failing.number, "rows": parts.failing.rows},
            "checks": parts.counts,
        }


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
    job.stage("read")
    with ExitStack() as opened:
        try:
            frame = opened.enter_context(open_table(tools, work.version))
        except Invalid as error:
            where = f" ({error.where})" if error.where else ""
            return [_readable(f"{error.message}{where}", ok=False)], None
        engine = engine_for(tools, work.suite.engine, frame)
        job.stage("profile")
        job.progress(0.2, f"profiling with {engine.name}")
        rows = opened.enter_context(engine.open(frame, wheres_of(work.suite)))
        facts = profile_rows(rows)

        def reference(spec: DriftCheck) -> Rows | None:
            other = work.references[spec.against]
            if other is None and spec.against == "previous":
                return None
            if other is None:
                raise Unfit(f"There is no version {spec.against} to compare with.")
            try:
                before = opened.enter_context(open_table(tools, other))
            except Invalid as error:
                raise Unfit(f"Version {other.number} cannot be compared with: {error.message}") from error
            return opened.enter_context(engine.open(before))

        job.stage("check")
        job.progress(0.6, f"checking with {engine.name}")
        ours = check(rows, without_expectations(work.suite), reference)
        results = with_expectations(frame, work.suite, ours, tools.scratch)
    what = "files" if work.version.format == "folder" else "rows"
    said = f"{facts.rows:,} {what} read, {len(facts.columns)} columns"
    by = "" if engine == IN_MEMORY else f"; checked by {engine.name}"
    return [_readable(f"{said}{by}.", ok=True), *results], facts


def _readable(message: str, *, ok: bool) -> CheckResult:
    return CheckResult(
        check="readable", name="readable", severity="error", verdict="pass" if ok else "fail", message=message
    )


def _result(report: DataCheckReport) -> dict[str, str]:
    return {"report_id": report.id, "verdict": report.verdict}
