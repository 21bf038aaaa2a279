"""Quarantine: the rows of a version that fail its checks become a version of their own, beside one of the clean rows.

Which rows fail is what the newest report on the version says: its suite, not the one that counts now. Only checks that
look at single rows can tell them apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from domain.data_checks.events import RowsQuarantined
from domain.data_checks.jobs import QuarantineRows
from domain.data_checks.models import DataCheckReport
from domain.data_checks.queries import latest_report
from domain.data_checks.specs import CheckResult, CheckSpec, CheckSuite
from domain.datasets import service as datasets
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import Dataset, DatasetVersion
from domain.datasets.queries import get_dataset
from domain.datasets.specs import QuarantineSource
from domain.db import AnySession, WriteSession
from domain.errors import Conflict, Invalid
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.models import Job

ROW_CHECKS = frozenset({"not_null", "in_range", "in_set", "unique", "expression"})
LONGEST_NAME = 100


class NothingFails(Conflict):
    """No row of the version fails a check that looks at rows."""

    code = "nothing_to_quarantine"


class NothingClean(Conflict):
    """Every row fails: that says something about the checks, and would leave a version without rows."""

    code = "nothing_clean"


class NotRows(Conflict):
    """A folder of files has no rows to tell apart."""

    code = "not_a_table"


class BadQuarantine(Invalid):
    """The names of the two datasets do not do."""

    code = "bad_quarantine"


@dataclass(frozen=True)
class Part:
    """Stored rows that are to be a version: of the clean ones, or of the failing ones."""

    dataset: str
    entry: ManifestEntry
    rows: int


def quarantine(
    session: WriteSession,
    *,
    version: DatasetVersion,
    clean: str | None = None,
    failing: str | None = None,
    warnings: bool = False,
    column: str = "failed_checks",
    message: str = "",
    key: str | None = None,
) -> Job:
    """Order the split of a version by its newest report. With `warnings`, checks that only warn count too.

    The clean rows go to `clean` (its own dataset if absent), the others to `failing` (`NAME-quarantine` if absent,
    made when it is not there).

    Raises `NotChecked`, `NothingFails`, `NotRows` or `BadQuarantine` for what can be known before the rows are read.
    """
    name = version.dataset.name
    if version.format == "folder":
        raise NotRows(f"Version {version.number} of {name!r} is a folder of files, not a table.", where="version")
    clean, failing = clean or name, failing or f"{name}-quarantine"
    if len(failing) > LONGEST_NAME:
        what = f"The name {failing!r} is longer than {LONGEST_NAME} characters."
        raise BadQuarantine(what, where="failing", fix="Name the dataset of the failing rows yourself.")
    if clean == failing:
        raise BadQuarantine("Clean and failing rows go to the same dataset.", where="failing", fix="Name two.")
    datasets.refuse_archived(get_dataset(session, clean))
    standing = session.scalar(select(Dataset).where(Dataset.name == failing))
    if standing is not None:
        datasets.refuse_archived(standing)
    report = latest_report(session, version)
    if not list(failing_checks(report, warnings=warnings)):
        raise _nothing_fails(version, report, warnings=warnings)
    spec = QuarantineRows(
        version_id=version.id,
        report_id=report.id,
        clean=clean,
        failing=failing,
        warnings=warnings,
        column=column,
        message=message,
    )
    return jobs.submit(session, spec, subject=datasets.subject_of(version), key=key)


def failing_checks(report: DataCheckReport, *, warnings: bool) -> Iterator[tuple[str, CheckSpec]]:
    """The row checks of the report's suite that failed, each with its name there (and those that warn, if asked)."""
    counted = {"fail", "warn"} if warnings else {"fail"}
    results = [CheckResult.model_validate(result) for result in report.results]
    checks = CheckSuite.model_validate(report.suite).checks
    # The first result says whether the file could be read; when it could not, there are no others.
    for check, result in zip(checks, results[1:], strict=False):
        if check.check in ROW_CHECKS and result.verdict in counted and result.failing_count:
            yield result.name, check


def get_report(session: AnySession, report_id: str) -> DataCheckReport:
    return session.get_one(DataCheckReport, report_id)


def record(
    session: WriteSession,
    *,
    version: DatasetVersion,
    report_id: str,
    counts: dict[str, int],
    clean: Part,
    failing: Part,
    message: str,
) -> tuple[DatasetVersion, DatasetVersion]:
    """Both versions, clean rows first. Rows that are a version already are that version."""
    if session.scalar(select(Dataset.id).where(Dataset.name == failing.dataset)) is None:
        about = f"Rows of {version.dataset.name} that failed its checks."
        datasets.create_dataset(session, name=failing.dataset, description=about)
    made = []
    ref = f"{version.dataset.name}@{version.number}"
    # In the order of their names, so that two splits cannot wait for each other's dataset.
    for part in sorted((clean, failing), key=lambda part: part.dataset):
        source = QuarantineSource(
            version=ref, report_id=report_id, part="clean" if part is clean else "failing", failing=counts
        )
        added, _ = datasets.add_version(
            session,
            dataset=part.dataset,
            entries=[part.entry],
            source=source,
            message=message or f"{source.part} rows of {ref}",
            rows=part.rows,
            parents=[version],
        )
        made.append(added)
    kept, put_aside = made if clean.dataset < failing.dataset else reversed(made)
    emit(
        session,
        RowsQuarantined(
            subject=datasets.subject_of(version),
            dataset=version.dataset.name,
            number=version.number,
            clean=f"{kept.dataset.name}@{kept.number}",
            failing=f"{put_aside.dataset.name}@{put_aside.number}",
            rows=failing.rows,
            checks=counts,
        ),
    )
    return kept, put_aside


def _nothing_fails(version: DatasetVersion, report: DataCheckReport, *, warnings: bool) -> NothingFails:
    what = f"No row of version {version.number} of {version.dataset.name!r} fails a check that looks at rows"
    if not warnings and (warned := [name for name, _ in failing_checks(report, warnings=True)]):
        return NothingFails(
            f"{what}; {', '.join(warned)} only warns.", where="version", fix="Say `warnings: true` to put those aside."
        )
    others: Sequence[str] = [
        result["name"] for result in report.results if result["verdict"] == "fail" and result["check"] not in ROW_CHECKS
    ]
    about = f"; what failed ({', '.join(others)}) is about the whole table" if others else ""
    return NothingFails(f"{what}{about}.", where="version", fix="Its report says what each check came to.")
