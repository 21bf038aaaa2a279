"""NDJSON over HTTP: lines in, lines out, in order and while they come; bad lines, slow readers, clients that leave."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import httpx
import pytest
from starlette.types import Message

from adapters.object_store.local import LocalStore
from domain.errors import Unavailable
from serving.app import ServingApp, running, standalone
from serving.protocols.exchange import Reply
from serving.streaming import stream
from tests.servers import serving
from tests.serving.conftest import Client, Serve
from tests.serving.plants import (
    BEARER,
    ROW,
    TOKEN,
    admit,
    classifier_package,
    eventually,
    expected,
    regression_package,
    route,
)
from tests.serving.test_recorder import rows_of

PATH = "/serve/bikes/predict"
NDJSON = {"Content-Type": "application/x-ndjson"}


def lines(*rows: Any) -> bytes:
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def hours(numbers: Iterable[int]) -> list[dict[str, Any]]:
    return [{**ROW, "hour": number % 24} for number in numbers]


def ask(client: Client, body: bytes, path: str = PATH, **headers: str) -> list[dict[str, Any]]:
    response = client.post(path, content=body, headers={**NDJSON, **headers})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


class TestLines:
    def test_each_row_is_answered_in_order_with_an_id_and_the_version(self, client: Client) -> None:
        rows = hours(range(1000))
        answers = ask(client, lines(*rows))
        assert [each["prediction"] for each in answers] == [expected(row, 1) for row in rows]
        assert [each["line"] for each in answers] == list(range(1, 1001))
        assert len({each["id"] for each in answers}) == 1000
        assert {each["model_version"] for each in answers} == {1}

    def test_every_answered_row_is_recorded(self, store: LocalStore, bikes: str, serve: Serve) -> None:
        with serve() as client:
            answers = ask(client, lines(*hours(range(300))))
        assert sorted(row["id"] for row in rows_of(store)) == sorted(each["id"] for each in answers)

    def test_labels_come_with_probabilities(self, store: LocalStore, serve: Serve) -> None:
        admit(store, TOKEN)
        route(store, "signs", 1, (2, classifier_package(store, [0, 1])))
        with serve() as client:
            (answer,) = ask(client, lines({"x": 0.0}), "/serve/signs/predict")
        assert (answer["prediction"], answer["probabilities"]) == (0, {"0": 0.5, "1": 0.5})

    def test_the_last_line_may_lack_its_end_and_empty_ones_count_for_nothing(self, client: Client) -> None:
        answers = ask(client, b"\n\r\n" + lines(ROW).replace(b"\n", b"\r\n") + b"\n" + lines(ROW).rstrip())
        assert [each["line"] for each in answers] == [3, 5]

    def test_an_endpoint_that_takes_few_rows_at_once_is_asked_for_few(
        self, store: LocalStore, bikes: str, serve: Serve
    ) -> None:
        route(store, "bikes", 2, (1, bikes), max_rows=3)
        with serve() as client:
            answers = ask(client, lines(*hours(range(20)), {**ROW, "hour": "x"}, *hours(range(5))))
        assert ["prediction" in each for each in answers] == [True] * 20 + [False] + [True] * 5


class TestBadLines:
    @pytest.mark.parametrize(
        ("bad", "code", "where"),
        [
            ({**ROW, "hour": "five"}, "wrong_type", "hour"),
            ({**ROW, "season": None}, "null_value", "season"),
            ({**ROW, "minute": 3}, "extra_column", "minute"),
            ({"hour": 5}, "missing_column", "temp"),
            ([5], "not_a_row", None),
            (b'{"hour": ', "bad_json", "column 10"),
            (b'{"hour": 5},{"hour": 6}', "bad_json", "column 12"),
            (b'{"hour": NaN}', "not_a_number", "line 1, column 10"),
            (b"\xff", "bad_json", "column 1"),
            (b'"' + b"x" * 300_000 + b'"', "bad_request", None),
        ],
    )
    def test_has_a_line_of_its_own_and_the_others_are_answered(
        self, client: Client, bad: Any, code: str, where: str | None
    ) -> None:
        answers = ask(client, lines(*hours(range(3)), bad, *hours(range(3))))
        good = [each["prediction"] for each in answers if "error" not in each]
        assert good == [expected(row, 1) for row in hours([0, 1, 2, 0, 1, 2])]
        assert [each["line"] for each in answers] == [1, 2, 3, 4, 5, 6, 7]
        assert [each["line"] for each in answers if "error" in each] == [4]
        assert (answers[3]["error"]["code"], answers[3]["error"].get("where")) == (code, where)

    def test_many_bad_lines_cost_no_good_one(self, client: Client) -> None:
        rows = [{**ROW, "hour": number if number % 3 else "bad"} for number in range(600)]
        answers = ask(client, lines(*rows))
        assert [each.get("prediction") for each in answers] == [
            None if row["hour"] == "bad" else expected(row, 1) for row in rows
        ]


class TestWholeRequests:
    """What is wrong before the first answer is told as for any request."""

    @pytest.mark.parametrize(
        ("path", "headers", "body", "status"),
        [
            (PATH, {"Authorization": "Bearer nope"}, lines(ROW), 403),
            (PATH, {"Authorization": ""}, lines(ROW), 401),
            (PATH, {"Authorization": ""}, b"", 401),
            ("/serve/cars/predict", {}, lines(ROW), 404),
            (PATH, {}, b"", 422),
            (PATH, {}, b"\n\n", 422),
            (PATH, {"Content-Encoding": "gzip"}, lines(ROW), 415),
        ],
    )
    def test_are_refused_as_problems(
        self, client: Client, path: str, headers: dict[str, str], body: bytes, status: int
    ) -> None:
        response = client.post(path, content=body, headers={**NDJSON, **headers})
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize("path", ["/serve/bikes/invocations", "/v2/models/bikes/infer"])
    def test_no_other_protocol_streams(self, client: Client, path: str) -> None:
        assert client.post(path, content=lines(ROW), headers=NDJSON).status_code == 415


@contextmanager
def at_a_port(app: ServingApp) -> Iterator[httpx.Client]:
    with serving(standalone(app), lifespan="on") as url, httpx.Client(base_url=url, headers=BEARER) as client:
        yield client


def test_a_version_switched_within_a_stream_answers_the_lines_after(
    store: LocalStore, bikes: str, app: ServingApp
) -> None:
    second = regression_package(store, 2)

    async def body() -> AsyncIterator[bytes]:
        yield lines(ROW)
        route(store, "bikes", 2, (2, second))
        await asyncio.to_thread(eventually, lambda: app.table.report().revisions == {"bikes": 2})
        yield lines(ROW)

    async def go() -> list[int]:
        transport = httpx.ASGITransport(standalone(app))
        async with running(app), httpx.AsyncClient(transport=transport, base_url="http://x", headers=BEARER) as client:
            response = await client.post(PATH, content=body(), headers=NDJSON)
            return [json.loads(line)["model_version"] for line in response.text.splitlines()]

    assert asyncio.run(go()) == [1, 2]


class Wire:
    """One request over bare ASGI: lines without end, as fast as they are taken; what is sent is counted."""

    def __init__(self, take: Callable[[int], bool]) -> None:
        self.read = 0
        self.sent: list[bytes] = []
        self._take = take
        self._chunk = lines(*hours(range(256)))

    async def receive(self) -> Message:
        if not self._take(self.read):
            return {"type": "http.disconnect"}
        self.read += 1
        return {"type": "http.request", "body": self._chunk, "more_body": True}

    async def send(self, message: Message) -> None:
        self.sent.append(message.get("body", b""))

    def scope(self) -> dict[str, Any]:
        headers = [(b"content-type", b"application/x-ndjson"), (b"authorization", BEARER["Authorization"].encode())]
        return {"type": "http", "method": "POST", "path": PATH, "headers": headers}


def always() -> bool:
    return True


class TestFlow:
    def test_a_client_that_leaves_stops_the_work(self, bikes: str, app: ServingApp) -> None:
        wire = Wire(lambda read: read < 5)

        async def go() -> None:
            async with running(app):
                await app(wire.scope(), wire.receive, wire.send)

        asyncio.run(go())
        assert b"".join(wire.sent).count(b"\n") == 5 * 256
        assert wire.sent[-1]  # the stream was not ended as if it were whole

    def test_a_client_that_does_not_read_is_not_read_from(self, bikes: str, app: ServingApp) -> None:
        wire = Wire(lambda read: True)

        async def go() -> None:
            stuck = asyncio.Event()
            sends = count()

            async def send(message: Message) -> None:
                await wire.send(message)
                if next(sends) == 2:
                    stuck.set()
                    await asyncio.Event().wait()

            async with running(app):
                task = asyncio.create_task(app(wire.scope(), wire.receive, send))
                await asyncio.wait_for(stuck.wait(), 10)
                read = wire.read
                await asyncio.sleep(0.1)
                assert wire.read == read <= 3
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        asyncio.run(go())

    def test_answers_come_before_the_request_ends(self, bikes: str, app: ServingApp) -> None:
        async def go() -> list[bytes]:
            turn = asyncio.Queue[Message]()
            wire = Wire(lambda read: True)
            answered = asyncio.Event()

            async def send(message: Message) -> None:
                await wire.send(message)
                if message.get("body"):
                    answered.set()

            async with running(app):
                task = asyncio.create_task(app(wire.scope(), turn.get, send))
                for _ in range(3):
                    answered.clear()
                    turn.put_nowait({"type": "http.request", "body": lines(ROW), "more_body": True})
                    await asyncio.wait_for(answered.wait(), 10)
                turn.put_nowait({"type": "http.request", "body": b"", "more_body": False})
                await task
            return [part for part in wire.sent if part]

        assert len(asyncio.run(go())) == 3

    def test_a_silent_client_is_told_and_let_go(self, bikes: str, app: ServingApp) -> None:
        wire = Wire(lambda read: True)
        turn = asyncio.Queue[Message]()
        turn.put_nowait({"type": "http.request", "body": lines(ROW), "more_body": True})

        async def go() -> None:
            async with running(app):
                await stream(
                    app.router.predict, "bikes", wire.scope(), turn.get, wire.send, goes_on=always, silence_seconds=0.05
                )

        asyncio.run(go())
        assert b"No line came" in wire.sent[-2]
        assert wire.sent[-1] == b""

    def test_a_process_that_is_about_to_stop_says_so_between_two_chunks(self, bikes: str, app: ServingApp) -> None:
        wire = Wire(lambda read: True)
        goes_on = iter([True, True, False])

        async def go() -> None:
            async with running(app):
                scope, name = wire.scope(), "bikes"
                await stream(app.router.predict, name, scope, wire.receive, wire.send, goes_on=lambda: next(goes_on))

        asyncio.run(go())
        *answers, last = b"".join(wire.sent).splitlines()
        assert [json.loads(line)["line"] for line in answers] == list(range(1, 513))
        assert json.loads(last)["error"]["code"] == "stopping"

    @pytest.mark.parametrize(("refusals", "ending"), [(2, b'"prediction":1105.5'), (10**6, b"busy")])
    def test_a_chunk_that_has_no_place_is_offered_again_for_a_while(
        self, bikes: str, app: ServingApp, refusals: int, ending: bytes
    ) -> None:
        wire = Wire(lambda read: True)
        left = iter(range(refusals))
        parts = [lines(ROW), lines(ROW)]
        asked = count(1)

        async def receive() -> Message:
            return {"type": "http.request", "body": parts.pop(), "more_body": bool(parts)}

        async def busy(*question: Any) -> Reply:
            if next(asked) > 1 and next(left, None) is not None:
                raise Busy("busy")
            return await app.router.predict(*question)

        async def go() -> None:
            async with running(app):
                await stream(busy, "bikes", wire.scope(), receive, wire.send, goes_on=always, patience_seconds=0.1)

        asyncio.run(go())
        assert b'"prediction":1105.5' in wire.sent[1]
        assert ending in wire.sent[-2]


class Busy(Unavailable):
    code = "busy"
    status = 429
    retry_after_seconds = 0.01


def test_over_a_real_connection(bikes: str, app: ServingApp) -> None:
    rows = hours(range(3000))
    with at_a_port(app) as client:
        response = client.post(PATH, content=lines(*rows), headers=NDJSON)
    answers = [json.loads(line) for line in response.text.splitlines()]
    assert [each["prediction"] for each in answers] == [expected(row, 1) for row in rows]
