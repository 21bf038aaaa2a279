"""Reads of the event log: pages for the audit view, and what came after a number for live streams."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, Text, cast, func, or_, select

from domain.db import AnySession
from domain.events.models import EventRow
from domain.pages import Page, PageRequest, paginate


@dataclass(frozen=True)
class EventFilter:
    """What is looked for; all of it must hold. `subject` matches the path itself and everything below it.

    `text` is found in the type, the subject, the actor or the payload, whatever its case (of ASCII letters).
    """

    types: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    subject: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None

    def narrow(self, query: Select[EventRow]) -> Select[EventRow]:
        """`query` for these events only; `until` is not part of the span."""
        if self.types:
            query = query.where(EventRow.type.in_(self.types))
        if self.without:
            query = query.where(EventRow.type.not_in(self.without))
        if self.subject is not None:
            below = EventRow.subject.startswith(f"{self.subject}/", autoescape=True)
            query = query.where((EventRow.subject == self.subject) | below)
        if self.actor is not None:
            query = query.where(EventRow.actor == self.actor)
        if self.since is not None:
            query = query.where(EventRow.at >= self.since)
        if self.until is not None:
            query = query.where(EventRow.at < self.until)
        if self.text:
            # The payload is kept as JSON with ASCII letters only: what is looked for is written in the same way.
            written = json.dumps(self.text)[1:-1]
            found = [column.icontains(self.text, autoescape=True) for column in _WORDS]
            query = query.where(or_(*found, cast(EventRow.payload, Text).icontains(written, autoescape=True)))
        return query


EVERYTHING = EventFilter()
_WORDS = (EventRow.type, EventRow.subject, EventRow.actor)


def list_events(session: AnySession, page: PageRequest, wanted: EventFilter = EVERYTHING) -> Page[EventRow]:
    """Newest first."""
    return paginate(session, wanted.narrow(select(EventRow)), page, key=EventRow.seq, cast=int)


def matching_after(session: AnySession, seq: int, wanted: EventFilter, *, last: int, limit: int) -> list[EventRow]:
    """Those numbered above `seq` and up to `last`, oldest first."""
    query = wanted.narrow(select(EventRow)).where(EventRow.seq > seq, EventRow.seq <= last)
    return list(session.scalars(query.order_by(EventRow.seq).limit(limit)))


def after(session: AnySession, seq: int, *, limit: int = 500) -> list[EventRow]:
    """Events numbered above `seq`, oldest first."""
    return list(session.scalars(select(EventRow).where(EventRow.seq > seq).order_by(EventRow.seq).limit(limit)))


def latest_seq(session: AnySession) -> int:
    return session.scalar(select(func.max(EventRow.seq))) or 0


def latest_of(session: AnySession, types: list[str], *, limit: int) -> list[EventRow]:
    """The newest events of these types, newest first."""
    query = select(EventRow).where(EventRow.type.in_(types)).order_by(EventRow.seq.desc()).limit(limit)
    return list(session.scalars(query))
