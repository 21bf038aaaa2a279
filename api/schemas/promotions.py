"""Promotions as clients see them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.promotions.champion import AlphaBudget
from domain.promotions.evidence import Allotment
from domain.promotions.replay import Replay
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
    overridden: bool = Field(description="An admin let it through against the gates. This never goes away.")
    overridden_by: str | None
    overridden_at: datetime | None
    override_reason: str | None
    record_digest: str | None = Field(description="SHA-256 over policy, evidence, decision and author.")
    applied_at: datetime | None


class ReplayRead(Replay):
    """A decision computed again, by whom and when."""

    id: str
    job_id: str
    replayed_at: datetime
    replayed_by: str


class EvidenceKeyRead(BaseModel):
    """A public key in PEM."""

    algorithm: str
    public_key: str


class PromotionOverride(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)


class AlphaSpendRead(BaseModel):
    """One comparison of the model and the share of alpha that it took."""

    promotion_id: str
    holdout: str
    rule: str
    alpha: float
    share: float
    rejected: bool = Field(description="Whether the improvement asked for was found.")
    spent_at: datetime


class HoldoutRead(BaseModel):
    """Rows that comparisons were made on, and what is left of their alpha under the policy of now."""

    id: str
    comparisons: list[AlphaSpendRead]
    next: Allotment = Field(description="What the next comparison on these rows may use.")


class AlphaBudgetRead(BaseModel):
    """The alpha budget of a model: a holdout of fresh rows begins with `fresh`."""

    model: str
    rule: AlphaBudget | None = Field(description="None when the policy does not compare with the champion.")
    alpha: float | None
    fresh: Allotment | None
    holdouts: list[HoldoutRead]


class PromotionReject(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)
