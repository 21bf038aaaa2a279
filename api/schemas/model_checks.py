"""Suites of models and reports of their checks as clients see them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.datasets.specs import Name, VersionRef
from domain.model_checks.models import ModelSuiteVersion
from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec, ModelSuite, SuiteReport, Verdict


class ModelSuiteSummary(BaseModel):
    """The newest version of a suite; `number` is the ETag for changing it."""

    name: str
    number: int
    digest: str = Field(description="SHA-256 of what the suite says, however its document is written.")
    checks: int
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, row: ModelSuiteVersion) -> "ModelSuiteSummary":
        return cls(
            name=row.name,
            number=row.number,
            digest=row.suite_digest,
            checks=len(row.suite["checks"]),
            created_at=row.created_at,
            created_by=row.created_by,
        )


class ModelSuiteRead(BaseModel):
    """A version of a suite: the text as it was given, and what was read from it."""

    model_config = ConfigDict(from_attributes=True, validate_by_name=True)

    name: str
    number: int
    digest: str = Field(validation_alias="suite_digest")
    document: str
    suite: ModelSuite
    created_at: datetime
    created_by: str


class ModelChecksAsked(BaseModel):
    """What to check; nothing given, all that the policy asks for, on the frozen test rows."""

    model_config = ConfigDict(extra="forbid")

    suite: Name | None = Field(default=None, description="Only this suite of the model.")
    dataset: VersionRef | None = Field(default=None, description="On the rows of this dataset version.")
    fresh: bool = Field(default=False, description="Find everything anew, also what was found before.")


class ModelCheckReportRead(BaseModel):
    """What the checks of one policy version found; `metrics` are those on the rows that were looked at."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    job_id: str
    policy_version: int
    suite: str | None = Field(description="The one suite that was asked for; no gate takes such a report.")
    dataset: str | None = Field(description="The rows that were asked for; no gate takes such a report.")
    checks: list[ModelCheckSpec]
    verdict: Verdict = Field(description="Inconclusive when there was nothing to check.")
    results: list[ModelCheckResult]
    suites: list[SuiteReport] = Field(description="One for each suite that the policy names.")
    pins: ModelCheckResult | None = Field(description="The pinned rows; null when the model has none.")
    metrics: dict[str, float]
    created_at: datetime
    created_by: str
