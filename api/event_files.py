"""Events as files: comma-separated values for spreadsheets, JSON lines for programs."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from api.schemas.events import EventRead
from domain.events.models import EventRow

_COLUMNS: Final = ("seq", "at", "type", "subject", "actor", "request_id", "job_id", "payload")
# What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection").
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(batches: Iterable[list[EventRow]]) -> Iterator[bytes]:
    """With a header; the payload is JSON."""
    yield _lines([list(_COLUMNS)])
    for rows in batches:
        yield _lines([_cells(row) for row in rows])


def as_ndjson(batches: Iterable[list[EventRow]]) -> Iterator[bytes]:
    for rows in batches:
        read = (EventRead.model_validate(row).model_dump(mode="json") for row in rows)
        yield b"".join(orjson.dumps(one) + b"\n" for one in read)


def _cells(row: EventRow) -> list[str]:
    read = EventRead.model_validate(row).model_dump(mode="json")
    read["payload"] = orjson.dumps(read["payload"]).decode()
    return [_harmless("" if read[name] is None else str(read[name])) for name in _COLUMNS]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _lines(rows: list[list[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
