"""Verifications as clients see them."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.datasets.specs import Name
from domain.verifications.specs import DamageKind
from domain.verifications.states import VerificationState


class VerificationCreate(BaseModel):
    """What to read: everything, the versions of a dataset, or one version. `deep` compares every content's MD5 too."""

    model_config = ConfigDict(extra="forbid")

    dataset: Name | None = None
    number: int | None = Field(default=None, ge=1, lt=10**9)
    deep: bool = False

    @model_validator(mode="after")
    def _a_number_is_of_a_dataset(self) -> Self:
        if self.number is not None and self.dataset is None:
            raise ValueError("a number without a dataset")
        return self


class VerificationRead(BaseModel):
    """`scope` is what was read (null: everything); `findings` counts what was wrong, harmless things included."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    scope: str | None
    deep: bool
    state: VerificationState
    reason: str
    packs: int
    chunks: int
    bytes: int
    contents: int
    findings: int
    created_at: datetime
    created_by: str
    ended_at: datetime | None


class FindingRead(BaseModel):
    """One thing that was wrong: where, and the versions, files and runs that it concerns."""

    model_config = ConfigDict(from_attributes=True)

    kind: DamageKind
    detail: str
    pack_id: str | None
    chunks: list[str]
    content: str | None
    affected: list[str]
