"""Collections and what needs a version, as clients see them. Sizes are in bytes."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from domain.gc.models import Plan
from domain.gc.reach import Fate
from domain.gc.states import PlanState


class RootRead(BaseModel):
    """A kind of root: how many of them were looked at, how many contents they keep, and how large these are.

    A content may be kept by several kinds; `all` counts each once.
    """

    kind: str
    looked_at: int | None
    keeps: int
    bytes: int


class Receipt(BaseModel):
    """What went. `later_bytes` are freed when rewritten packs are deleted, some minutes after the end."""

    contents: int = 0
    content_bytes: int = 0
    skipped: int = 0
    chunks: int = 0
    packs: int = 0
    orphans: int = 0
    compacted: int = 0
    freed_bytes: int = 0
    later_bytes: int = 0


class PlanRead(BaseModel):
    """`roots` proves why nothing needs what would go; `freed_bytes` is what the store would shrink by, at most.

    `executable_at` is when the grace period is over. `orphans` are packs that no row names.
    """

    id: str
    state: PlanState
    reason: str
    grace_seconds: int
    young_since: datetime
    jobs_since: datetime | None
    executable_at: datetime
    roots: list[RootRead]
    contents: int
    content_bytes: int
    chunks: int
    packs: int
    orphans: int
    freed_bytes: int
    receipt: Receipt | None
    computed_at: datetime | None
    created_at: datetime
    created_by: str
    executed_at: datetime | None
    executed_by: str | None
    ended_at: datetime | None

    @classmethod
    def of(cls, plan: Plan) -> "PlanRead":
        values = {name: getattr(plan, name) for name in cls.model_fields}
        return cls.model_validate({**values, "receipt": plan.receipt or None})


class PlanContentRead(BaseModel):
    """`outcome` is planned, deleted or skipped; `reason` says why it was skipped."""

    model_config = ConfigDict(from_attributes=True)

    digest: str
    size: int
    origin: str
    last_needed_at: datetime
    outcome: str
    reason: str


class PlanPackRead(BaseModel):
    """A pack that holds chunks that would go; `fate` is what becomes of it, `outcome` what became of it."""

    model_config = ConfigDict(from_attributes=True)

    pack_id: str
    size: int
    chunks: int
    dead_chunks: int
    dead_bytes: int
    fate: Fate
    outcome: str


class NeedRead(BaseModel):
    """Something that needs a version: the kind of thing, which one, and why."""

    model_config = ConfigDict(from_attributes=True)

    noun: str
    what: str
    why: str


class NeedsRead(BaseModel):
    """All that needs a version; none: it can be deleted."""

    items: list[NeedRead]
