"""Reads of model checks: suites and reports."""

from collections.abc import Sequence

from sqlalchemy import func, select, tuple_

from domain.db import AnySession
from domain.errors import NotFound, unknown
from domain.model_checks.models import ModelCheckReport, ModelSuiteVersion
from domain.model_checks.specs import PinnedRow
from domain.pages import Page, PageRequest, paginate
from domain.pins.models import ModelPin


class NotChecked(NotFound):
    code = "not_checked"


class UnknownSuite(NotFound):
    code = "unknown_suite"


def latest_report(
    session: AnySession,
    version_id: str,
    *,
    policy_version: int | None = None,
    suite: str | None = None,
    dataset: str | None = None,
) -> ModelCheckReport | None:
    """The newest report on the version, of one policy version or of any; None while there is none.

    It is the whole one on the frozen rows, the one that gates take, unless `suite` or `dataset` says what was asked.
    """
    query = select(ModelCheckReport).where(
        ModelCheckReport.version_id == version_id, ModelCheckReport.suite == suite, ModelCheckReport.dataset == dataset
    )
    if policy_version is not None:
        query = query.where(ModelCheckReport.policy_version == policy_version)
    return session.scalar(query.order_by(ModelCheckReport.id.desc()).limit(1))


def get_report(
    session: AnySession, version_id: str, *, suite: str | None = None, dataset: str | None = None
) -> ModelCheckReport:
    """The newest report on the version; `NotChecked` while there is none."""
    report = latest_report(session, version_id, suite=suite, dataset=dataset)
    if report is None:
        fix = "Look at the jobs of this version: its checks wait or run."
        if suite is not None or dataset is not None:
            fix = "Ask for it: POST to the checks of this version, with the suite or the dataset."
        raise NotChecked("This model version has not been checked yet.", where="number", fix=fix)
    return report


def report_of_job(session: AnySession, job_id: str) -> ModelCheckReport | None:
    return session.scalar(select(ModelCheckReport).where(ModelCheckReport.job_id == job_id))


def newest_suite(session: AnySession, model_id: str, name: str) -> ModelSuiteVersion | None:
    """The version of the suite that counts; None when the model has no suite of that name."""
    query = select(ModelSuiteVersion).where(ModelSuiteVersion.model_id == model_id, ModelSuiteVersion.name == name)
    return session.scalar(query.order_by(ModelSuiteVersion.number.desc()).limit(1))


def get_suite(session: AnySession, model_id: str, name: str, *, number: int | None = None) -> ModelSuiteVersion:
    """A version of a suite, the newest when none is named; `UnknownSuite` with near matches otherwise."""
    newest = newest_suite(session, model_id, name)
    if newest is None:
        absent = unknown("suite", name, suite_names(session, model_id))
        raise UnknownSuite(absent.message, where=absent.where, fix=absent.fix)
    if number is None or number == newest.number:
        return newest
    query = select(ModelSuiteVersion).where(
        ModelSuiteVersion.model_id == model_id, ModelSuiteVersion.name == name, ModelSuiteVersion.number == number
    )
    found = session.scalar(query)
    if found is None:
        has = f"It has versions 1 to {newest.number}."
        raise UnknownSuite(f"The suite {name!r} has no version {number}.", where="version", fix=has)
    return found


def suite_names(session: AnySession, model_id: str) -> Sequence[str]:
    query = select(ModelSuiteVersion.name).where(ModelSuiteVersion.model_id == model_id)
    return session.scalars(query.distinct().order_by(ModelSuiteVersion.name)).all()


def list_suites(session: AnySession, model_id: str, page: PageRequest) -> Page[ModelSuiteVersion]:
    """The newest version of each suite of the model, by name."""
    newest = (
        select(ModelSuiteVersion.name, func.max(ModelSuiteVersion.number))
        .where(ModelSuiteVersion.model_id == model_id)
        .group_by(ModelSuiteVersion.name)
    )
    query = select(ModelSuiteVersion).where(
        ModelSuiteVersion.model_id == model_id,
        tuple_(ModelSuiteVersion.name, ModelSuiteVersion.number).in_(newest),
    )
    return paginate(session, query, page, key=ModelSuiteVersion.name, descending=False)


def pinned_row(pin: ModelPin) -> PinnedRow:
    """A pin as the row that a version is asked."""
    return PinnedRow(pin_id=pin.id, note=pin.note, instance=pin.instance, expect=pin.expect["value"], within=pin.within)
