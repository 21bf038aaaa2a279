"""Bodies: how large, how they are encoded and how long they take. Over ASGI, and over a socket where time matters."""

import asyncio
import gzip
import json
import socket
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import pytest

from serving.app import ServingApp, running
from serving.errors import BodyTooLarge
from serving.requests import Bodies, Headers
from tests import servers
from tests.serving.conftest import Client
from tests.serving.plants import BEARER, ROW, expected

BODY = json.dumps({"instances": [ROW]}).encode()
PREDICT = "/serve/bikes/predict"


def raw_deflate(body: bytes) -> bytes:
    return zlib.compress(body, wbits=-zlib.MAX_WBITS)


async def in_parts(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
        await asyncio.sleep(0)


class TestEncoding:
    @pytest.mark.parametrize(
        ("name", "encode"),
        [
            ("gzip", gzip.compress), ("x-gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress),
            ("deflate", raw_deflate), ("identity", bytes),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("size", [1, 10_000])
    def test_reads_what_is_encoded(
        self, client: Client, name: str, encode: Callable[[bytes], bytes], size: int
    ) -> None:
        headers = {"Content-Encoding": name, "Content-Type": "application/json"}
        response = client.post(PREDICT, content=in_parts(encode(BODY), size), headers=headers)
        assert response.json()["predictions"] == [expected(ROW, 1)]

    def test_reads_more_than_is_decoded_at_once(self, client: Client) -> None:
        content = gzip.compress(b" " * 190_000 + BODY)
        response = client.post(PREDICT, content=content, headers={"Content-Encoding": "gzip"})
        assert response.status_code == 200, response.text

    @pytest.mark.parametrize("name", ["br", "zstd", "gzip, gzip", "no such"])
    def test_refuses_an_encoding_it_does_not_know(self, client: Client, name: str) -> None:
        response = client.post(PREDICT, content=BODY, headers={"Content-Encoding": name})
        assert (response.status_code, response.json()["code"]) == (415, "wrong_content_encoding")
        assert response.json()["where"] == "Content-Encoding"

    @pytest.mark.parametrize(
        "content",
        [BODY, gzip.compress(BODY)[:-4], gzip.compress(BODY) + b"more", b"", gzip.compress(BODY)[:20] + b"\0" * 20],
        ids=["plain", "cut off", "goes on", "empty", "damaged"],
    )
    def test_refuses_what_is_not_what_it_says(self, client: Client, content: bytes) -> None:
        response = client.post(PREDICT, content=content, headers={"Content-Encoding": "gzip"})
        assert (response.status_code, response.json()["code"]) == (400, "bad_content_encoding")


class TestSize:
    @pytest.mark.parametrize("content", [b" " * 200_001, gzip.compress(b" " * 200_001)], ids=["plain", "gzip"])
    def test_refuses_what_is_larger_than_the_limit(self, client: Client, content: bytes) -> None:
        headers = {"Content-Encoding": "gzip"} if content[:1] == b"\x1f" else {}
        for sent in (content, in_parts(content, 50_000)):
            response = client.post(PREDICT, content=sent, headers=headers)
            assert (response.status_code, response.json()["code"]) == (413, "body_too_large")

    def test_a_bomb_is_never_held(self) -> None:
        """A body of 1 MB that would be 1 GB: refused with little more than the limit in memory."""
        limit = 2_000_000
        bomb = gzip.compress(gzip.compress(b"\0" * 2**20) and b"\0" * 2**28)
        assert len(bomb) < limit

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": bomb}

        async def go() -> None:
            headers = Headers({"headers": [(b"content-encoding", b"gzip")]})
            tracemalloc.start()
            try:
                with pytest.raises(BodyTooLarge):
                    await Bodies(limit=limit, seconds=10).read(receive, headers)
                assert tracemalloc.get_traced_memory()[1] < 2 * limit
            finally:
                tracemalloc.stop()

        asyncio.run(go())


class TestSlowSender:
    def test_is_sent_away_and_holds_up_nobody(self, app: ServingApp, bikes: str) -> None:
        """Twenty clients that never end their bodies, at an endpoint for one request at a time."""
        head = f"POST {PREDICT} HTTP/1.1\r\nHost: here\r\nAuthorization: {BEARER['Authorization']}\r\n"
        with asyncio.Runner() as runner:
            plane = running(app)
            runner.run(plane.__aenter__())
            with servers.serving(app) as url:
                address = ("127.0.0.1", int(url.rpartition(":")[2]))
                slow = [socket.create_connection(address, timeout=5) for _ in range(20)]
                for each in slow:
                    each.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
                with socket.create_connection(address, timeout=5) as quick:
                    quick.sendall(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
                    assert quick.recv(1000).startswith(b"HTTP/1.1 200")
                began = time.monotonic()
                for each in slow:
                    answer = each.recv(5000)
                    assert answer.startswith(b"HTTP/1.1 408"), answer
                    assert b"body_too_slow" in answer + each.recv(5000)
                    assert each.recv(1000) == b""  # and the connection is closed
                    each.close()
                assert time.monotonic() - began < 3
            runner.run(plane.__aexit__(None, None, None))
