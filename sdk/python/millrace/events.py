"""Server-sent events (WHATWG HTML, 9.2), resumed where they break off; and the audit trail made of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import httpx

from millrace.errors import Problem, Unreachable
from millrace.html import page
from millrace.http import CONNECT_SECONDS, Http, answer
from millrace.rest.api.events import list_events
from millrace.rest.types import UNSET

if TYPE_CHECKING:
    from millrace.client import Client

STREAM = "/api/v1/events/stream"
SILENT_SECONDS = 45.0
"""A server says something every 15 seconds; one that is silent this long is gone."""
PATIENCE_SECONDS = 60.0
"""How long a server that has answered before may be away."""


@dataclass(frozen=True)
class Message:
    """One server-sent event as it came."""

    id: str | None
    name: str
    data: Any


@dataclass(frozen=True)
class Event:
    """Something that happened; `seq` is its place in the order of commits, after which one can go on."""

    seq: int
    type: str
    subject: str
    actor: str
    at: datetime
    payload: dict[str, Any]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        at = datetime.fromisoformat(row["at"])
        return cls(row["seq"], row["type"], row["subject"], row["actor"], at, row["payload"])

    def _repr_html_(self) -> str:
        return page(f"{self.type} · {self.subject}", {"at": self.at, "by": self.actor} | self.payload)


def newest(client: Client, *, type: str | None, limit: int) -> Iterator[Event]:
    """At most `limit` events, the newest first, over as many pages as that takes."""
    cursor: str | None = None
    while limit > 0:
        found = answer(
            list_events.sync(
                client=client.api, type_=[type] if type else UNSET, limit=min(limit, 100), cursor=cursor or UNSET
            )
        )
        yield from (Event.of(row.to_dict()) for row in found.items)
        limit -= len(found.items)
        cursor = found.next_cursor
        if cursor is None:
            return


def follow(http: Http, path: str, *, after: str | None = None) -> Iterator[Message]:
    """Messages as they come, for ever: a stream that breaks or ends is asked for again, from its last message on.

    Raises `Unreachable` at once when nobody answers at first, and later when nobody has for a minute.
    """
    last_seen: float | None = None
    while True:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        try:
            with http.stream("GET", path, headers=headers, timeout=_TIMEOUT) as response:
                last_seen = time.monotonic()
                for message in parse(response.iter_lines()):
                    last_seen = time.monotonic()
                    after = message.id or after
                    yield message
        except (Unreachable, httpx.TransportError) as error:
            _be_patient(error, http, last_seen)
        except Problem as problem:
            if problem.status not in {502, 503, 504}:
                raise
            _be_patient(problem, http, last_seen)
        time.sleep(1)


_TIMEOUT = httpx.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)


def _be_patient(error: Exception, http: Http, last_seen: float | None) -> None:
    if last_seen is not None and time.monotonic() - last_seen < PATIENCE_SECONDS:
        return
    if isinstance(error, Unreachable | Problem):
        raise error
    raise Unreachable(f"The connection to {http.base_url} broke: {error}.", fix="Try again.") from error


def parse(lines: Iterable[str]) -> Iterator[Message]:
    """The messages of a stream: their data is JSON here, and comments are heartbeats."""
    last_id: str | None = None
    name, data = "message", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                yield Message(last_id, name, json.loads("\n".join(data)))
            name, data = "message", []
        elif field == "id":
            last_id = value
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
