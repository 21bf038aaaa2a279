"""Plans: what would go, why nothing needs it, and what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id, Ref
from domain.gc.reach import Fate
from domain.gc.states import PlanState

_EXECUTING = text("state = 'executing'")


class Plan(Base):
    """One collection. Sizes are in bytes.

    `roots` is the proof: for each kind of root how many were looked at and how much they keep. `young_since` and
    `jobs_since` are what the plan took for young. `receipt` counts what went; it is final once the plan is done.
    """

    __tablename__ = "gc_plan"
    # One execution at a time, whoever asks.
    __table_args__ = (
        Index("uq_gc_plan_executing", "state", unique=True, sqlite_where=_EXECUTING, postgresql_where=_EXECUTING),
    )

    id: Mapped[Id]
    state: Mapped[PlanState] = mapped_column(String(20), default=PlanState.COMPUTING)
    reason: Mapped[str] = mapped_column(Text, default="")
    grace_seconds: Mapped[int] = mapped_column(BigInteger)
    young_since: Mapped[datetime]
    jobs_since: Mapped[datetime | None]
    executable_at: Mapped[datetime]
    roots: Mapped[list[Any]] = mapped_column(default=list)
    contents: Mapped[int] = mapped_column(default=0)
    content_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    chunks: Mapped[int] = mapped_column(BigInteger, default=0)
    packs: Mapped[int] = mapped_column(default=0)
    orphans: Mapped[int] = mapped_column(default=0)
    freed_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    receipt: Mapped[dict[str, Any]] = mapped_column(default=dict)
    computed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    executed_at: Mapped[datetime | None]
    executed_by: Mapped[str | None] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]


class PlanContent(Base):
    """A content that would go: where it came from, as far as that is known, and when it was last needed.

    `outcome` is `planned`, `deleted` or `skipped`; `reason` says why it was skipped.
    """

    __tablename__ = "gc_content"

    plan_id: Mapped[Ref] = mapped_column(ForeignKey("gc_plan.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(40), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[str] = mapped_column(Text)
    last_needed_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(10), default="planned")
    reason: Mapped[str] = mapped_column(Text, default="")


class PlanPack(Base):
    """A pack that holds chunks that would go. `dead_bytes` are those of frames that nothing is left of."""

    __tablename__ = "gc_pack"

    plan_id: Mapped[Ref] = mapped_column(ForeignKey("gc_plan.id", ondelete="CASCADE"), primary_key=True)
    pack_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    chunks: Mapped[int]
    dead_chunks: Mapped[int]
    dead_bytes: Mapped[int] = mapped_column(BigInteger)
    fate: Mapped[Fate] = mapped_column(String(10))
    outcome: Mapped[str] = mapped_column(String(10), default="planned")
