"""Reads of model check reports."""

from sqlalchemy import select

from domain.db import AnySession
from domain.errors import NotFound
from domain.model_checks.models import ModelCheckReport


class NotChecked(NotFound):
    code = "not_checked"


def latest_report(
    session: AnySession, version_id: str, *, policy_version: int | None = None
) -> ModelCheckReport | None:
    """The newest report on the version, of one policy version or of any; None while there is none."""
    query = select(ModelCheckReport).where(ModelCheckReport.version_id == version_id)
    if policy_version is not None:
        query = query.where(ModelCheckReport.policy_version == policy_version)
    return session.scalar(query.order_by(ModelCheckReport.id.desc()).limit(1))


def get_report(session: AnySession, version_id: str) -> ModelCheckReport:
    """The newest report on the version; `NotChecked` while there is none."""
    report = latest_report(session, version_id)
    if report is None:
        fix = "Look at the jobs of this version: its checks wait or run."
        raise NotChecked("This model version has not been checked yet.", where="number", fix=fix)
    return report


def report_of_job(session: AnySession, job_id: str) -> ModelCheckReport | None:
    return session.scalar(select(ModelCheckReport).where(ModelCheckReport.job_id == job_id))
