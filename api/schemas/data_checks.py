"""Suites and reports as clients see them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.datasets import Prose
from domain.data_checks.queries import CurrentSuite
from domain.data_checks.specs import CheckResult, CheckSpec, CheckSuite, EngineName, Verdict
from domain.datasets.specs import Name
from domain.datasets.steps import ColumnName


class CheckSuiteRead(BaseModel):
    """The suite that counts now. `version` grows with every change and is the ETag; 0 is a dataset without a suite."""

    version: int
    engine: EngineName
    checks: list[CheckSpec]

    @classmethod
    def of(cls, current: CurrentSuite) -> "CheckSuiteRead":
        return cls(version=current.number, engine=current.suite.engine, checks=current.suite.checks)


class CheckReportRead(BaseModel):
    """What a suite found in a version, with the suite as it was."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    job_id: str
    suite: CheckSuite
    suite_digest: str
    verdict: Verdict
    results: list[CheckResult]
    created_at: datetime
    created_by: str


class QuarantineCreate(BaseModel):
    """Where the rows of a version go by its checks: `clean` is the dataset itself, `failing` is NAME-quarantine."""

    model_config = ConfigDict(extra="forbid")

    clean: Name | None = None
    failing: Name | None = Field(default=None, description="Made when it is not there.")
    warnings: bool = Field(default=False, description="Checks that only warn count too.")
    column: ColumnName = Field(default="failed_checks", description="Of the failing rows: the checks each one failed.")
    message: Prose = ""
