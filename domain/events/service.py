"""`emit`: say that something happened. `write_outbox`: turn what was said into rows, last of all."""

from sqlalchemy import text

from domain.db import WriteSession
from domain.events.models import EventRow
from domain.events.spec import Event

# Any constant will do; it only has to be the same in every process (the letters of "mill").
_COMMIT_ORDER_LOCK = 0x6D696C6C


def emit(session: WriteSession, event: Event) -> None:
    """Remember `event`; its reactions run, and its row is written, before the transaction commits."""
    session.outbox.append(event)
    session.undrained.append(event)


def write_outbox(session: WriteSession) -> None:
    """Write the collected events as rows. Called once, after the last reaction and right before the commit.

    A stream that resumes after number n must never meet a smaller number later, so numbers have to be given
    in commit order. SQLite has one writer at a time; on Postgres a lock, taken when no other row lock will be
    asked for any more, does the same without a risk of deadlock.
    """
    if not session.outbox:
        return
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _COMMIT_ORDER_LOCK})
    now = session.now()
    session.add_all(
        EventRow(
            type=event.type,
            subject=event.subject,
            actor=session.actor.name,
            at=now,
            payload=event.payload(),
            request_id=session.request_id,
            job_id=session.job_id,
        )
        for event in session.outbox
    )
    session.flush()
    session.outbox.clear()
