"""Reads of batch predictions."""

from sqlalchemy import select

from domain.batch_predictions.models import BatchPart, BatchPrediction
from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.pages import Page, PageRequest, paginate


class UnknownBatchPrediction(NotFound):
    code = "unknown_batch_prediction"


def get_batch(session: AnySession, batch_id: str, *, lock: bool = False) -> BatchPrediction:
    query = select(BatchPrediction).where(BatchPrediction.id == batch_id)
    found = session.scalar(locked(query) if lock else query)
    if found is None:
        raise UnknownBatchPrediction(f"There is no batch prediction {batch_id!r}.", where="batch_id")
    return found


def find_by_job(session: AnySession, job_id: str) -> BatchPrediction | None:
    return session.scalar(select(BatchPrediction).where(BatchPrediction.job_id == job_id))


def list_batches(session: AnySession, page: PageRequest) -> Page[BatchPrediction]:
    """Newest first."""
    return paginate(session, select(BatchPrediction), page, key=BatchPrediction.id)


def parts_of(session: AnySession, batch_id: str) -> list[BatchPart]:
    """In the order of their rows."""
    return list(session.scalars(select(BatchPart).where(BatchPart.batch_id == batch_id).order_by(BatchPart.start)))
