"""The DVC remote on the wire: bytes that are what their path says, in the dataset they were pushed to, whole or not."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import delete
from starlette.types import Message

from adapters.runtime import Runtime
from adapters.settings import Settings
from api.main import create_app
from api.objects import BITE, SMALL
from domain.contents.models import Content
from tests.api.answers import put_version, refused
from tests.api.dvc_wire import ROOT, digest, listing, push, push_listing, url
from tests.conftest import ON_BOTH_DATABASES

TABLE = b"a\n1\n"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"max_body_bytes": 1_000, "max_upload_bytes": 4 * 2**20, "max_upload_files": 5})


class TestPush:
    @pytest.mark.parametrize("size", [0, 1, SMALL, SMALL + 1, BITE - 1, BITE, BITE + 1, 3 * BITE + 17])
    @pytest.mark.parametrize("method", ["POST", "PUT"])
    def test_what_arrives_comes_back(self, client: httpx.Client, size: int, method: str) -> None:
        data = (b"0123456789abcde" * (size // 15 + 1))[:size]
        assert client.request(method, url(digest(data)), content=iter([data[:100], data[100:]])).status_code == 201
        answer = client.get(url(digest(data)))
        assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, data, str(size))

    def test_the_first_one_makes_the_dataset(self, client: httpx.Client) -> None:
        refused(client.get(url(digest(b"x"))), 404, "unknown_object")
        push(client, b"x")
        assert client.get("datasets/a").json()["versions"] == 0

    @ON_BOTH_DATABASES
    def test_many_first_ones_at_once_make_it_once(self, client: httpx.Client) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda number: push(client, bytes([number])), range(16)))
        assert [answer.status_code for answer in answers] == [201] * 16
        assert [one["name"] for one in client.get("datasets").json()["items"]] == ["a"]

    def test_again_is_no_news(self, client: httpx.Client) -> None:
        assert [push(client, b"x").status_code for _ in range(2)] == [201, 200]

    def test_an_object_is_there_only_where_it_was_pushed(self, client: httpx.Client) -> None:
        push(client, b"x")
        push(client, b"y", "b")
        refused(client.get(url(digest(b"y"))), 404, "unknown_object")
        assert client.get(url(digest(b"y"), "b")).content == b"y"

    @pytest.mark.parametrize("size", [10, 2 * BITE])
    def test_other_bytes_are_refused_and_leave_nothing(self, client: httpx.Client, runtime: Runtime, size: int) -> None:
        wrong = digest(b"something else")
        body = refused(push(client, b"x" * size, object_=wrong), 422, "wrong_md5")
        assert (body["where"], wrong in body["detail"]) == ("body", True)
        refused(client.get(url(wrong)), 404, "unknown_object")
        assert list(runtime.data.list("")) == []
        refused(client.get("datasets/a"), 404, "unknown_dataset")

    def test_too_many_bytes_of_a_stream(self, client: httpx.Client, runtime: Runtime) -> None:
        refused(push(client, bytes(5 * 2**20)), 413, "too_large")
        assert list(runtime.data.list("")) == []

    def test_an_archived_dataset(self, client: httpx.Client) -> None:
        push(client, b"x")
        client.delete("datasets/a")
        refused(push(client, b"y"), 409, "dataset_archived")
        assert client.get(url(digest(b"x"))).content == b"x"

    @pytest.mark.parametrize(
        "path",
        ["a/files/md5/0g/" + "0" * 30, "a/files/md5/00/" + "0" * 29, "a/files/md5/00/" + "0" * 30 + ".tar",
         "a/files/md5/00/" + "A" * 30, "-a/files/md5/00/" + "0" * 30, "a/files/md5/0/" + "0" * 31],
    )  # fmt: skip
    def test_a_path_that_is_none_of_an_object(self, client: httpx.Client, path: str) -> None:
        refused(client.post(f"{ROOT}/dvc/{path}", content=b"x"), 422, "invalid_request")
        refused(client.get(f"{ROOT}/dvc/{path}"), 422, "invalid_request")


Body = list[Message]


class TestASenderWhoGoesAway:
    """A body that breaks off, as the server hears of it: ASGI messages and then a disconnect."""

    @pytest.fixture
    def send(self, runtime: Runtime, client: httpx.Client) -> Callable[[str, Body], int]:
        app, token = create_app(runtime), client.headers["authorization"].encode()

        def call(object_: str, messages: Body) -> int:
            answers: list[Message] = []
            waiting = iter(messages)

            async def receive() -> Message:
                return next(waiting)

            async def send(message: Message) -> None:
                answers.append(message)

            path = url(object_).removeprefix(ROOT)
            scope: dict[str, Any] = {
                "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
                "headers": [(b"authorization", token)], "http_version": "1.1", "root_path": "",
                "scheme": "http", "server": ("millrace", 80), "client": ("here", 1), "asgi": {"version": "3.0"},
            }  # fmt: skip
            asyncio.run(app(scope, receive, send))
            return int(answers[0]["status"])

        return call

    @pytest.mark.parametrize(("size", "ending"), [(10, ""), (3 * BITE, ""), (10, ".dir")])
    def test_leaves_nothing(
        self, send: Callable[[str, Body], int], client: httpx.Client, runtime: Runtime, size: int, ending: str
    ) -> None:
        data = b"x" * size
        part: Message = {"type": "http.request", "body": data, "more_body": True}
        assert send(digest(data + b"y") + ending, [part, {"type": "http.disconnect"}]) == 422
        assert list(runtime.data.list("")) == []
        assert list(runtime.settings.home.rglob("millrace-pack-*")) == []
        refused(client.get(url(digest(data + b"y") + ending)), 404, "unknown_object")

    def test_may_come_again(self, send: Callable[[str, Body], int], client: httpx.Client) -> None:
        data = b"x" * (2 * BITE)
        part: Message = {"type": "http.request", "body": data[:BITE], "more_body": True}
        rest: Message = {"type": "http.request", "body": data[BITE:], "more_body": False}
        assert send(digest(data), [part, {"type": "http.disconnect"}]) == 422
        assert send(digest(data), [part, rest]) == 201
        assert client.get(url(digest(data))).content == data


class TestListing:
    FILES = (("a.csv", b"a"), ("b/c.csv", b"c"))

    def test_comes_after_its_files(self, client: httpx.Client) -> None:
        data = listing(*self.FILES)
        body = refused(push_listing(client, data), 409, "incomplete_dir_object")
        assert "2 of the 2 files" in body["detail"]
        push(client, b"a")
        body = refused(push_listing(client, data), 409, "incomplete_dir_object")
        assert f"b/c.csv ({digest(b'c')})" in body["detail"]
        push(client, b"c")
        assert push_listing(client, data).status_code == 201
        assert client.get(url(f"{digest(data)}.dir")).content == data

    def test_files_of_another_dataset_do_not_count(self, client: httpx.Client) -> None:
        for _, data in self.FILES:
            push(client, data, "b")
        refused(push_listing(client, listing(*self.FILES)), 409, "incomplete_dir_object")

    def test_files_of_a_version_do(self, client: httpx.Client) -> None:
        put_version(client, "a", b"a")
        push(client, b"c")
        assert push_listing(client, listing(*self.FILES)).status_code == 201

    def test_odd_ones_are_kept_to_the_byte(self, client: httpx.Client) -> None:
        push(client, b"a")
        data = json.dumps(
            [{"relpath": "z", "md5": digest(b"a"), "isexec": True}, {"relpath": "b", "md5": digest(b"a")}], indent=3
        )
        assert push_listing(client, data.encode()).status_code == 201
        assert client.get(url(f"{digest(data.encode())}.dir")).text == data

    def test_an_empty_folder(self, client: httpx.Client) -> None:
        assert push_listing(client, b"[]").status_code == 201

    @pytest.mark.parametrize(
        ("data", "status", "code"),
        [
            (listing(("../a", b"a")), 422, "bad_file_name"),
            (listing(("/a", b"a")), 422, "bad_file_name"),
            (listing(("a\x00", b"a")), 422, "bad_file_name"),
            (listing(("\u2215a", b"a")), 422, "bad_file_name"),
            (listing(("a", b"a"), ("a", b"a")), 422, "duplicate_file_name"),
            (listing(("a", b"a"), ("a/b", b"a")), 422, "duplicate_file_name"),
            (b"not json", 422, "bad_dir_object"),
            (b"{}", 422, "bad_dir_object"),
            (b'[{"relpath": "a", "md5": "x"}]', 422, "bad_dir_object"),
            (listing(*((str(number), b"a") for number in range(6))), 413, "too_large"),
            (b" " * 20_000 + b"[]", 413, "too_large"),
        ],
    )
    def test_hostile_ones(self, client: httpx.Client, runtime: Runtime, data: bytes, status: int, code: str) -> None:
        push(client, b"a")
        refused(push_listing(client, data), status, code)
        refused(client.get(url(f"{digest(data)}.dir")), 404, "unknown_object")
        assert not runtime.contents.exists(f"{digest(data)}.dir")

    def test_other_bytes(self, client: httpx.Client) -> None:
        refused(push(client, b"[]", object_="0" * 32 + ".dir"), 422, "wrong_md5")


class TestGet:
    DATA = bytes(range(256)) * 1024 * 5  # larger than SMALL

    @pytest.mark.parametrize("data", [b"0123456789", DATA], ids=["small", "large"])
    @pytest.mark.parametrize(
        ("asked", "start", "end"),
        [("0-4", 0, 5), ("3-", 3, None), ("-4", -4, None), ("2-100000000", 2, None), ("0-", 0, None), ("9-9", 9, 10)],
    )
    def test_a_range(self, client: httpx.Client, data: bytes, asked: str, start: int, end: int | None) -> None:
        push(client, data)
        answer = client.get(url(digest(data)), headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.content) == (206, data[start:end])
        first = start % len(data)
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(data)}"

    @pytest.mark.parametrize("asked", ["bytes=10-", "bytes=11-12", "bytes=-0"])
    def test_a_range_behind_the_end(self, client: httpx.Client, asked: str) -> None:
        push(client, b"0123456789")
        answer = client.get(url(digest(b"0123456789")), headers={"Range": asked})
        assert (answer.status_code, answer.headers["content-range"], answer.content) == (416, "bytes */10", b"")

    @pytest.mark.parametrize("asked", ["bytes=4-2", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=a-b", "x"])
    def test_what_is_no_single_range_is_the_whole(self, client: httpx.Client, asked: str) -> None:
        push(client, b"0123456789")
        answer = client.get(url(digest(b"0123456789")), headers={"Range": asked})
        assert (answer.status_code, answer.content) == (200, b"0123456789")

    def test_a_range_of_what_it_was(self, client: httpx.Client) -> None:
        push(client, b"0123456789")
        place = url(digest(b"0123456789"))
        etag = client.head(place).headers["etag"]
        assert client.get(place, headers={"Range": "bytes=1-2", "If-Range": etag}).content == b"12"
        assert client.get(place, headers={"Range": "bytes=1-2", "If-Range": '"x"'}).status_code == 200

    def test_head_says_the_length_and_nothing_more(self, client: httpx.Client) -> None:
        push(client, self.DATA)
        answer = client.head(url(digest(self.DATA)))
        assert (answer.status_code, answer.content) == (200, b"")
        assert (answer.headers["content-length"], answer.headers["accept-ranges"]) == (str(len(self.DATA)), "bytes")

    def test_files_and_folders_of_uploaded_versions(self, client: httpx.Client) -> None:
        version = put_version(client, "a", TABLE)
        assert client.get(url(version["digest"])).content == TABLE
        files = [("files", ("x/1.txt", b"one")), ("files", ("2.txt", b"two"))]
        folder = client.post("datasets/a/versions", files=files).json()
        found = client.get(url(folder["digest"]))
        assert digest(found.content) + ".dir" == folder["digest"]
        assert {row["relpath"] for row in found.json()} == {"x/1.txt", "2.txt"}
        for row in found.json():
            assert digest(client.get(url(row["md5"])).content) == row["md5"]

    def test_a_listing_that_is_not_stored_is_made(self, client: httpx.Client, runtime: Runtime) -> None:
        files = [("files", ("x/1.txt", b"one")), ("files", ("2.txt", b"two"))]
        client.post("datasets", json={"name": "a"})
        made = client.post("datasets/a/versions", files=files).json()["digest"]
        with runtime.transaction() as session:
            session.execute(delete(Content).where(Content.digest == made))
        answer = client.get(url(made))
        assert digest(answer.content) + ".dir" == made
        assert client.head(url(made)).headers["content-length"] == str(len(answer.content))


class TestDelete:
    def test_forgets_a_push(self, client: httpx.Client) -> None:
        push(client, b"x")
        push(client, b"x", "b")
        assert client.delete(url(digest(b"x"))).status_code == 204
        refused(client.get(url(digest(b"x"))), 404, "unknown_object")
        refused(client.delete(url(digest(b"x"))), 404, "unknown_object")
        assert client.get(url(digest(b"x"), "b")).content == b"x"

    def test_does_not_touch_a_version(self, client: httpx.Client) -> None:
        version = put_version(client, "a", TABLE)
        assert client.delete(url(version["digest"])).status_code == 204
        assert client.get(url(version["digest"])).status_code == 200


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


class TestTokens:
    @pytest.fixture
    def viewer(self, client: httpx.Client) -> str:
        push(client, b"x")
        token: str = client.post("tokens", json={"name": "v", "role": "viewer"}).json()["token"]
        return token

    def test_as_password_of_anybody(self, client: httpx.Client, viewer: str) -> None:
        for headers in (basic("", viewer), basic("me@host", viewer), {"Authorization": f"Bearer {viewer}"}):
            assert client.get(url(digest(b"x")), headers=headers).content == b"x"

    def test_the_right_to_read_is_not_that_to_push(self, client: httpx.Client, viewer: str) -> None:
        headers = basic("me", viewer)
        refused(client.post(url(digest(b"y")), content=b"y", headers=headers), 403, "missing_scope")
        refused(client.delete(url(digest(b"x")), headers=headers), 403, "missing_scope")
        assert client.get(url(digest(b"x"))).status_code == 200

    @pytest.mark.parametrize(
        "header",
        ["", "Basic", "Basic !!", "Basic eA==", basic("me", "mlr_wrong")["Authorization"], "Bearer mlr_wrong",
         "Bearer ", "Digest x", "Basic " + b64encode(b"\xff:\xff").decode()],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
    def test_that_are_none(self, client: httpx.Client, method: str, header: str) -> None:
        answer = client.request(method, url(digest(b"x")), headers={"Authorization": header})
        assert answer.status_code == 401
        if method != "HEAD":
            assert "token" in refused(answer, 401, "unauthenticated")["detail"]

    def test_the_remote_says_whose_one_is(self, client: httpx.Client, viewer: str) -> None:
        asked = f"{ROOT}/dvc/a/files/md5"
        assert client.get(asked, headers=basic("me", viewer)).json() == {
            "dataset": "a", "exists": True, "actor": "v", "may_push": False,
        }  # fmt: skip
        assert client.get(f"{ROOT}/dvc/zz/files/md5").json()["exists"] is False
        refused(client.get(asked, headers=basic("me", "mlr_wrong")), 401, "unauthenticated")
