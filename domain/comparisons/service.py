"""Verbs of comparisons: order one, record what it found."""

from domain.comparisons.events import VersionsCompared
from domain.comparisons.jobs import CompareVersions
from domain.comparisons.models import VersionComparison
from domain.comparisons.queries import get_comparison
from domain.comparisons.specs import ComparedData, ComparedVersion, ComparisonResult, ComparisonSpec
from domain.datasets.queries import resolve
from domain.db import WriteSession, new_id
from domain.errors import Conflict, Invalid
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.registry.metrics import DEFAULT_METRIC, METRICS, UnfitMetric
from domain.registry.models import RegisteredModel
from domain.registry.queries import resolve_versions


class DifferentQuestions(Conflict):
    """The versions do not predict the same: their metrics say nothing about each other."""

    code = "different_questions"


class NamedTwice(Invalid):
    code = "named_twice"


def request(
    session: WriteSession, *, model: RegisteredModel, spec: ComparisonSpec, key: str | None = None
) -> tuple[VersionComparison, Job]:
    """Queue a comparison. References are resolved now: a dataset without a number is its newest validated version."""
    found = resolve_versions(session, model, spec.versions)
    for place, (other, _) in enumerate(found):
        if (other.task, other.target) != (model.task, model.target):
            raise DifferentQuestions(
                f"{other.name!r} is a {other.task} of {other.target!r}, "
                f"{model.name!r} a {model.task} of {model.target!r}.",
                where=f"versions.{place}",
                fix="Compare versions that predict the same.",
            )
    metric = spec.metric or DEFAULT_METRIC[model.task]
    if metric not in METRICS[model.task]:
        what = f"The metric {metric!r} does not fit a model of the task {model.task}."
        raise UnfitMetric(what, where="metric", fix=f"There are {', '.join(METRICS[model.task])}.")
    data = [resolve(session, ref) for ref in spec.datasets]
    _refuse_twice("versions", [version.id for _, version in found])
    _refuse_twice("datasets", [version.id for version in data])
    _refuse_twice("where", spec.where)
    comparison_id = new_id()
    order = CompareVersions(comparison_id=comparison_id)
    job = jobs.submit(session, order, subject=subject_of(comparison_id), key=key)
    if job.payload["comparison_id"] != comparison_id:  # the same request was made before, under the same key
        return get_comparison(session, job.payload["comparison_id"]), job
    comparison = VersionComparison(
        id=comparison_id,
        model_id=model.id,
        job_id=job.id,
        versions=[
            ComparedVersion(ref=f"{other.name}@{version.number}", version_id=version.id).as_json()
            for other, version in found
        ],
        datasets=[
            ComparedData(
                ref=f"{version.dataset.name}@{version.number}", version_id=version.id, digest=version.digest
            ).as_json()
            for version in data
        ],
        where=spec.where,
        metric=metric,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(comparison)
    session.flush()
    return comparison, job


def record(session: WriteSession, *, comparison_id: str, result: ComparisonResult) -> VersionComparison:
    """Keep what the job found, once."""
    comparison = get_comparison(session, comparison_id, lock=True)
    if comparison.result is not None:  # the job died after recording
        return comparison
    comparison.result = result.as_json()
    comparison.ended_at = session.now()
    emit(
        session,
        VersionsCompared(
            subject=subject_of(comparison_id),
            model=session.get_one(RegisteredModel, comparison.model_id).name,
            comparison_id=comparison_id,
            cells=len(result.cells),
            problems=sum(cell.value is None for cell in result.cells),
        ),
    )
    return comparison


def subject_of(comparison_id: str) -> str:
    return f"comparisons/{comparison_id}"


def _refuse_twice(field: str, values: list[str]) -> None:
    for place, value in enumerate(values):
        if value in values[:place]:
            raise NamedTwice(f"The same one of {field} is named twice.", where=f"{field}.{place}", fix="Name it once.")
