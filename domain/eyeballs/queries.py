"""Reads of eyeballs and notes."""

from collections.abc import Collection

from sqlalchemy import select

from domain.db import AnySession
from domain.errors import NotFound
from domain.eyeballs.models import Eyeball, RowNote


class UnknownEyeball(NotFound):
    code = "unknown_eyeball"


class NothingSeen(NotFound):
    code = "nothing_seen"


def get_eyeball(session: AnySession, eyeball_id: str) -> Eyeball:
    eyeball = session.get(Eyeball, eyeball_id)
    if eyeball is None:
        raise UnknownEyeball(f"There is no eyeball {eyeball_id!r}.", where="eyeball_id")
    return eyeball


def find_eyeball(session: AnySession, version_id: str, question_digest: str) -> Eyeball | None:
    query = select(Eyeball).where(Eyeball.version_id == version_id, Eyeball.question_digest == question_digest)
    return session.scalar(query)


def newest_eyeball(session: AnySession, version_id: str) -> Eyeball:
    """The newest question about the version that has been answered; `NothingSeen` while there is none."""
    query = select(Eyeball).where(Eyeball.version_id == version_id, Eyeball.pick.is_not(None))
    eyeball = session.scalar(query.order_by(Eyeball.id.desc()).limit(1))
    if eyeball is None:
        fix = "Ask for them: POST …/eyeballs."
        raise NothingSeen("No rows of this version have been picked yet.", where="number", fix=fix)
    return eyeball


def notes_on(session: AnySession, model_id: str, rows: Collection[str]) -> dict[str, RowNote]:
    """Row -> its note, of those that have one."""
    query = select(RowNote).where(RowNote.model_id == model_id, RowNote.row.in_(rows))
    return {note.row: note for note in session.scalars(query)}
