"""MLflow's registry as a mirror of ours, looked at from time to time: what others changed there, and what follows.

Told by events; a person sees it on the model until it is gone or acknowledged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from domain.db import AnySession, WriteSession, new_id
from domain.errors import NotFound
from domain.events.service import emit
from domain.experiments.models import Run
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.states import ENDED, JobState
from domain.registry import service
from domain.registry.events import (
    AliasChangedOutside,
    OutsideChangeAcknowledged,
    VersionRegisteredOutside,
    VersionRemovedOutside,
)
from domain.registry.jobs import LookAtMirror, MirrorAlias, MirrorVersion
from domain.registry.models import ModelVersion, OutsideChange, RegisteredModel
from domain.registry.queries import aliases_of, find_version, get_model
from domain.registry.specs import OutsideKind

ALIASES = ("champion", "challenger")
_JOBS_SEEN = 20


class UnknownOutsideChange(NotFound):
    code = "unknown_outside_change"


@dataclass(frozen=True)
class SeenVersion:
    """A version in MLflow: its number there, ours where we put it there, and who made it when, as MLflow tells."""

    found: str
    number: int | None
    who: str | None
    at: datetime | None


@dataclass(frozen=True)
class SeenModel:
    """A registered model as MLflow has it: alias -> its number of a version. Empty when MLflow does not know it."""

    aliases: Mapping[str, str]
    versions: Sequence[SeenVersion]


@dataclass(frozen=True)
class Standing:
    """Our side at one moment.

    `mirrored`: aliases and version numbers whose last mirror job succeeded; `idle`: none of these jobs waits or runs;
    `imported`: MLflow's numbers of versions that runs of ours are. Equal standings before and after a look mean that
    nothing of ours moved meanwhile.
    """

    aliases: Mapping[str, int]
    mirrored: frozenset[str | int]
    idle: bool
    last_job: tuple[str, datetime | None] | None
    imported: frozenset[str]


@dataclass(frozen=True)
class Difference:
    kind: OutsideKind
    alias: str | None = None
    found: str | None = None
    number: int | None = None
    expected: int | None = None
    who: str | None = None
    at: datetime | None = None


def differences(standing: Standing, seen: SeenModel) -> list[Difference]:
    """Where the mirror is not as ours is: pure. MLflow does not tell who moved an alias, nor when."""
    known = {version.found: version.number for version in seen.versions}
    found = []
    for alias in ALIASES:
        there, ours = seen.aliases.get(alias), standing.aliases.get(alias)
        number = known.get(there) if there is not None else None
        if (there is None) != (ours is None) or number != ours:
            found.append(Difference("alias", alias=alias, found=there, number=number, expected=ours))
    found += [
        Difference("version_unknown", found=version.found, who=version.who, at=version.at)
        for version in seen.versions
        if version.number is None and version.found not in standing.imported
    ]
    present = {version.number for version in seen.versions}
    lost = sorted(one for one in standing.mirrored if isinstance(one, int) and one not in present)
    return found + [Difference("version_removed", expected=number) for number in lost]


def standing_of(session: AnySession, model: RegisteredModel) -> Standing:
    """What the mirror should show, and how far its own jobs have come."""
    subject = f"models/{model.name}"
    query = select(Job.id, Job.kind, Job.subject, Job.payload, Job.state, Job.ended_at)
    mirrors = query.where(Job.kind == MirrorAlias.kind(), Job.subject == subject).order_by(Job.id.desc())
    versions = query.where(
        Job.kind == MirrorVersion.kind(), Job.subject.startswith(f"{subject}/versions/", autoescape=True)
    )
    rows = [*session.execute(mirrors.limit(_JOBS_SEEN)), *session.execute(versions.order_by(Job.id.desc()))]
    states: dict[str | int, JobState] = {}
    for row in rows:  # the newest of each first
        what = row.payload["alias"] if row.kind == MirrorAlias.kind() else int(row.subject.rpartition("/")[2])
        states.setdefault(what, row.state)
    newest = max(rows, key=lambda row: row.id, default=None)
    prefix = f"models:/{model.name}/"
    uris = session.scalars(
        select(Run.mlflow_model_uri)
        .join(ModelVersion, ModelVersion.run_id == Run.id)
        .where(ModelVersion.model_id == model.id, Run.mlflow_model_uri.startswith(prefix, autoescape=True))
    )
    return Standing(
        aliases=aliases_of(session, model),
        mirrored=frozenset(what for what, state in states.items() if state == JobState.SUCCEEDED),
        idle=all(row.state in ENDED for row in rows),
        last_job=(newest.id, newest.ended_at) if newest else None,
        imported=frozenset(uri.removeprefix(prefix) for uri in uris if uri),
    )


def order_look(session: WriteSession, *, seconds: float) -> Job | None:
    """Queue a look unless the last one is younger than `seconds`, has not ended, or there is nothing mirrored."""
    last = session.scalar(select(Job).where(Job.kind == LookAtMirror.kind()).order_by(Job.id.desc()).limit(1))
    now = session.now()
    if last is not None and (last.state not in ENDED or last.created_at > now - timedelta(seconds=seconds)):
        return None
    if session.scalar(select(RegisteredModel.id).where(RegisteredModel.versions > 0).limit(1)) is None:
        return None
    # Two who look at the same moment order one job.
    return jobs.submit(session, LookAtMirror(), subject="models", key=f"mirror-look:{last.id if last else ''}")


def record_look(session: WriteSession, *, name: str, standing: Standing, seen: SeenModel) -> list[OutsideChange]:
    """Keep what is new of what was `seen` while ours was as in `standing`; nothing when ours has moved since."""
    model = get_model(session, name, lock=True)
    if not standing.idle or standing_of(session, model) != standing:
        return []
    waiting = {(row.kind, row.alias, row.expected if row.kind == "version_removed" else row.found): row
               for row in _unresolved(session, model)}  # fmt: skip
    new = []
    for one in differences(standing, seen):
        if one.kind == "alias" and one.expected is not None and one.alias not in standing.mirrored:
            # Our own mirror job never got there: no news from outside.
            service.mirror_alias(session, model=name, alias=str(one.alias))
            continue
        row = waiting.get((one.kind, one.alias, one.expected if one.kind == "version_removed" else one.found))
        stays = one.kind == "version_unknown" or model.outside_changes == "flag"
        if row is not None and stays and (row.policy == "flag" or one.kind == "version_unknown"):
            waiting = {key: other for key, other in waiting.items() if other is not row}
            continue
        new.append(_add(session, model, one))
    for row in waiting.values():  # gone, put right, or put right and changed again
        row.resolved_at = session.now()
    return new


def note(session: WriteSession, *, change_id: str, note: str) -> None:
    """Write down what came of a change."""
    session.get_one(OutsideChange, change_id).note = note


def acknowledge(session: WriteSession, *, model: RegisteredModel, change_id: str) -> OutsideChange:
    """A person has seen it: the model shows it no longer. A second time changes nothing."""
    row = session.get(OutsideChange, change_id)
    if row is None or row.model_id != model.id:
        raise UnknownOutsideChange(f"The model {model.name!r} has no outside change {change_id!r}.", where="change_id")
    if row.acknowledged_at is None:
        row.acknowledged_at, row.acknowledged_by = session.now(), session.actor.name
        subject = f"models/{model.name}"
        emit(session, OutsideChangeAcknowledged(subject=subject, model=model.name, change_id=row.id))
    return row


def _unresolved(session: AnySession, model: RegisteredModel) -> list[OutsideChange]:
    query = select(OutsideChange).where(OutsideChange.model_id == model.id, OutsideChange.resolved_at.is_(None))
    return list(session.scalars(query))


def _add(session: WriteSession, model: RegisteredModel, one: Difference) -> OutsideChange:
    row = OutsideChange(
        id=new_id(),
        model_id=model.id,
        kind=one.kind,
        alias=one.alias,
        found=one.found,
        number=one.number,
        expected=one.expected,
        policy=model.outside_changes,
        who=one.who,
        changed_at=one.at,
        seen_at=session.now(),
        note="",
    )
    session.add(row)
    session.flush()
    subject, at = f"models/{model.name}", one.at.isoformat() if one.at else None
    if one.alias is not None:
        emit(
            session,
            AliasChangedOutside(
                subject=subject,
                model=model.name,
                change_id=row.id,
                alias=one.alias,
                found=one.found,
                number=one.number,
                expected=one.expected,
                policy=row.policy,
                who=one.who,
                changed_at=at,
            ),
        )
    elif one.found is not None:
        emit(
            session,
            VersionRegisteredOutside(subject=subject, model=model.name, found=one.found, who=one.who, changed_at=at),
        )
    elif one.expected is not None:
        version = find_version(session, model.id, one.expected)
        emit(
            session,
            VersionRemovedOutside(
                subject=f"{subject}/versions/{version.number}",
                model=model.name,
                number=version.number,
                version_id=version.id,
                policy=row.policy,
            ),
        )
    return row
