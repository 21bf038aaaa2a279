"""Reports of model checks as clients see them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec, Verdict


class ModelCheckReportRead(BaseModel):
    """What the checks of one policy version found; `metrics` are those on the frozen test rows."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    job_id: str
    policy_version: int
    checks: list[ModelCheckSpec]
    verdict: Verdict = Field(description="Inconclusive when there was nothing to check.")
    results: list[ModelCheckResult]
    metrics: dict[str, float]
    created_at: datetime
    created_by: str
