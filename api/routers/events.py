"""The audit trail, as pages and live."""

from fastapi import APIRouter, Request

from api.deps import PageDep, ReadDep, Reader, RuntimeDep
from api.schemas.events import EventRead
from api.schemas.pages import PageRead
from api.sse import EventStream, Message, last_event_id, stream
from domain.events import queries

router = APIRouter(prefix="/events", tags=["events"])


@router.get("")
def list_events(
    session: ReadDep, page: PageDep, _: Reader, type: str | None = None, subject: str | None = None
) -> PageRead[EventRead]:
    """Events, newest first; `subject` takes a path and finds everything below it."""
    return PageRead[EventRead].of(
        queries.list_events(session, page, type=type, subject=subject), EventRead.model_validate
    )


@router.get("/stream", response_class=EventStream)
def stream_events(request: Request, runtime: RuntimeDep, _: Reader) -> EventStream:
    """Every event from now on (or after `Last-Event-ID`) as server-sent events."""

    def poll(after: int) -> tuple[list[Message], int, bool]:
        with runtime.reading() as session:
            rows = queries.after(session, after)
            messages = [
                Message(row.seq, row.type, EventRead.model_validate(row).model_dump(mode="json")) for row in rows
            ]
        return messages, rows[-1].seq if rows else after, False

    start = last_event_id(request)
    if start is None:
        with runtime.reading() as session:
            start = queries.latest_seq(session)
    return stream(request, start, poll)
