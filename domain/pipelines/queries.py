"""Reads of pipelines and their runs."""

from collections.abc import Sequence

from sqlalchemy import select

from domain.db import AnySession, locked
from domain.errors import NotFound, unknown
from domain.pages import Page, PageRequest, paginate
from domain.pipelines.graph import RUN_ENDED, StepName
from domain.pipelines.models import Pipeline, PipelineRun, PipelineStep


class UnknownPipeline(NotFound):
    code = "unknown_pipeline"


class UnknownPipelineRun(NotFound):
    code = "unknown_pipeline_run"


def get_pipeline(session: AnySession, name: str, *, lock: bool = False) -> Pipeline:
    query = select(Pipeline).where(Pipeline.name == name)
    pipeline = session.scalar(locked(query) if lock else query)
    if pipeline is None:
        like = unknown("pipeline", name, session.scalars(select(Pipeline.name)))
        raise UnknownPipeline(like.message, where=like.where, fix=like.fix)
    return pipeline


def list_pipelines(session: AnySession, page: PageRequest) -> Page[Pipeline]:
    return paginate(session, select(Pipeline), page, key=Pipeline.id)


def all_pipelines(session: AnySession) -> list[Pipeline]:
    return list(session.scalars(select(Pipeline).order_by(Pipeline.id)))


def get_run(session: AnySession, run_id: str, *, lock: bool = False) -> PipelineRun:
    query = select(PipelineRun).where(PipelineRun.id == run_id)
    run = session.scalar(locked(query) if lock else query)
    if run is None:
        raise UnknownPipelineRun(f"There is no pipeline run {run_id!r}.", where="run_id")
    return run


def list_runs(session: AnySession, page: PageRequest, *, pipeline_id: str | None = None) -> Page[PipelineRun]:
    query = select(PipelineRun)
    if pipeline_id is not None:
        query = query.where(PipelineRun.pipeline_id == pipeline_id)
    return paginate(session, query, page, key=PipelineRun.id)


def steps_of_run(session: AnySession, run_id: str) -> list[PipelineStep]:
    return list(
        session.scalars(select(PipelineStep).where(PipelineStep.run_id == run_id).order_by(PipelineStep.position))
    )


def active_run(session: AnySession, pipeline_id: str) -> PipelineRun | None:
    """The run of this pipeline that has not ended, if there is one."""
    query = select(PipelineRun).where(PipelineRun.pipeline_id == pipeline_id, PipelineRun.state.not_in(RUN_ENDED))
    return session.scalar(query.order_by(PipelineRun.id.desc()).limit(1))


def turn_that_trained(session: AnySession, run_id: str) -> tuple[str, str] | None:
    """The pipeline's name and the id of its run whose step trained this run."""
    query = select(Pipeline.name, PipelineRun.id).join(PipelineRun, PipelineRun.pipeline_id == Pipeline.id)
    query = query.join(PipelineStep, PipelineStep.run_id == PipelineRun.id)
    trained = PipelineStep.output["run_id"].as_string() == run_id
    row = session.execute(query.where(PipelineStep.name == StepName.TRAIN, trained)).first()
    return None if row is None else (row[0], row[1])


def has_built(session: AnySession, pipeline_id: str, version_id: str) -> bool:
    """Whether the newest run of this pipeline works with this dataset version."""
    newest = runs_started(session, pipeline_id, limit=1)
    return any(step.output.get("version_id") == version_id for run in newest for step in steps_of_run(session, run.id))


def promotions_of(session: AnySession, runs: Sequence[PipelineRun]) -> set[str]:
    """Ids of the promotions that these runs asked for."""
    query = select(PipelineStep).where(
        PipelineStep.run_id.in_([run.id for run in runs]), PipelineStep.name == StepName.PROMOTE
    )
    return {step.output["promotion_id"] for step in session.scalars(query) if "promotion_id" in step.output}


def runs_started(
    session: AnySession, pipeline_id: str, *, trigger: str | None = None, limit: int = 50
) -> list[PipelineRun]:
    """The newest runs of a pipeline, newest first."""
    query = select(PipelineRun).where(PipelineRun.pipeline_id == pipeline_id)
    if trigger is not None:
        query = query.where(PipelineRun.trigger == trigger)
    return list(session.scalars(query.order_by(PipelineRun.id.desc()).limit(limit)))
