"""The tables of promotions. Evidence and decision are written once: whoever tries to change them is refused here."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ForeignKey, Index, String, Text, UniqueConstraint, event, inspect
from sqlalchemy.orm import Mapped, Mapper, ORMExecuteState, mapped_column

from domain.db import Base, Id, WriteSession
from domain.errors import Conflict
from domain.promotions.states import PromotionState


class RecordIsFinal(Conflict):
    """Somebody tries to change evidence or a decision that was recorded."""

    code = "record_is_final"


class Promotion(Base):
    """One request to make `version_id` champion, with the policy it was judged by.

    `record_digest` is the SHA-256 over `service.record_of`: policy, evidence, decision and author. The state and the
    reason move on; every other column keeps what was once written to it.
    """

    __tablename__ = "promotion"
    __table_args__ = (Index("ix_promotion_model_id", "model_id"), Index("ix_promotion_version_id", "version_id"))

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    champion_version_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("model_version.id"))
    state: Mapped[PromotionState] = mapped_column(String(20), default=PromotionState.REQUESTED)
    policy: Mapped[dict[str, Any]] = mapped_column(active_history=True)
    policy_version: Mapped[int] = mapped_column(active_history=True)
    evidence: Mapped[dict[str, Any] | None] = mapped_column(active_history=True)
    decision: Mapped[dict[str, Any] | None] = mapped_column(active_history=True)
    record_digest: Mapped[str | None] = mapped_column(String(64), active_history=True)
    # The frozen rows of the comparison: a name that the collection of garbage knows.
    rows_md5: Mapped[str | None] = mapped_column(String(32), active_history=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"))
    requested_by: Mapped[str] = mapped_column(String(200), active_history=True)
    requested_at: Mapped[datetime] = mapped_column(active_history=True)
    decided_at: Mapped[datetime | None] = mapped_column(active_history=True)
    approver: Mapped[str | None] = mapped_column(String(200), active_history=True)
    approved_at: Mapped[datetime | None] = mapped_column(active_history=True)
    overridden_by: Mapped[str | None] = mapped_column(String(200), active_history=True)
    overridden_at: Mapped[datetime | None] = mapped_column(active_history=True)
    override_reason: Mapped[str | None] = mapped_column(Text, active_history=True)
    applied_at: Mapped[datetime | None] = mapped_column(active_history=True)


class AlphaAccount(Base):
    """A row per model to lock while one of its comparisons is paid for, so that no two spend the same share."""

    __tablename__ = "alpha_account"

    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"), primary_key=True)


class AlphaSpend(Base):
    """One comparison and the share of alpha it took. `holdout` is the id of the first one on the same rows.

    `question` is the digest of what was asked; `rejected`, whether the improvement was found.
    """

    __tablename__ = "alpha_spend"
    __table_args__ = (
        UniqueConstraint("version_id", "champion_version_id", "question", "rows_md5"),
        Index("ix_alpha_spend_model_id", "model_id"),
    )

    id: Mapped[Id]
    model_id: Mapped[str] = mapped_column(String(36), ForeignKey("registered_model.id"))
    promotion_id: Mapped[str] = mapped_column(String(36), ForeignKey("promotion.id"), unique=True)
    version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    champion_version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    question: Mapped[str] = mapped_column(String(64))
    rows_md5: Mapped[str] = mapped_column(String(32))
    holdout: Mapped[str] = mapped_column(String(36))
    rule: Mapped[str] = mapped_column(String(20))
    alpha: Mapped[float]
    share: Mapped[float]
    rejected: Mapped[bool]
    spent_at: Mapped[datetime]


class PromotionReplay(Base):
    """One time that the decision was computed again. `replay` is a `domain.promotions.replay.Replay`."""

    __tablename__ = "promotion_replay"
    __table_args__ = (Index("ix_promotion_replay_promotion_id", "promotion_id"),)

    id: Mapped[Id]
    promotion_id: Mapped[str] = mapped_column(String(36), ForeignKey("promotion.id"))
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"), unique=True)
    replay: Mapped[dict[str, Any]]
    replayed_at: Mapped[datetime]
    replayed_by: Mapped[str] = mapped_column(String(200))


_FINAL = frozenset(column.key for column in inspect(Promotion).columns) - {"state", "reason", "job_id"}


@event.listens_for(Promotion, "before_update")
def _keep_what_was_written(_: Mapper[Promotion], __: Connection, promotion: Promotion) -> None:
    for name in _FINAL:
        history = inspect(promotion).attrs[name].history
        if history.has_changes() and any(old is not None for old in history.deleted or ()):
            raise RecordIsFinal(f"{name!r} of promotion {promotion.id} was recorded and cannot change.", where=name)


@event.listens_for(AlphaSpend, "before_update")
def _keep_what_was_spent(_: Mapper[AlphaSpend], __: Connection, spend: AlphaSpend) -> None:
    raise RecordIsFinal(f"What comparison {spend.id} has spent cannot change.", where="alpha_spend")


@event.listens_for(Promotion, "before_delete")
@event.listens_for(AlphaSpend, "before_delete")
def _keep_the_row(_: Mapper[Any], __: Connection, row: Promotion | AlphaSpend) -> None:
    raise RecordIsFinal(f"The record {row.id} cannot be deleted.", where=row.__tablename__)


@event.listens_for(WriteSession, "do_orm_execute")
def _refuse_statements(state: ORMExecuteState) -> None:
    """UPDATE and DELETE statements go past the guards above, so these rows take none."""
    table = state.bind_mapper.class_ if state.bind_mapper is not None else None
    if (state.is_update or state.is_delete) and table in {Promotion, AlphaSpend}:
        raise RecordIsFinal("Promotions are changed one by one, by their verbs.", where="promotion")
