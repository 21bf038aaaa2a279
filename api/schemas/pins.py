"""Pins as clients see them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.registry.specs import Label


class PinCreate(BaseModel):
    """A row and the answer it must get; `within` is how close a number must be, in the unit of the target."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    instance: dict[str, Any] = Field(min_length=1, max_length=10_000)
    expect: Label
    within: float | None = Field(default=None, ge=0)
    answered: Label | None = Field(default=None, description="What the version answered when it was pinned.")
    note: str = Field(default="", max_length=2_000)


class PinRemove(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2_000)


class PinRead(BaseModel):
    """A mistake that became a test. It stands while `unpinned_at` is null."""

    id: str
    model: str
    seen_at_version: int | None
    instance: dict[str, Any]
    expect: Label
    within: float | None
    answered: Label | None
    note: str
    created_at: datetime
    created_by: str
    unpinned_at: datetime | None
    unpinned_by: str | None
    reason: str
