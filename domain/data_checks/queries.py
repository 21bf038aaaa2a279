"""Reads of suites and reports."""

from dataclasses import dataclass

from sqlalchemy import select

from domain.data_checks.models import DataCheckReport, DatasetSuite
from domain.data_checks.specs import CheckSuite
from domain.datasets.models import Dataset, DatasetVersion
from domain.db import AnySession
from domain.errors import NotFound


class NotChecked(NotFound):
    code = "not_checked"


@dataclass(frozen=True)
class CurrentSuite:
    """The suite that counts now. Number 0 is the empty suite of a dataset that never got one."""

    number: int
    suite: CheckSuite


def suite_of(session: AnySession, dataset: Dataset) -> CurrentSuite:
    query = select(DatasetSuite).where(DatasetSuite.dataset_id == dataset.id)
    row = session.scalar(query.order_by(DatasetSuite.number.desc()).limit(1))
    return (
        CurrentSuite(0, CheckSuite()) if row is None else CurrentSuite(row.number, CheckSuite.model_validate(row.suite))
    )


def latest_report(session: AnySession, version: DatasetVersion) -> DataCheckReport:
    """The newest report on the version; `NotChecked` while there is none."""
    query = select(DataCheckReport).where(DataCheckReport.version_id == version.id)
    report = session.scalar(query.order_by(DataCheckReport.id.desc()).limit(1))
    if report is None:
        what = f"Version {version.number} of {version.dataset.name!r} has not been checked yet."
        raise NotChecked(what, where="version", fix="Look at the jobs of this version: its checks wait or run.")
    return report


def report_of_job(session: AnySession, job_id: str) -> DataCheckReport | None:
    return session.scalar(select(DataCheckReport).where(DataCheckReport.job_id == job_id))


def report_under(session: AnySession, version_id: str, suite_digest: str) -> DataCheckReport | None:
    """The newest report that this very suite gave on the version."""
    query = select(DataCheckReport).where(
        DataCheckReport.version_id == version_id, DataCheckReport.suite_digest == suite_digest
    )
    return session.scalar(query.order_by(DataCheckReport.id.desc()).limit(1))
