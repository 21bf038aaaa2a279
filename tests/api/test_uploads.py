"""Uploads as they arrive on the wire: whole, broken, too large, cut off, and with names that try to get out."""

import asyncio
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Request

from adapters.chunk_store.contents import Contents
from adapters.object_store.opening import open_store
from adapters.object_store.protocol import ObjectStore
from adapters.runtime import Runtime, utc_now
from adapters.settings import Settings
from api.uploads import CHUNK, BadUpload, Upload, receive_upload
from tests.api.answers import refused
from tests.conftest import Drain

EDGE = b"--edge"
FORM = {"content-type": "multipart/form-data; boundary=edge"}


def part(disposition: str, data: bytes) -> bytes:
    return EDGE + b"\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n" + data + b"\r\n"


def file_part(name: str, data: bytes = b"a\n1\n") -> bytes:
    return part(f'name="files"; filename="{name}"', data)


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + EDGE + b"--\r\n"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_upload_bytes": 4 * 2**20, "max_upload_files": 3})


@pytest.fixture
def api(client: httpx.Client) -> httpx.Client:
    client.post("datasets", json={"name": "a"})
    return client


def send(api: httpx.Client, body: bytes | Iterator[bytes], headers: dict[str, str] = FORM) -> httpx.Response:
    return api.post("datasets/a/versions", content=body, headers=headers)


def untouched(api: httpx.Client, runtime: Runtime) -> bool:
    """No version, no object, and nothing half-written."""
    home = Path(runtime.settings.home)
    left = [path for path in (home / "store").rglob("*") if path.is_file()]
    return api.get("datasets/a").json()["versions"] == 0 and left == []


class TestStoring:
    def test_files_lie_under_their_md5_with_the_listing_beside_them(self, api: httpx.Client, runtime: Runtime) -> None:
        answer = send(api, form(file_part("x/1.txt", b"one"), file_part("x/2.txt", b"two")))
        assert answer.status_code == 201
        for data in (b"one", b"two"):
            assert runtime.contents.read(md5(data, usedforsecurity=False).hexdigest()) == data
        assert b'"relpath": "x/1.txt"' in runtime.contents.read(answer.json()["digest"])

    @pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17])
    @pytest.mark.parametrize("filler", [b"\r\n--edg", b"abc"])
    def test_bytes_arrive_as_they_were_sent(self, api: httpx.Client, size: int, filler: bytes) -> None:
        data = (filler * (size // len(filler) + 1))[:size]
        answer = send(api, form(file_part("x.bin", data)))
        assert answer.status_code == 201, answer.text
        assert api.get("datasets/a/versions/1/content/x.bin").content == data

    def test_names_keep_their_letters(self, api: httpx.Client) -> None:
        send(api, form(file_part("Größe/数.csv"), file_part("b c.csv")))
        paths = [file["path"] for file in api.get("datasets/a/versions/1/files").json()["items"]]
        assert paths == ["Größe/数.csv", "b c.csv"]
        assert api.get("datasets/a/versions/1/content/Größe/数.csv").content == b"a\n1\n"

    def test_a_message_may_come_last(self, api: httpx.Client) -> None:
        answer = send(api, form(file_part("a.csv"), part('name="message"', "von März".encode())))
        assert answer.json()["message"] == "von März"


class TestRefusing:
    @pytest.mark.parametrize(
        "name",
        [
            "../a.csv", "/etc/passwd", "x/../../a", "./a", "a//b", "a/", "", " ", "..\\\\a.csv", "a\\\\b", "c:/a.csv",
            "nul\x00.csv", "bell\x07.csv", "a" * 600, "dir\u2215a.csv", "\uff0e\uff0e/a.csv", "\uff0fetc", "a\u202ecsv",
            "zero\u200bwidth.csv", "tag\U000e0041.csv",
        ],
    )  # fmt: skip
    def test_names_that_try_to_get_out(self, api: httpx.Client, runtime: Runtime, name: str) -> None:
        refused(send(api, form(file_part(name))), 422, "bad_file_name")
        assert untouched(api, runtime)

    def test_a_name_that_is_not_text(self, api: httpx.Client, runtime: Runtime) -> None:
        body = form(file_part("X").replace(b"X", b"\xff\xfe"))
        refused(send(api, body), 422, "bad_file_name")
        assert untouched(api, runtime)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"no form at all",
            file_part("a.csv"),
            file_part("a.csv") + b"--edge",
            EDGE + b"\r\nContent-Disposition: form-data; name",
            EDGE + b"\r\nBad Header: x\r\n\r\n",
            EDGE + b"\r\n\r\nno disposition\r\n--edge--\r\n",
            EDGE + b"\r\nX: " + b"x" * 10_000 + b"\r\n\r\n",
            form(file_part("a.csv"), part('name="mesage"', b"x")),
            form(part('name="message"', b"1"), part('name="message"', b"2")),
        ],
    )
    def test_bodies_that_are_no_form(self, api: httpx.Client, body: bytes) -> None:
        refused(send(api, body), 422, "bad_upload")
        assert api.get("datasets/a").json()["versions"] == 0

    @pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "x" * 1000])
    def test_a_boundary_that_is_none(self, api: httpx.Client, boundary: str) -> None:
        refused(send(api, form(), {"content-type": f"multipart/form-data{boundary}"}), 422, "bad_upload")

    def test_no_files(self, api: httpx.Client) -> None:
        refused(send(api, form(part('name="message"', b"x"))), 422, "no_files")

    @pytest.mark.parametrize("second", ["a.csv", "a.csv/b.csv"])
    def test_files_in_each_others_way(self, api: httpx.Client, second: str) -> None:
        refused(send(api, form(file_part("a.csv"), file_part(second))), 422, "duplicate_file_name")

    def test_too_many_files(self, api: httpx.Client) -> None:
        refused(send(api, form(*(file_part(f"{n}.csv") for n in range(4)))), 413, "too_large")
        assert api.get("datasets/a").json()["versions"] == 0

    def test_too_many_bytes_at_their_announcement(self, api: httpx.Client, runtime: Runtime) -> None:
        refused(send(api, form(file_part("a.bin", bytes(5 * 2**20)))), 413, "too_large")
        assert untouched(api, runtime)

    def test_too_many_bytes_of_a_stream_without_a_length(self, api: httpx.Client, runtime: Runtime) -> None:
        refused(send(api, iter([form(file_part("a.bin", bytes(5 * 2**20)))])), 413, "too_large")
        assert untouched(api, runtime)

    def test_too_much_json_of_a_stream_without_a_length(self, api: httpx.Client, runtime: Runtime) -> None:
        body = iter([b'{"source": "' + b"x" * runtime.settings.max_body_bytes + b'"}'])
        refused(send(api, body, {"content-type": "application/json"}), 413, "too_large")

    def test_a_message_too_long(self, api: httpx.Client) -> None:
        refused(send(api, form(file_part("a.csv"), part('name="message"', b"x" * 20_000))), 413, "too_large")

    def test_an_unknown_dataset_before_the_bytes_are_taken(self, client: httpx.Client, runtime: Runtime) -> None:
        body = refused(
            client.post("datasets/b/versions", content=form(file_part("a")), headers=FORM), 404, "unknown_dataset"
        )
        assert body["where"] == "dataset"
        assert list((runtime.settings.home / "store").rglob("*.*")) == [runtime.settings.home / "store" / ".incoming"]


def receive(contents: Contents, messages: list[dict[str, Any]], max_files: int = 10) -> Upload:
    """`receive_upload` on a request whose body arrives as these ASGI messages."""
    waiting = iter(messages)

    async def next_message() -> dict[str, Any]:
        return next(waiting)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", FORM["content-type"].encode())]}
    return asyncio.run(receive_upload(Request(scope, next_message), contents, max_files=max_files))


class TestOnTheWire:
    BODY = form(file_part("1.bin", bytes(range(256)) * 20), file_part("2.bin", b"--edge\r\n"))

    @pytest.fixture(params=["disk", "memory"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
        return open_store(str(tmp_path / "store") if request.param == "disk" else f"memory://{tmp_path.name}")

    @pytest.fixture
    def contents(self, store: ObjectStore, runtime: Runtime) -> Contents:
        return Contents(store, runtime.database, utc_now)

    @pytest.mark.parametrize("bite", [1, 2, 7, 100, 10_000])
    def test_the_bites_of_the_network_do_not_matter(self, contents: Contents, bite: int) -> None:
        bites = [self.BODY[start : start + bite] for start in range(0, len(self.BODY), bite)]
        messages: list[dict[str, Any]] = [{"type": "http.request", "body": data, "more_body": True} for data in bites]
        upload = receive(contents, [*messages, {"type": "http.request", "body": b"", "more_body": False}])
        assert [(entry.path, entry.size) for entry in upload.entries] == [("1.bin", 5120), ("2.bin", 8)]
        assert contents.read(upload.entries[1].md5) == b"--edge\r\n"

    def test_a_sender_who_goes_away_leaves_nothing(self, store: ObjectStore, contents: Contents) -> None:
        cut = file_part("1.bin", bytes(2 * CHUNK))[:-10]
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": cut, "more_body": True},
            {"type": "http.disconnect"},
        ]
        with pytest.raises(BadUpload, match="went away"):
            receive(contents, messages)
        assert list(store.list("")) == []

    def test_a_sender_who_goes_away_leaves_no_scratch(self, tmp_path: Path, runtime: Runtime) -> None:
        contents = Contents(open_store(str(tmp_path / "store")), runtime.database, utc_now)
        cut = file_part("1.bin", bytes(2 * CHUNK))[:-10]
        with pytest.raises(BadUpload):
            receive(contents, [{"type": "http.request", "body": cut, "more_body": True}, {"type": "http.disconnect"}])
        assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


class TestARemoteStore:
    @pytest.fixture
    def settings(self, settings: Settings, tmp_path: Path) -> Settings:
        return settings.model_copy(update={"store_url": f"memory://{tmp_path.name}"})

    def test_takes_checks_and_gives_back(self, api: httpx.Client, drain: Drain) -> None:
        send(api, form(file_part("a.csv", b"a\n1\n2\n")))
        drain()
        assert api.get("datasets/a/versions/1").json()["rows"] == 2
        answer = api.get("datasets/a/versions/1/content/a.csv")
        assert (answer.content, answer.headers["content-length"]) == (b"a\n1\n2\n", "6")
        again = api.get("datasets/a/versions/1/content/a.csv", headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
