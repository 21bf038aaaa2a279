"""Verbs of reproductions: order one, and record its verdict. Called by the API and by the handler."""

from sqlalchemy import func, select

from domain.datasets.models import DatasetVersion
from domain.datasets.queries import get_version_by_id
from domain.datasets.states import VersionState
from domain.db import AnySession, WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.experiments import service as experiments
from domain.experiments.models import Experiment, Run
from domain.experiments.queries import get_run
from domain.experiments.states import RunState
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.queries import find_by_key
from domain.repositories.models import CodeVersion
from domain.reproductions.events import RunReproduced
from domain.reproductions.jobs import ReproduceRun
from domain.reproductions.models import Reproduction
from domain.reproductions.queries import get_reproduction
from domain.reproductions.specs import Finding
from domain.training import service as training
from domain.training.events import RunCreated
from domain.training.imports import TRAINER
from domain.training.specs import TrainSpec


class NotReproducible(Conflict):
    """There is nothing to reproduce: the run has not finished, or was not trained here."""

    code = "not_reproducible"


def request(
    session: WriteSession, *, run_id: str, tolerance: float, key: str | None = None
) -> tuple[Reproduction, Job]:
    """Queue a second training of a finished run, on the same version, with the same spec and seed.

    Data that was deleted is no refusal: the job comes to the verdict that it cannot be reproduced.
    """
    run = get_run(session, run_id, lock=True)
    standing = find_by_key(session, key)
    if standing is not None and "reproduction_id" in standing.payload:
        return get_reproduction(session, standing.payload["reproduction_id"]), standing
    if run.state != RunState.FINISHED:
        fix = "Wait for its end; what failed can be retried by its job."
        raise NotReproducible(f"Run {run_id} is {run.state}: it came to nothing yet.", where="run_id", fix=fix)
    if run.trainer == TRAINER:
        fix = "Reproduce it where it was trained."
        raise NotReproducible(f"Run {run_id} was trained elsewhere and imported.", where="run_id", fix=fix)
    reproduction_id = new_id()
    job = jobs.submit(session, ReproduceRun(reproduction_id=reproduction_id), subject=f"runs/{run.id}", key=key)
    version = get_version_by_id(session, run.dataset_version_id)
    again = None if version.state == VersionState.DELETED else _run_again(session, run, version, job)
    reproduction = Reproduction(
        id=reproduction_id,
        run_id=run.id,
        again_id=again.id if again else None,
        job_id=job.id,
        tolerance=tolerance,
        created_by=session.actor.name,
        created_at=session.now(),
    )
    session.add(reproduction)
    session.flush()
    return reproduction, job


def record(session: WriteSession, *, reproduction_id: str, finding: Finding) -> Reproduction:
    """Keep what the comparison came to, once, and say so. A second run that was not trained has failed."""
    reproduction = get_reproduction(session, reproduction_id, lock=True)
    if reproduction.verdict is not None:  # the job died after recording
        return reproduction
    reproduction.verdict = finding.verdict
    reproduction.finding = finding.as_json()
    reproduction.ended_at = session.now()
    if reproduction.again_id is not None:
        training.fail_run(session, run_id=reproduction.again_id, reason=" ".join(finding.reasons))
    emit(
        session,
        RunReproduced(
            subject=f"runs/{reproduction.run_id}",
            run_id=reproduction.run_id,
            reproduction_id=reproduction_id,
            again_id=reproduction.again_id,
            verdict=finding.verdict,
            reasons=finding.reasons,
        ),
    )
    return reproduction


def code_is_gone(session: AnySession, run: Run) -> str | None:
    """A sentence when the run names a commit that no connected repository has; None when there is nothing to say."""
    if run.code_commit is None:
        return None
    known = select(func.count()).select_from(CodeVersion)
    if session.scalar(known.where(CodeVersion.commit.startswith(run.code_commit, autoescape=True))):
        return None
    return f"No connected repository has the commit {run.code_commit[:12]} that the run names."


def _run_again(session: WriteSession, run: Run, version: DatasetVersion, job: Job) -> Run:
    spec = TrainSpec.model_validate(run.spec)
    pinned = spec.model_copy(update={"dataset": f"{version.dataset.name}@{version.number}", "model": None})
    home = session.get_one(Experiment, run.experiment_id)
    again = experiments.create_run(
        session,
        run_id=new_id(),
        job_id=job.id,
        experiment=home,
        spec=pinned.as_json(),
        trainer=run.trainer,
        params=run.params,
        seed=run.seed,
        version=version,
        code_commit=run.code_commit,
        reproduces=run.id,
    )
    emit(session, RunCreated(subject=f"runs/{again.id}", experiment=home.name, run_id=again.id))
    return again
