"""Experiments: create, look, and train in them."""

from fastapi import APIRouter, Response

from api.deps import IdempotencyKey, PageDep, ReadDep, Reader, WriteDep, Writer
from api.documents import DocumentRoute
from api.schemas.experiments import ExperimentCreate, ExperimentRead
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from domain.db import AnySession
from domain.experiments import queries, service
from domain.experiments.models import Experiment
from domain.training import service as training
from domain.training.specs import TrainSpec

router = APIRouter(prefix="/experiments", tags=["experiments"], route_class=DocumentRoute)


def _read(session: AnySession, row: Experiment) -> ExperimentRead:
    return ExperimentRead(
        name=row.name,
        description=row.description,
        runs=queries.count_runs(session, row.id),
        created_by=row.created_by,
        created_at=row.created_at,
    )


@router.post("", status_code=201)
def create_experiment(body: ExperimentCreate, session: WriteDep, _: Writer) -> ExperimentRead:
    """Create an experiment: a name for the runs to come."""
    return _read(session, service.create_experiment(session, name=body.name, description=body.description))


@router.get("")
def list_experiments(session: ReadDep, page: PageDep, _: Reader) -> PageRead[ExperimentRead]:
    """Newest first."""
    return PageRead[ExperimentRead].of(queries.list_experiments(session, page), lambda row: _read(session, row))


@router.get("/{name}")
def get_experiment(name: str, session: ReadDep, _: Reader) -> ExperimentRead:
    """An experiment; its runs are at `/runs?experiment=`."""
    return _read(session, queries.get_experiment(session, name))


@router.post("/{name}/runs", status_code=202)
def start_run(
    name: str, spec: TrainSpec, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer
) -> JobRead:
    """Train (JSON, or YAML as `application/yaml`). The job's subject is the run; with `model` it becomes a version.

    What the database knows to be wrong with the spec is refused now: data that was rejected or not checked yet,
    columns the version does not have, a trainer or a parameter that does not exist.
    """
    _run, job = training.start(session, experiment=name, spec=spec, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)
