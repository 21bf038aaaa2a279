"""The tables of model checks: the suites a model has had, the reports on its versions, and results to use again."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.model_checks.specs import Verdict


class ModelSuiteVersion(Base):
    """One version of a named suite of a model. The newest one counts; none is ever changed.

    `document` is the text as it was given (YAML or JSON), `suite` a `domain.model_checks.specs.ModelSuite` as JSON,
    `suite_digest` the SHA-256 of that.
    """

    __tablename__ = "model_suite_version"
    __table_args__ = (UniqueConstraint("model_id", "name", "number"),)

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    name: Mapped[str] = mapped_column(String(100))
    number: Mapped[int]
    document: Mapped[str] = mapped_column(Text)
    suite: Mapped[dict[str, Any]]
    suite_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class ModelCheckReport(Base):
    """What the checks of one policy version found in a model version. Written once per job, never changed.

    `results` are those of the policy's own checks, in its order; `suites` are `SuiteReport`s, one for each suite the
    policy names; `pins` is the `ModelCheckResult` of the pinned rows, None when the model has none.

    A report with `suite` (its name) or `dataset` (`name@number`) answers a question that somebody asked: that suite
    alone, or other rows than the frozen ones. No gate takes it.
    """

    __tablename__ = "model_check_report"
    __table_args__ = (Index("ix_model_check_report_version_id", "version_id"),)

    id: Mapped[Id]
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"), unique=True)
    policy_version: Mapped[int]
    suite: Mapped[str | None] = mapped_column(String(100))
    dataset: Mapped[str | None] = mapped_column(String(200))
    checks: Mapped[list[Any]]
    verdict: Mapped[Verdict] = mapped_column(String(20))
    results: Mapped[list[Any]]
    suites: Mapped[list[Any]] = mapped_column(default=list)
    pins: Mapped[dict[str, Any] | None]
    metrics: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))


class KeptResult(Base):
    """What a check came to, under the digest of all that it depends on (`domain.model_checks.kept.key_of`)."""

    __tablename__ = "model_check_result"
    __table_args__ = (Index("ix_model_check_result_kept_at", "kept_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    result: Mapped[dict[str, Any]]
    kept_at: Mapped[datetime]
