"""Reads of the event log: pages for the audit view, and what came after a number for live streams."""

from sqlalchemy import func, select

from domain.db import AnySession
from domain.events.models import EventRow
from domain.pages import Page, PageRequest, paginate


def list_events(
    session: AnySession, page: PageRequest, *, type: str | None = None, subject: str | None = None
) -> Page[EventRow]:
    """Newest first; `subject` matches the path itself and everything below it."""
    query = select(EventRow)
    if type is not None:
        query = query.where(EventRow.type == type)
    if subject is not None:
        query = query.where((EventRow.subject == subject) | EventRow.subject.startswith(f"{subject}/", autoescape=True))
    return paginate(session, query, page, key=EventRow.seq, cast=int)


def after(session: AnySession, seq: int, *, limit: int = 500) -> list[EventRow]:
    """Events numbered above `seq`, oldest first."""
    return list(session.scalars(select(EventRow).where(EventRow.seq > seq).order_by(EventRow.seq).limit(limit)))


def latest_seq(session: AnySession) -> int:
    return session.scalar(select(func.max(EventRow.seq))) or 0


def latest_of(session: AnySession, types: list[str], *, limit: int) -> list[EventRow]:
    """The newest events of these types, newest first."""
    query = select(EventRow).where(EventRow.type.in_(types)).order_by(EventRow.seq.desc()).limit(limit)
    return list(session.scalars(query))
