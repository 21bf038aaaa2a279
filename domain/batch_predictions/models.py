"""The tables of batch predictions: what was asked, and the parts that are scored so far."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from domain.db import Base, Id, Ref


class BatchPrediction(Base):
    """What was asked, with every reference resolved, and what it came to.

    Its keys to dataset versions cascade: the input is held by the job while that is under way, and by the output, whose
    parent it is, from then on; the output is nobody's but its own.
    """

    __tablename__ = "batch_prediction"
    __table_args__ = (Index("ix_batch_prediction_model_version_id", "model_version_id"),)

    id: Mapped[Id]
    job_id: Mapped[str] = mapped_column(String(36), ForeignKey("job.id"), unique=True)
    dataset_version_id: Mapped[str] = mapped_column(String(36), ForeignKey("dataset_version.id", ondelete="CASCADE"))
    model_version_id: Mapped[str] = mapped_column(String(36), ForeignKey("model_version.id"))
    ask: Mapped[dict[str, Any]]
    rows: Mapped[int | None] = mapped_column(BigInteger)
    bad_rows: Mapped[int | None] = mapped_column(BigInteger)
    bad: Mapped[list[Any]] = mapped_column(default=list)
    output_version_id: Mapped[str | None] = mapped_column(
        String(36), ForeignKey("dataset_version.id", ondelete="CASCADE")
    )
    created_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None]


class BatchPart(Base):
    """Scored rows from `start` on, in the store as a Parquet file, until the whole is put together.

    Its `md5` keeps the content from being collected; a batch that ends has no parts any more.
    """

    __tablename__ = "batch_part"

    batch_id: Mapped[Ref] = mapped_column(ForeignKey("batch_prediction.id", ondelete="CASCADE"), primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    rows: Mapped[int]
    md5: Mapped[str] = mapped_column(String(32), index=True)
    bad_rows: Mapped[int]
    bad: Mapped[list[Any]]
