"""`Client`: the REST API over HTTP. What the server refuses, or does not answer, becomes a `ClientError`."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from email.message import Message
from enum import IntEnum
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, quote, urlencode, urlsplit, urlunsplit

from cli.connections import Body, Connections, ConnectionTrouble, Reply

API = "/api/v1"
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
# A stream says something every 15 seconds; one that does not has lost its other end.
SILENCE_SECONDS = 45.0
PATIENCE_SECONDS = 300.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
PAGE_LIMIT = 100

Path = tuple[str | int, ...]
Query = str | float | list[str] | None


class Status(IntEnum):
    """Exit statuses of `millrace`, as its help says."""

    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_FOUND = 4
    NOT_PERMITTED = 5


BY_HTTP: dict[int, Status] = {
    HTTPStatus.UNAUTHORIZED: Status.NOT_PERMITTED,
    HTTPStatus.FORBIDDEN: Status.NOT_PERMITTED,
    HTTPStatus.NOT_FOUND: Status.NOT_FOUND,
}
# What a server says, or a proxy for it, that starts or is drained.
PASSING = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


class ClientError(Exception):
    """One sentence for a person, where in the input, the next step, the exit status; `code` is the server's.

    `passing` says that asking again in a moment may help.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        fix: str | None = None,
        status: Status = Status.REFUSED,
        code: str | None = None,
        passing: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.fix = fix
        self.status = status
        self.code = code
        self.passing = passing


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    id: str | None
    name: str
    data: Any


@dataclass(frozen=True)
class Answer:
    """What a server said, read to its end."""

    url: str
    status: int
    reason: str
    headers: Message
    content: bytes

    @property
    def ok(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.content)


class Client:
    """Paths are given as segments below `/api/v1`; a first segment with a slash starts at the root: `"/serve"`."""

    def __init__(self, url: str, token: str | None, *, seconds: float = ANSWER_SECONDS) -> None:
        parts = address_parts(url)
        self.url = urlunsplit(parts)
        self.token = token
        self._seconds = seconds
        try:
            self._connections = Connections(
                parts,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                connect_seconds=min(seconds, CONNECT_SECONDS),
                proxies=not is_local(url),  # those of the environment are for other machines
            )
        except ValueError as error:
            fix = "Name another in https_proxy, or this server in no_proxy."
            raise ClientError(str(error), fix=fix, status=Status.USAGE) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connections.close()

    def get(self, *path: str | int, **query: Query) -> Any:
        return self._call("GET", path, query)

    def read(self, *path: str | int) -> bytes:
        """A GET whose answer is taken as it comes."""
        return _accepted(self._answer("GET", path)).content

    def text(self, *path: str | int, **query: str) -> str:
        """An answer that is no JSON."""
        return _accepted(self._answer("GET", path, query)).text

    def post(self, *path: str | int, body: Any = None, **query: str | None) -> Any:
        return self._call("POST", path, query, **_as_json(body))

    def put(self, *path: str | int, body: Any = None) -> Any:
        return self._call("PUT", path, **_as_json(body))

    def put_text(self, *path: str | int, text: str) -> Any:
        """A PUT of a document as it is written: the server keeps its text."""
        return self._call("PUT", path, body=text.encode(), headers={"Content-Type": "application/yaml"})

    def patch(self, *path: str | int, body: Any = None) -> Any:
        return self._call("PATCH", path, **_as_json(body))

    def delete(self, *path: str | int, **query: Query) -> Any:
        return self._call("DELETE", path, query)

    def push(self, *path: str | int, records: Iterator[bytes], media_type: str) -> Any:
        """A POST of what is made while it is sent; its answer may take any time."""
        return self._call("POST", path, body=records, headers={"Content-Type": media_type}, seconds=None)

    def ask(self, *path: str | int, body: bytes) -> bytes:
        """A POST of bytes that is answered with bytes."""
        answer = self._answer("POST", path, body=body, headers={"Content-Type": "application/octet-stream"})
        return _accepted(answer).content

    def download(self, *path: str | int, start: int = 0, **query: str) -> Iterator[bytes]:
        """The bytes of a file from `start` on."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._stream("GET", path, query, headers=headers) as reply:
            yield from reply.pieces()

    def bundle(self, *path: str | int, paths: list[str]) -> Iterator[bytes]:
        """The records of these files."""
        with self._stream("POST", path, **_as_json({"paths": paths})) as reply:
            yield from reply.pieces()

    def items(self, *path: str | int, limit: int, **query: str | int | list[str] | None) -> list[Any]:
        """At most `limit` items of a list, over as many pages as that takes."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            page = self.get(*path, limit=min(limit - len(found), PAGE_LIMIT), cursor=cursor, **query)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None or len(found) >= limit:
                return found

    def events(self, *path: str | int, last_id: str | None = None) -> Iterator[Event]:
        """Server-sent events until the server ends the stream."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        with self._stream("GET", path, headers=headers, seconds=SILENCE_SECONDS) as reply:
            yield from parse_events(reply.lines())

    def follow(
        self, *path: str | int, last_id: str | None = None, on_break: Callable[[str], None] = lambda reason: None
    ) -> Iterator[Event]:
        """Server-sent events over as many connections as it takes, each beginning behind the last event seen.

        A server that restarts is waited for; one that is away for five minutes is given up. Ends when its reader does.
        """
        pause, heard = 0.0, time.monotonic()
        while True:
            reason = "The server ended the stream."
            try:
                for event in self.events(*path, last_id=last_id):
                    last_id = event.id or last_id
                    pause, heard = 0.0, time.monotonic()
                    yield event
            except ClientError as error:
                if not error.passing or time.monotonic() - heard > PATIENCE_SECONDS:
                    raise
                reason = error.message
            if pause == 0.0:
                on_break(reason)
            pause = min(pause * 2 or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
            time.sleep(pause)

    def reply(self, *path: str | int) -> Answer:
        """The answer to a GET as it came, refusals too."""
        return self._answer("GET", path)

    def _call(self, method: str, path: Path, query: Mapping[str, Query] | None = None, **options: Any) -> Any:
        answer = _accepted(self._answer(method, path, query, **options))
        return answer.json() if answer.content else None

    def _answer(self, method: str, path: Path, query: Mapping[str, Query] | None = None, **options: Any) -> Answer:
        with self._exchange(method, path, query, **{"seconds": self._seconds, **options}) as reply:
            return _read(reply)

    @contextmanager
    def _stream(
        self,
        method: str,
        path: Path,
        query: Mapping[str, Query] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
        **options: Any,
    ) -> Iterator[Reply]:
        with self._exchange(method, path, query, seconds=seconds, **options) as reply:
            if not reply.ok:
                raise problem(_read(reply))
            yield reply

    @contextmanager
    def _exchange(
        self,
        method: str,
        path: Path,
        query: Mapping[str, Query] | None,
        *,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None,
    ) -> Iterator[Reply]:
        target = _join(path) + _as_query(query or {})
        try:
            with self._connections.exchange(method, target, headers=headers or {}, body=body, seconds=seconds) as reply:
                yield reply
        except ConnectionTrouble as error:
            message, fix = f"The connection to {self.url} broke: {error}.", "Try again"
            if not error.reached:
                message = f"No server answers at {self.url}."
                fix = "Start one with `millrace up`, or name another with --url"
            fix += "; `millrace doctor` looks for the reason."
            raise ClientError(message, fix=fix, status=Status.UNREACHABLE, passing=True) from error


def is_local(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def address_parts(url: str) -> SplitResult:
    """The parts of a server's address, the same for each way to write it. Raises ClientError when it is none."""
    fix = "Give one as http://host:port."
    no_address = ClientError(f"{url!r} is not an address.", fix=fix, status=Status.USAGE)
    try:
        parts = urlsplit(url.strip())
        host: str | None = parts.hostname
        port: int | None = parts.port
    except ValueError:
        raise no_address from None
    if parts.scheme not in {"http", "https"} or not host:
        raise no_address
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ClientError("An address has no name, password, query or fragment in it.", fix=fix, status=Status.USAGE)
    shown = f"[{host}]" if ":" in host else host
    named = "" if port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{port}"
    return SplitResult(parts.scheme, shown + named, parts.path.rstrip("/"), "", "")


def problem(answer: Answer) -> ClientError:
    """What a refusal says (RFC 9457 problem+json), or its HTTP status where something else answered."""
    status = BY_HTTP.get(answer.status, Status.REFUSED)
    passing = answer.status in PASSING
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not (body.get("detail") or body.get("title")):
        message = f"{answer.url} answered {answer.status} {answer.reason}."
        doubt = "Is that a Millrace server? `millrace doctor` looks at it."
        return ClientError(message, fix=doubt, status=status, passing=passing)
    fix = body.get("fix")
    if fix is None and answer.status == HTTPStatus.UNAUTHORIZED:
        fix = "Give a good one with `millrace login`, --token or MILLRACE_TOKEN, or name the server's home with --home."
    message = str(body.get("detail") or body["title"])
    where, code = body.get("where"), body.get("code")
    return ClientError(message, where=where, fix=fix, status=status, code=code, passing=passing)


def parse_events(lines: Iterable[str]) -> Iterator[Event]:
    """The events of a `text/event-stream` (WHATWG HTML, 9.2): data is JSON here, comments are heartbeats."""
    last_id: str | None = None
    name, data = "message", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                yield Event(last_id, name, json.loads("\n".join(data)))
            name, data = "message", []
        elif field == "id":
            last_id = value
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)


def _read(reply: Reply) -> Answer:
    return Answer(reply.url, reply.status, reply.reason, reply.headers, reply.read())


def _accepted(answer: Answer) -> Answer:
    """The answer. Raises ClientError when it is a refusal."""
    if not answer.ok:
        raise problem(answer)
    return answer


def _as_query(query: Mapping[str, Query]) -> str:
    """What is None is not asked for."""
    given = {name: value for name, value in query.items() if value is not None}
    plain = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
    asked = urlencode(plain, doseq=True, quote_via=quote)
    return f"?{asked}" if asked else ""


def _join(path: Path) -> str:
    first, *rest = map(str, path)
    start = quote(first) if first.startswith("/") else f"{API}/{quote(first, safe='')}"
    return "/".join([start, *(quote(segment, safe="") for segment in rest)])


def _as_json(body: Any) -> dict[str, Any]:
    if body is None:
        return {}
    # YAML knows dates, JSON does not.
    content = json.dumps(body, default=lambda value: value.isoformat() if isinstance(value, date) else str(value))
    return {"body": content.encode(), "headers": {"Content-Type": "application/json"}}
