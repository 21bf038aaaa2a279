"""The audit trail: as pages, live, and whole."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from adapters.runtime import Runtime
from api.deps import PageDep, ReadDep, Reader, RuntimeDep
from api.event_files import as_csv, as_ndjson
from api.schemas.events import EventKindRead, EventRead
from api.schemas.pages import PageRead
from api.sse import EventStream, Message, last_event_id, stream
from domain.events import queries
from domain.events.kinds import event_kinds
from domain.events.models import EventRow
from domain.events.queries import EventFilter

router = APIRouter(tags=["events"])

_EXPORTED_AT_ONCE = 1_000
Word = Annotated[str | None, Query(max_length=400, pattern=r"^[^\x00]*$")]
_Types = list[Annotated[str, Query(max_length=80, pattern=r"^[^\x00]*$")]]
Types = Annotated[_Types, Query(max_length=100, description="One or more types: `type=RunFailed&type=JobFailed`.")]
Without = Annotated[_Types, Query(max_length=100, description="Types to leave out.")]


class ExportFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


AsFormat = Annotated[ExportFormat, Query(alias="format")]


def get_filter(
    *,
    type: Types = [],  # noqa: B006 - read only, and the way that FastAPI knows a list is optional
    without: Without = [],  # noqa: B006 - read only, like `type`
    subject: Annotated[Word, Query(description="A path; what is below it is found as well.")] = None,
    actor: Annotated[Word, Query(description="Who did it: the owner of a token, or `millrace`.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="At this time or later.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Before this time.")] = None,
    q: Annotated[Word, Query(description="Text in the type, the subject, the actor or the payload.")] = None,
) -> EventFilter:
    return EventFilter(tuple(type), tuple(without), subject, actor, since, until, q)


FilterDep = Annotated[EventFilter, Depends(get_filter)]


@router.get("/events")
def list_events(session: ReadDep, page: PageDep, wanted: FilterDep, _: Reader) -> PageRead[EventRead]:
    """Events, newest first; `subject` takes a path and finds everything below it."""
    return PageRead[EventRead].of(queries.list_events(session, page, wanted), EventRead.model_validate)


@router.get("/event-types")
def list_event_types(_: Reader) -> list[EventKindRead]:
    """Every type of event there is, with what it means and what its payload has."""
    return [EventKindRead.model_validate(kind) for kind in event_kinds()]


@router.get(
    "/events/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "application/x-ndjson": {}}, "description": "A file."}},
)
def export_events(
    runtime: RuntimeDep, wanted: FilterDep, _: Reader, written_as: AsFormat = ExportFormat.NDJSON
) -> StreamingResponse:
    """All events that match, oldest first, as a file: comma-separated values, or a JSON object on each line.

    What happens while it is sent is not in it. In a csv, what a spreadsheet would take for a formula begins with `'`.
    """
    written = as_csv if written_as == ExportFormat.CSV else as_ndjson
    media = "text/csv; charset=utf-8" if written_as == ExportFormat.CSV else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="events.{written_as}"'}
    return StreamingResponse(written(_batches(runtime, wanted)), media_type=media, headers=headers)


def _batches(runtime: Runtime, wanted: EventFilter) -> Iterator[list[EventRow]]:
    """Some rows at a time, each read in a moment of its own: the receiver may be slow."""
    with runtime.reading() as session:
        last = queries.latest_seq(session)
    seq = 0
    while True:
        with runtime.reading() as session:
            rows = queries.matching_after(session, seq, wanted, last=last, limit=_EXPORTED_AT_ONCE)
        if rows:
            yield rows
        if len(rows) < _EXPORTED_AT_ONCE:
            return
        seq = rows[-1].seq


@router.get("/events/stream", response_class=EventStream)
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
