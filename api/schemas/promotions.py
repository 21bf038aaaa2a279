"""Promotions as clients see them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.promotions.specs import Decision, Evidence, Policy
from domain.promotions.states import PromotionState


class PromotionRead(BaseModel):
    """A request to become champion, the evidence, and what the gates made of it."""

    id: str
    model: str
    version: int
    champion_version: int | None
    state: PromotionState
    reason: str
    policy: Policy
    policy_version: int
    evidence: Evidence | None
    decision: Decision | None
    job_id: str
    requested_by: str
    requested_at: datetime
    decided_at: datetime | None
    approver: str | None
    approved_at: datetime | None
    applied_at: datetime | None


class PromotionReject(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)
