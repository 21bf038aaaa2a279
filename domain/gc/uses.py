"""What needs a dataset version: the reasons why it cannot be deleted, named as a person can find them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import literal, or_, select

from domain.datasets import queries as datasets
from domain.datasets.models import DatasetVersion
from domain.datasets.queries import children_of, find_pin
from domain.datasets.states import VersionState
from domain.db import AnySession
from domain.deployments.models import Endpoint
from domain.experiments.models import Run
from domain.gc.roots import HOLDING
from domain.jobs.models import Job
from domain.jobs.states import JobState
from domain.pipelines.graph import RUN_ENDED
from domain.pipelines.models import Pipeline, PipelineRun, PipelineStep
from domain.registry.models import ModelVersion, RegisteredModel


@dataclass(frozen=True)
class Need:
    """`noun` is the kind of thing that needs the version, `what` which one, `why` in a few words."""

    noun: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.noun} {self.what} ({self.why})"


def needs_of(session: AnySession, version: DatasetVersion) -> list[Need]:
    """Everything that needs this version; what hurts most comes first."""
    return [
        *_endpoints(session, version),
        *_models(session, version),
        *_pin(session, version),
        *_runs(session, version),
        *_children(session, version),
        *_pipelines(session, version),
        *_jobs(session, version),
        *_others(session, version),
    ]


def _endpoints(session: AnySession, version: DatasetVersion) -> Iterator[Need]:
    query = (
        select(Endpoint.name, Endpoint.live_version_id, ModelVersion.id)
        .join(
            ModelVersion,
            or_(ModelVersion.id == Endpoint.live_version_id, ModelVersion.id == Endpoint.standby_version_id),
        )
        .join(Run, Run.id == ModelVersion.run_id)
        .where(Run.dataset_version_id == version.id)
    )
    for name, live, model_version in session.execute(query.order_by(Endpoint.name)):
        why = "the model it serves was trained on it" if live == model_version else "it can be rolled back to its model"
        yield Need("endpoint", name, why)


def _models(session: AnySession, version: DatasetVersion) -> Iterator[Need]:
    query = (
        select(RegisteredModel.name, ModelVersion.number)
        .join(ModelVersion, ModelVersion.model_id == RegisteredModel.id)
        .join(Run, Run.id == ModelVersion.run_id)
        .where(Run.dataset_version_id == version.id)
    )
    for name, number in session.execute(query.order_by(RegisteredModel.name, ModelVersion.number)):
        yield Need("model", f"{name}@{number}", "trained on it")


def _pin(session: AnySession, version: DatasetVersion) -> Iterator[Need]:
    pin = find_pin(session, version)
    if pin is not None:
        yield Need("pin", f"of {pin.pinned_by}", pin.reason)


def _runs(session: AnySession, version: DatasetVersion) -> Iterator[Need]:
    query = select(Run.id, Run.state).where(Run.dataset_version_id == version.id, Run.state.in_(HOLDING))
    for run_id, state in session.execute(query.order_by(Run.id)):
        yield Need("run", run_id, state)


def _children(session: AnySession, version: DatasetVersion) -> Iterator[Need]:
    for child in children_of(session, version):
        if child.state != VersionState.DELETED:
            yield Need("dataset version", f"{child.dataset.name}@{child.number}", "built from it")


def _pipelines(session: AnySession, version: DatasetVersion) -> Iterator[Need]:
    query = (
        select(Pipeline.name, PipelineRun.id, PipelineStep.output, PipelineStep.waits_for)
        .join(PipelineRun, PipelineRun.pipeline_id == Pipeline.id)
        .join(PipelineStep, PipelineStep.run_id == PipelineRun.id)
        .where(PipelineRun.state.not_in(RUN_ENDED))
    )
    found = {
        run_id: name
        for name, run_id, output, waits_for in session.execute(query)
        if _names(version, [output, waits_for])
    }
    for run_id, name in sorted(found.items()):
        yield Need("pipeline", name, f"its run {run_id} is under way with it")


def _jobs(session: AnySession, version: DatasetVersion) -> Iterator[Need]:
    subject = f"datasets/{version.dataset.name}/versions/{version.number}"
    query = select(Job).where(Job.state.in_([JobState.QUEUED, JobState.RUNNING]))
    for job in session.scalars(query.order_by(Job.id)):
        if job.subject == subject or job.subject.startswith(f"{subject}/") or _names(version, job.payload):
            yield Need("job", job.id, f"{job.kind} is {job.state}")


def _others(session: AnySession, version: DatasetVersion) -> Iterator[Need]:
    """Rows of nouns that are not known here; those of runs are above."""
    for use in datasets.uses_of(session, select(literal(version.id))):
        if use.noun != Run.__tablename__:
            yield Need(use.noun.replace("_", " "), use.id, "refers to it")


def _names(version: DatasetVersion, value: Any) -> bool:
    """Whether a JSON value mentions the version, by its id or as `name@n`."""
    match value:
        case str():
            reference = rf"(?<![\w.-]){re.escape(version.dataset.name)}@{version.number}(?!\d)"
            return version.id in value or re.search(reference, value) is not None
        case dict():
            return any(_names(version, one) for one in value.values())
        case list():
            return any(_names(version, one) for one in value)
    return False
