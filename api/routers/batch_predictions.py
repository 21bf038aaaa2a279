"""Batch predictions: score a dataset version into a new one."""

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.schemas.batch_predictions import BatchPredictionRead
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from domain.batch_predictions import queries, service
from domain.batch_predictions.models import BatchPrediction
from domain.batch_predictions.specs import BatchAsk
from domain.datasets.queries import get_version_by_id
from domain.db import AnySession
from domain.jobs.queries import get_job
from domain.registry.models import ModelVersion, RegisteredModel

router = APIRouter(prefix="/batch-predictions", tags=["batch predictions"], route_class=DocumentRoute)


def _ref(session: AnySession, version_id: str) -> str:
    version = get_version_by_id(session, version_id)
    return f"{version.dataset.name}@{version.number}"


def _read(session: AnySession, row: BatchPrediction) -> BatchPredictionRead:
    version = session.get_one(ModelVersion, row.model_version_id)
    named = {
        "state": get_job(session, row.job_id).state,
        "input": _ref(session, row.dataset_version_id),
        "model": f"{session.get_one(RegisteredModel, version.model_id).name}@{version.number}",
        "rows_scored": row.rows or sum(part.rows for part in queries.parts_of(session, row.id)),
        "output": _ref(session, row.output_version_id) if row.output_version_id else None,
    }
    plain = {name: getattr(row, name) for name in BatchPredictionRead.model_fields if name not in named}
    return BatchPredictionRead.model_validate({**plain, **named})


@router.post("", status_code=202)
def create_batch_prediction(
    body: BatchAsk, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer
) -> JobRead:
    """Score every row of a dataset version into a version of another dataset. The job's subject is the batch."""
    _batch, job = service.request(session, ask=body, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("")
def list_batch_predictions(session: ReadDep, page: PageDep, _: Reader) -> PageRead[BatchPredictionRead]:
    """Newest first."""
    return PageRead[BatchPredictionRead].of(queries.list_batches(session, page), lambda row: _read(session, row))


@router.get("/{batch_id}")
def get_batch_prediction(batch_id: str, session: ReadDep, _: Reader) -> BatchPredictionRead:
    """One batch: how far it is, the rows that got no answer, and the version it came to."""
    return _read(session, queries.get_batch(session, batch_id))
