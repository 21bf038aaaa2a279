"""How each step begins: which service it calls, and what it then waits for. Called by `pipelines.service` alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.datasets import queries as dataset_queries
from domain.datasets import service as datasets
from domain.datasets.models import DatasetVersion
from domain.datasets.states import VersionState
from domain.db import WriteSession
from domain.errors import DomainError
from domain.experiments import service as experiments
from domain.pipelines.graph import StepName
from domain.pipelines.specs import BuildStep, PipelineSpec
from domain.promotions import service as promotions
from domain.training import service as training


@dataclass(frozen=True)
class Waits:
    """The step goes on when the thing named `key` has happened."""

    key: str
    output: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """The step is over already."""

    good: bool
    reason: str
    output: dict[str, Any] = field(default_factory=dict)


Outputs = Mapping[StepName, Mapping[str, Any]]
Begin = Callable[[WriteSession, str, PipelineSpec, Outputs], Waits | Ended]


def _refusals_end_the_step(begin: Begin) -> Begin:
    """What a service refuses is the step's outcome, not an error of whoever caused the event."""

    def guarded(session: WriteSession, pipeline: str, spec: PipelineSpec, outputs: Outputs) -> Waits | Ended:
        try:
            return begin(session, pipeline, spec, outputs)
        except DomainError as error:
            return Ended(False, f"{error.message} {error.fix or ''}".strip())

    return guarded


def version_output(dataset: str, version: DatasetVersion) -> dict[str, Any]:
    """What a step that came to a dataset version leaves for the next ones."""
    return {"dataset": dataset, "number": version.number, "version_id": version.id, "digest": version.digest}


def _build(session: WriteSession, pipeline: str, step: BuildStep) -> Waits | Ended:
    if step.source is None:
        version = dataset_queries.resolve(session, step.dataset)
        return Ended(True, f"uses {step.dataset} version {version.number}", version_output(step.dataset, version))
    job = datasets.build_version(
        session, name=step.dataset, source=step.source, message=f"built by pipeline {pipeline}"
    )
    return Waits(f"job:{job.id}", {"job_id": job.id})


def _begin_evaluation(session: WriteSession, pipeline: str, spec: PipelineSpec, _: Outputs) -> Waits | Ended:
    if spec.evaluation is None:
        return Ended(True, "the gate uses the candidate's own test rows")
    return _build(session, pipeline, spec.evaluation)


def _begin_build(session: WriteSession, pipeline: str, spec: PipelineSpec, _: Outputs) -> Waits | Ended:
    return _build(session, pipeline, spec.build)


def _begin_check(session: WriteSession, _: str, __: PipelineSpec, outputs: Outputs) -> Waits | Ended:
    """Every version that was built must be validated; the step looks again whenever one has been judged."""
    built = [outputs[step] for step in (StepName.EVALUATION, StepName.BUILD) if outputs.get(step)]
    # Locked: a verdict that another transaction is recording just now is seen here, or sees this step waiting.
    versions = [dataset_queries.get_version_by_id(session, one["version_id"], lock=True) for one in built]
    names = {version.id: f"{version.dataset.name} version {version.number}" for version in versions}
    for version in versions:
        if version.state == VersionState.REJECTED:
            return Ended(False, f"{names[version.id]} is rejected: {' '.join(version.reasons)}")
    for version in versions:
        if version.state == VersionState.REGISTERED:
            return Waits(f"dataset_version:{version.id}")
    return Ended(True, f"validated: {', '.join(dict.fromkeys(names.values()))}")


def _begin_train(session: WriteSession, pipeline: str, spec: PipelineSpec, outputs: Outputs) -> Waits | Ended:
    built = outputs[StepName.BUILD]
    ordered = spec.train.model_copy(update={"dataset": f"{built['dataset']}@{built['number']}", "model": spec.model})
    experiments.ensure_experiment(session, name=pipeline, description=f"Runs of pipeline {pipeline}.")
    run, job = training.start(session, experiment=pipeline, spec=ordered)
    return Waits(f"run:{run.id}", {"run_id": run.id, "job_id": job.id})


def _begin_check_model(_: WriteSession, __: str, ___: PipelineSpec, outputs: Outputs) -> Waits | Ended:
    return Waits(f"checks_of_run:{outputs[StepName.TRAIN]['run_id']}")


def _begin_promote(session: WriteSession, _: str, spec: PipelineSpec, outputs: Outputs) -> Waits | Ended:
    number = outputs[StepName.CHECK_MODEL]["number"]
    promotion, job = promotions.request(session, model=spec.model, number=number)
    return Waits(f"promotion:{promotion.id}", {"promotion_id": promotion.id, "job_id": job.id})


def _begin_deploy(_: WriteSession, __: str, ___: PipelineSpec, outputs: Outputs) -> Waits | Ended:
    return Waits(f"applied:{outputs[StepName.PROMOTE]['promotion_id']}")


BEGIN: dict[StepName, Begin] = {
    StepName.EVALUATION: _refusals_end_the_step(_begin_evaluation),
    StepName.BUILD: _refusals_end_the_step(_begin_build),
    StepName.CHECK: _refusals_end_the_step(_begin_check),
    StepName.TRAIN: _refusals_end_the_step(_begin_train),
    StepName.CHECK_MODEL: _begin_check_model,
    StepName.PROMOTE: _refusals_end_the_step(_begin_promote),
    StepName.DEPLOY: _begin_deploy,
}
