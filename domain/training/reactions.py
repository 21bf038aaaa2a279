"""What a training job means to its run, and a finished run to the registry. Named in `domain.reactions`."""

from sqlalchemy import select

from domain.db import WriteSession
from domain.experiments.models import Run
from domain.jobs.events import JobCancelled, JobFailed
from domain.registry import service as registry
from domain.training import service
from domain.training.events import RunFinished
from domain.training.jobs import TrainModel


def run_finished(session: WriteSession, event: RunFinished) -> None:
    """A run that was started for a model becomes its next version."""
    if event.model is not None:
        registry.register_run(session, run_id=event.run_id, name=event.model)


def job_failed(session: WriteSession, event: JobFailed) -> None:
    """A training that will not be tried again has failed its run."""
    if run_id := _run_of(session, event):
        service.fail_run(session, run_id=run_id, reason=event.reason)


def job_cancelled(session: WriteSession, event: JobCancelled) -> None:
    if run_id := _run_of(session, event):
        service.cancel_run(session, run_id=run_id, reason=event.reason)


def _run_of(session: WriteSession, event: JobFailed | JobCancelled) -> str | None:
    if event.kind != TrainModel.kind():
        return None
    return session.scalar(select(Run.id).where(Run.job_id == event.job_id))
