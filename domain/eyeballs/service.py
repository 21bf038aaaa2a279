"""Verbs of eyeballs: ask for rows, record what was picked, say something of a row."""

import hashlib
import json

from domain.datasets import queries as datasets
from domain.db import AnySession, WriteSession, new_id
from domain.errors import Invalid
from domain.events.service import emit
from domain.eyeballs.events import RowNoted
from domain.eyeballs.jobs import PickRows
from domain.eyeballs.models import Eyeball, RowNote
from domain.eyeballs.queries import find_eyeball, get_eyeball
from domain.eyeballs.specs import EyeballAsk, Pick
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.queries import get_job
from domain.jobs.states import JobState
from domain.registry import queries as registry
from domain.registry.models import ModelVersion, RegisteredModel


class NobodyToDisagree(Invalid):
    code = "nobody_to_disagree"


def ask(session: WriteSession, *, version: ModelVersion, question: EyeballAsk) -> tuple[Eyeball, Job]:
    """Queue the question; one that was asked before, about the same rows and versions, is answered by what it gave.

    Raises `UnknownModelVersion`, `UnknownDataset`, or `NobodyToDisagree` when disagreements are asked for and there
    is no other version.
    """
    model = registry.get_model(session, session.get_one(RegisteredModel, version.model_id).name, lock=True)
    other = _other(session, model, version, question)
    rows = datasets.resolve(session, question.dataset) if question.dataset else None
    meant = {**question.as_json(), "against": other.id if other else None, "dataset": rows.id if rows else None}
    digest = hashlib.sha256(json.dumps(meant, sort_keys=True).encode()).hexdigest()
    standing = find_eyeball(session, version.id, digest)
    if standing is not None:
        job = get_job(session, standing.job_id)
        if job.state not in {JobState.FAILED, JobState.CANCELLED}:
            return standing, job
    eyeball = standing or Eyeball(
        id=new_id(),
        version_id=version.id,
        against_version_id=other.id if other else None,
        dataset_version_id=rows.id if rows else None,
        question=question.as_json(),
        question_digest=digest,
        asked_at=session.now(),
        asked_by=session.actor.name,
    )
    job = jobs.submit(session, PickRows(eyeball_id=eyeball.id), subject=f"eyeballs/{eyeball.id}")
    eyeball.job_id = job.id
    session.add(eyeball)
    session.flush()
    return eyeball, job


def record(session: WriteSession, *, eyeball_id: str, pick: Pick) -> None:
    """Keep the rows that were picked."""
    get_eyeball(session, eyeball_id).pick = pick.as_json()


def note(session: WriteSession, *, model: RegisteredModel, row: str, finding: str, text: str) -> RowNote:
    """Say something of a row: whose fault it is, and in words. The later note counts; all are in the audit trail."""
    standing = session.get(RowNote, (model.id, row))
    if standing is None:
        standing = RowNote(model_id=model.id, row=row)
        session.add(standing)
    standing.finding, standing.text = finding, text
    standing.noted_at, standing.noted_by = session.now(), session.actor.name
    session.flush()
    emit(session, RowNoted(subject=f"models/{model.name}", model=model.name, row=row, finding=finding, text=text))
    return standing


def _other(
    session: AnySession, model: RegisteredModel, version: ModelVersion, question: EyeballAsk
) -> ModelVersion | None:
    """The version whose answers are shown beside: the one named, or the champion unless that is this one."""
    if isinstance(question.against, int):
        return registry.find_version(session, model.id, question.against)
    champion = registry.alias_of(session, model, "champion") if question.against == "champion" else None
    other = champion if champion is not None and champion.id != version.id else None
    if other is None and "disagreements" in (question.kinds or ()):
        fix = "Name a version in `against`."
        raise NobodyToDisagree("There is no other version to disagree with.", where="against", fix=fix)
    return other
