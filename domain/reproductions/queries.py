"""Reads of reproductions."""

from sqlalchemy import select

from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.pages import Page, PageRequest, paginate
from domain.reproductions.models import Reproduction
from domain.reproductions.specs import Verdict


class UnknownReproduction(NotFound):
    code = "unknown_reproduction"


def get_reproduction(session: AnySession, reproduction_id: str, *, lock: bool = False) -> Reproduction:
    query = select(Reproduction).where(Reproduction.id == reproduction_id)
    found = session.scalar(locked(query) if lock else query)
    if found is None:
        raise UnknownReproduction(f"There is no reproduction {reproduction_id!r}.", where="reproduction_id")
    return found


def list_reproductions(session: AnySession, run_id: str, page: PageRequest) -> Page[Reproduction]:
    """Attempts to reproduce the run, newest first."""
    return paginate(session, select(Reproduction).where(Reproduction.run_id == run_id), page, key=Reproduction.id)


def that_made(session: AnySession, run_id: str) -> Reproduction | None:
    """The reproduction that made this run."""
    return session.scalar(select(Reproduction).where(Reproduction.again_id == run_id))


def last_verdict(session: AnySession, run_id: str) -> Verdict | None:
    """What the newest attempt that came to one says of the run."""
    query = select(Reproduction.verdict).where(Reproduction.run_id == run_id, Reproduction.verdict.is_not(None))
    return session.scalar(query.order_by(Reproduction.id.desc()).limit(1))
