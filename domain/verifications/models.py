"""Verifications and their findings."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id
from domain.verifications.states import VerificationState


class Verification(Base):
    """One reading of the store, or of what one dataset or version is made of (`scope`: a name or `name@n`)."""

    __tablename__ = "verification"

    id: Mapped[Id]
    scope: Mapped[str | None] = mapped_column(String(120))
    deep: Mapped[bool]
    state: Mapped[VerificationState] = mapped_column(String(20), default=VerificationState.RUNNING)
    reason: Mapped[str] = mapped_column(Text, default="")
    packs: Mapped[int] = mapped_column(default=0)
    chunks: Mapped[int] = mapped_column(BigInteger, default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    contents: Mapped[int] = mapped_column(default=0)
    findings: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]


class Finding(Base):
    """One thing that was wrong: a `Damage` of `specs`."""

    __tablename__ = "verification_finding"
    __table_args__ = (Index("ix_verification_finding_verification_id", "verification_id"),)

    id: Mapped[Id]
    verification_id: Mapped[str] = mapped_column(String(36), ForeignKey("verification.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(30))
    detail: Mapped[str] = mapped_column(Text)
    pack_id: Mapped[str | None] = mapped_column(String(36))
    chunks: Mapped[list[Any]]
    content: Mapped[str | None] = mapped_column(String(40))
    affected: Mapped[list[Any]]
