"""Pipelines: declare, trigger, follow."""

from fastapi import APIRouter, Response

from api.deps import IfMatch, PageDep, ReadDep, Reader, WriteDep, Writer, check_if_match
from api.documents import DocumentRoute
from api.schemas.pages import PageRead
from api.schemas.pipelines import PipelineRead, PipelineRunCreate, PipelineRunRead, StepRead, TriggersPut
from domain.datasets.specs import Name
from domain.db import AnySession
from domain.pipelines import queries, service
from domain.pipelines.models import Pipeline, PipelineRun
from domain.pipelines.specs import PipelineSpec

router = APIRouter(tags=["pipelines"], route_class=DocumentRoute)


def _read_run(session: AnySession, row: PipelineRun) -> PipelineRunRead:
    computed = {
        "pipeline": session.get_one(Pipeline, row.pipeline_id).name,
        "steps": [StepRead.model_validate(step) for step in queries.steps_of_run(session, row.id)],
    }
    plain = {name: getattr(row, name) for name in PipelineRunRead.model_fields if name not in computed}
    return PipelineRunRead.model_validate({**plain, **computed})


@router.put("/pipelines/{name}", responses={201: {"model": PipelineRead}})
def put_pipeline(
    name: Name, body: PipelineSpec, session: WriteDep, response: Response, _: Writer, if_match: IfMatch = None
) -> PipelineRead:
    """Declare a pipeline (201) or change it; runs under way keep what they started with."""
    if if_match is not None:
        check_if_match(if_match, queries.get_pipeline(session, name, lock=True).revision, what=f"pipeline {name!r}")
    pipeline, created = service.put_pipeline(session, name=name, spec=body)
    response.status_code = 201 if created else 200
    response.headers["ETag"] = f'"{pipeline.revision}"'
    return PipelineRead.model_validate(pipeline)


@router.get("/pipelines")
def list_pipelines(session: ReadDep, page: PageDep, _: Reader) -> PageRead[PipelineRead]:
    """Pipelines, newest first."""
    return PageRead[PipelineRead].of(queries.list_pipelines(session, page), PipelineRead.model_validate)


@router.get("/pipelines/{name}")
def get_pipeline(name: str, session: ReadDep, response: Response, _: Reader) -> PipelineRead:
    """A pipeline as it is declared, with its triggers."""
    pipeline = queries.get_pipeline(session, name)
    response.headers["ETag"] = f'"{pipeline.revision}"'
    return PipelineRead.model_validate(pipeline)


@router.put("/pipelines/{name}/triggers")
def put_triggers(name: str, body: TriggersPut, session: WriteDep, _: Writer) -> PipelineRead:
    """Replace what sets the pipeline off."""
    return PipelineRead.model_validate(service.put_triggers(session, name=name, triggers=body.triggers))


@router.post("/pipelines/{name}/runs", status_code=202)
def start_pipeline_run(
    name: str, session: WriteDep, response: Response, _: Writer, body: PipelineRunCreate | None = None
) -> PipelineRunRead:
    """Turn the pipeline once, now; 409 while a run of it has not ended."""
    run = service.start(session, name=name, trigger="manual", reason=(body or PipelineRunCreate()).reason)
    response.headers["Location"] = f"/api/v1/pipeline-runs/{run.id}"
    return _read_run(session, run)


@router.get("/pipelines/{name}/runs")
def list_pipeline_runs(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[PipelineRunRead]:
    """Runs of the pipeline, newest first."""
    pipeline = queries.get_pipeline(session, name)
    return PageRead[PipelineRunRead].of(
        queries.list_runs(session, page, pipeline_id=pipeline.id), lambda row: _read_run(session, row)
    )


@router.get("/pipeline-runs/{run_id}")
def get_pipeline_run(run_id: str, session: ReadDep, _: Reader) -> PipelineRunRead:
    """A run of a pipeline, step by step."""
    return _read_run(session, queries.get_run(session, run_id))


@router.post("/pipeline-runs/{run_id}/cancel")
def cancel_pipeline_run(run_id: str, session: WriteDep, _: Writer) -> PipelineRunRead:
    """No further step begins, and the work that a step waits for is stopped."""
    return _read_run(session, service.cancel(session, run_id=run_id))
