"""`POST /serve/{endpoint}/predict` as NDJSON: rows come in as lines and answers go out as lines, a chunk at a time.

Memory is bounded whatever the length: the next lines are read when the answers to the last ones are on their way.
Called by the router, whose own `predict` answers each chunk: access, limits and deadline are those of a request.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final, NamedTuple

import orjson
from starlette.types import Message, Receive, Scope, Send

from domain.errors import DomainError, Forbidden, Invalid, NotFound
from domain.registry.specs import Signature
from serving.answering import ProtocolModule
from serving.errors import (
    BadJson,
    BadRequest,
    Disconnected,
    NoLiveVersion,
    Problem,
    Stopping,
    TooManyRows,
    WrongContentType,
    problem_of,
)
from serving.protocols import plain
from serving.protocols.exchange import Answer, Ask, Reply
from serving.protocols.json_body import load_json, media_type
from serving.requests import Headers

_NDJSON: Final = "application/x-ndjson"
_CHUNK_ROWS: Final = 256
_CHUNK_BYTES: Final = 2**18
_OWN_HEADERS: Final = frozenset({b"content-length", b"content-encoding", b"transfer-encoding"})
_ROW = re.compile(r"lines\[(\d+)\]\.?(.*)", re.DOTALL)


# `Router.predict`.
Predict = Callable[[ProtocolModule, str, Scope, Headers, Receive], Awaitable[Reply]]


class Row(NamedTuple):
    """A line as it was sent, by its number from 1, and what it says; None where it says nothing that can be read."""

    line: int
    sent: bytes
    value: Any = None
    error: Exception | None = None


def streams(headers: Headers) -> bool:
    """Whether a request is a stream of lines."""
    kind = headers.get(b"content-type")
    return kind != "application/json" and media_type(kind) == _NDJSON


async def stream(
    predict: Predict,
    name: str,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    goes_on: Callable[[], bool],
    silence_seconds: float = 60.0,
    patience_seconds: float = 30.0,
) -> None:
    """Answers line by line until the client ends, is silent for too long or goes away, or this process is to stop.

    A chunk that the endpoint has no place for is offered again for `patience_seconds`.
    Raises what is wrong with the request as a whole before anything is sent; afterwards such an error is the last line.
    """
    coding = Headers(scope).get(b"content-encoding")
    if coding not in ("", "identity"):
        raise WrongContentType(f"Lines are not read from {coding[:40]!r}.", where="Content-Encoding", fix="Send plain.")
    started = False
    chunks = _Chunks(predict, name, scope, patience_seconds)
    try:
        async for rows in _rows(receive, goes_on, silence_seconds):
            async for part in chunks.answers(rows):
                if not started:
                    await send(_START)
                    started = True
                await send({"type": "http.response.body", "body": part, "more_body": True})
        if not started:
            await chunks.predicted([])  # raises: there is no row, or no access
    except Disconnected:
        return
    except Exception as error:
        if not started:
            raise
        await send({"type": "http.response.body", "body": _error_line(None, error), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


_START: Final = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", _NDJSON.encode()), (b"x-accel-buffering", b"no")],
}


class _Chunk:
    """Some rows as one request to the router."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def read(self, body: bytes, content_type: str, signature: Signature) -> Ask:
        return Ask([row.value for row in self._rows], "lines")

    def write(self, answer: Answer) -> Reply:
        answers = [
            {"line": row.line, "id": id, "prediction": prediction, "model_version": answer.version}
            for row, id, prediction in zip(self._rows, answer.ids, answer.predictions, strict=True)
        ]
        if answer.probabilities is not None:
            for each, probabilities in zip(answers, answer.probabilities.tolist(), strict=True):
                each["probabilities"] = dict(zip(answer.classes, probabilities, strict=True))
        option = orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE
        return Reply(200, b"".join(orjson.dumps(each, option=option) for each in answers), [])

    def refuse(self, problem: Problem, request_id: str) -> Reply:
        return plain.refuse(problem, request_id)


class _Chunks:
    def __init__(self, predict: Predict, name: str, scope: Scope, patience_seconds: float) -> None:
        self._predict = predict
        self._patience_seconds = patience_seconds
        self._name = name
        headers = [(key, value) for key, value in scope["headers"] if key not in _OWN_HEADERS]
        self._scope = {**scope, "headers": headers}

    async def predicted(self, rows: list[Row]) -> bytes:
        """The answers to some rows, once the endpoint has a place for them."""
        patient_until = time.monotonic() + self._patience_seconds
        body = b"\n".join(row.sent for row in rows)
        while True:
            try:
                headers = Headers(self._scope)
                return (await self._predict(_Chunk(rows), self._name, self._scope, headers, whole(body))).body
            except DomainError as error:
                pause = getattr(error, "retry_after_seconds", 1)
                if getattr(error, "status", 0) != 429 or time.monotonic() + pause > patient_until:
                    raise
            await asyncio.sleep(pause)

    async def answers(self, rows: list[Row]) -> AsyncIterator[bytes]:
        """A line for each row, in order."""
        for run in _runs(rows):
            if run[0].error is not None:
                yield _error_line(run[0], run[0].error)
                continue
            async for part in self._answers(run):
                yield part

    async def _answers(self, rows: list[Row]) -> AsyncIterator[bytes]:
        """The same for rows that could be read. The model names the first that it does not take; the rest goes on."""
        while rows:
            try:
                part = await self.predicted(rows)
            except DomainError as error:
                if _ends(error):
                    raise
                refused = error
            else:
                yield part
                return
            found = _ROW.fullmatch(refused.where or "")
            if isinstance(refused, TooManyRows) and len(rows) > 1:
                good, bad = len(rows) // 2, len(rows) // 2
            elif found is not None:
                good, bad = int(found[1]), int(found[1]) + 1
            else:
                good, bad = 0, len(rows)
            async for part in self._answers(rows[:good]):
                yield part
            for row in rows[good:bad]:
                yield _error_line(row, refused)
            rows = rows[bad:]


def _ends(error: DomainError) -> bool:
    """Whether an error is about the stream: no access any more, nobody who answers, no place."""
    return isinstance(error, (Forbidden, NotFound, NoLiveVersion)) or getattr(error, "status", 0) == 429


def whole(body: bytes) -> Receive:
    """Gives a body that is here already; nothing comes after it."""
    messages = iter([{"type": "http.request", "body": body}])

    async def receive() -> Message:
        found = next(messages, None)
        return found if found is not None else await asyncio.get_running_loop().create_future()

    return receive


async def _rows(receive: Receive, goes_on: Callable[[], bool], silence_seconds: float) -> AsyncIterator[list[Row]]:
    """The lines as they come, read, in chunks of bounded size. Empty ones are passed over."""
    number = 0
    begun = b""
    overlong = False
    async for part in _parts(receive, goes_on, silence_seconds):
        *lines, begun = (begun + part).split(b"\n")
        rows: list[Row] = []
        size = 0
        for line in lines:
            number += 1
            if overlong:  # its end; it has been refused
                overlong = False
            elif line.strip():
                rows.append(_read(number, line))
                size += len(line)
            if len(rows) == _CHUNK_ROWS or size > _CHUNK_BYTES:
                yield rows
                rows, size = [], 0
        if len(begun) > _CHUNK_BYTES:
            if not overlong:
                rows.append(_read(number + 1, begun))
            overlong, begun = True, b""
        if rows:
            yield rows
        await asyncio.sleep(0)
    if begun.strip() and not overlong:
        yield [_read(number + 1, begun)]


async def _parts(receive: Receive, goes_on: Callable[[], bool], silence_seconds: float) -> AsyncIterator[bytes]:
    more = True
    while more:
        if not goes_on():
            raise Stopping("This process is about to stop.", fix="Send what follows the last answer again.")
        try:
            message = await asyncio.wait_for(receive(), silence_seconds)
        except TimeoutError:
            raise BadRequest(f"No line came for {silence_seconds:g} seconds.", fix="Send the rest again.") from None
        if message["type"] == "http.disconnect":
            raise Disconnected
        more = message.get("more_body", False)
        yield message.get("body", b"")


def _read(number: int, line: bytes) -> Row:
    if len(line) > _CHUNK_BYTES:
        return Row(number, b"", error=BadRequest(f"The line is longer than {_CHUNK_BYTES} bytes."))
    try:
        return Row(number, line, load_json(line))
    except Invalid as error:
        if isinstance(error, BadJson):
            error.where = (error.where or "").removeprefix("line 1, ")
        return Row(number, line, error=error)


def _runs(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows that can be read together, the others alone."""
    run: list[Row] = []
    for row in rows:
        if row.error is None:
            run.append(row)
            continue
        if run:
            yield run
        run = []
        yield [row]
    if run:
        yield run


def _error_line(row: Row | None, error: Exception) -> bytes:
    problem = problem_of(error)
    place = _ROW.fullmatch(problem.where or "")
    where = problem.where if place is None else place[2]
    fields = {"code": problem.code, "detail": problem.detail, "where": where or None, "fix": problem.fix}
    line: dict[str, Any] = {} if row is None else {"line": row.line}
    line["error"] = {name: value for name, value in fields.items() if value is not None}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
