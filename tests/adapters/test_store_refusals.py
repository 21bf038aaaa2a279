"""A store that refuses us or has no room: what is said, what is tried again, and that no secret is in any of it."""

import json
import logging
import resource
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from fastapi import FastAPI
from pydantic import SecretStr

from adapters.object_store.credentials import NO_CREDENTIALS, Scrubber, StoreCredentials
from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectMissing, ObjectStore, StoreForbidden, StoreFull, StoreUnavailable
from api.errors import install
from domain.errors import DomainError
from tests import servers
from tests.adapters.conftest import s3_credentials
from tests.adapters.places import REMOTE, Place
from tests.drive import DriveStandIn


@pytest.fixture(scope="session")
def strict_s3() -> Iterator[str]:
    with servers.s3(strict=True) as url:
        yield url


@pytest.fixture
def wrong(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Place]:
    """A place with credentials that look right and open nothing."""

    def place(kind: str) -> Place:
        if kind == "s3":
            credentials = s3_credentials(request.getfixturevalue("strict_s3"), "the-wrong-secret-of-s3")
            return Place("s3://millrace", credentials, "the-wrong-secret-of-s3")
        if kind == "azure":
            right: Place = request.getfixturevalue("azure")
            parts = right.credentials.azure_connection_string.get_secret_value()
            key = right.secret[::-1].strip("=") + "="
            credentials = StoreCredentials(azure_connection_string=SecretStr(parts.replace(right.secret, key)))
            return Place(right.url, credentials, key)
        drive: DriveStandIn = request.getfixturevalue("drive_stand_in")
        account = drive.account(generate_private_key(public_exponent=65537, key_size=2048))
        file = tmp_path / f"{kind}.json"
        file.write_text(json.dumps(account))
        if kind == "gdrive":
            known = StoreCredentials(gdrive_credentials_file=file, gdrive_endpoint_url=drive.url)
            return Place("gdrive://data", known, account["private_key"])
        return Place("gs://millrace", StoreCredentials(gcs_credentials_file=file), account["private_key"])

    return place


def lines_of(secret: str) -> list[str]:
    return [line for line in secret.splitlines() if len(line) > 5 and not line.startswith("-----")]


async def as_problem(act: Callable[[], object]) -> httpx.Response:
    """What the API answers when a route does this."""
    app = FastAPI()
    install(app)
    app.add_api_route("/", act)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://millrace") as client:
        return await client.get("/")


class TestAStoreThatRefusesUs:
    @pytest.mark.parametrize("kind", REMOTE)
    def test_says_what_to_set_and_no_secret_anywhere(
        self, wrong: Callable[[str], Place], kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        place = wrong(kind)
        store = place.open()
        (tmp_path / "file").write_bytes(b"1")
        said = [repr(place.credentials), str(place.credentials), str(vars(store))]
        for use in (
            lambda: store.put("a/b", b"1"),
            lambda: store.upload(tmp_path / "file", "a/b"),
            lambda: store.get("a/b"),
            lambda: store.get_range("a/b", 0, 1),
            lambda: store.exists("a/b"),
            lambda: list(store.list("a")),
            lambda: store.delete("a/b"),
        ):
            with pytest.raises(StoreForbidden, match=r"refuses 'a") as caught:
                use()
            assert caught.value.fix
            assert "MILLRACE_" in caught.value.fix
            said += [*traceback.format_exception(caught.value), caught.value.message, caught.value.fix]
        logging.getLogger("test").error("it failed", exc_info=caught.value)
        text = "\n".join(said) + caplog.text
        assert [line for line in lines_of(place.secret) if line in text] == []

    @pytest.mark.anyio
    @pytest.mark.parametrize("kind", REMOTE)
    async def test_is_a_problem_without_the_secret(self, wrong: Callable[[str], Place], kind: str) -> None:
        place = wrong(kind)
        store = place.open()
        answer = await as_problem(lambda: store.get("a/b"))
        assert (answer.status_code, answer.json()["code"]) == (403, "store_forbidden")
        assert [line for line in lines_of(place.secret) if line in answer.text] == []

    @pytest.mark.parametrize(
        ("url", "setting"),
        [
            pytest.param("s3://millrace", "MILLRACE_S3_ACCESS_KEY_ID", marks=pytest.mark.s3),
            ("gs://millrace", "MILLRACE_GCS_CREDENTIALS_FILE"),
            ("az://data", "MILLRACE_AZURE_ACCOUNT_NAME"),
            ("gdrive://data", "MILLRACE_GDRIVE_CREDENTIALS_FILE"),
        ],
    )
    def test_names_the_setting_when_there_are_no_credentials(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, setting: str
    ) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS"):
            monkeypatch.delenv(name, raising=False)
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "CLOUDSDK_CONFIG"):
            monkeypatch.setenv(name, str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("NO_GCE_CHECK", "true")
        with pytest.raises(StoreForbidden) as caught:
            Place(url).open().exists("a/b")
        assert setting in str(caught.value.fix)

    @pytest.mark.parametrize("name", ["gcs_credentials_file", "gdrive_credentials_file"])
    @pytest.mark.parametrize("content", [None, b"", b"[]", b'{"type": "other", "private_key": "hush-hush-hush"}'])
    def test_names_the_setting_when_the_file_is_none(self, tmp_path: Path, name: str, content: bytes | None) -> None:
        file = tmp_path / "account.json"
        if content is not None:
            file.write_bytes(content)
        known = NO_CREDENTIALS.model_copy(update={name: file})
        with pytest.raises(StoreForbidden) as caught:
            Place("gs://data" if name.startswith("gcs") else "gdrive://data", known).open()
        assert f"MILLRACE_{name.upper()}" in str(caught.value.fix)
        assert "hush" not in "".join(traceback.format_exception(caught.value))

    def test_folder_that_is_not_ours(self, tmp_path: Path) -> None:
        with pytest.raises((StoreForbidden, StoreUnavailable), match="cannot be made"):
            LocalStore(Path("/proc/millrace-store"))


class TestAFullStore:
    @pytest.fixture
    def small_disk(self) -> Iterator[Callable[[], None]]:
        """Files here may have 1 MiB at most, until the disk is made larger."""
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

        def grow() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, most))
        yield grow
        grow()

    def test_keeps_what_it_has_and_nothing_half(self, tmp_path: Path, small_disk: Callable[[], None]) -> None:
        store = LocalStore(tmp_path / "store")
        store.put("a/b", b"the old bytes")
        with pytest.raises(StoreFull, match="'a/b'"):
            store.put("a/b", bytes(2**20 + 1))
        assert store.get("a/b") == b"the old bytes"
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b"]
        small_disk()
        store.put("a/b", bytes(2**20 + 1))
        assert store.info("a/b").size == 2**20 + 1

    @pytest.mark.anyio
    async def test_is_a_problem_that_passes(self, tmp_path: Path, small_disk: Callable[[], None]) -> None:
        store = LocalStore(tmp_path / "store")
        answer = await as_problem(lambda: store.put("a/b", bytes(2**21)))
        assert (answer.status_code, answer.json()["code"]) == (503, "store_full")


@contextmanager
def moody(answers: list[int | None], code: str = "SlowDown") -> Iterator[tuple[str, list[str]]]:
    """An S3 that gives these answers first, and then good ones; None hangs up. With the URL comes what was asked."""
    asked: list[str] = []

    class Moody(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status = answers.pop(0) if answers else 200
            if status is None:
                self.close_connection = True
                return
            body = b"good" if status == 200 else f"<Error><Code>{code}</Code></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Moody) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def at(url: str) -> ObjectStore:
    return Place("s3://millrace", s3_credentials(url)).open()


class TestTryingAgain:
    @pytest.mark.parametrize("first", [[503], [500, 502], [429], [None], [504, None]])
    def test_helps_with_what_passes(self, first: list[int | None]) -> None:
        with moody([*first]) as (url, asked):
            assert at(url).get("a/b") == b"good"
        assert len(asked) == len(first) + 1

    def test_ends(self) -> None:
        with moody([503] * 50) as (url, asked), pytest.raises(StoreUnavailable, match="SlowDown"):
            at(url).get("a/b")
        assert len(asked) == 3

    @pytest.mark.parametrize(
        ("status", "code", "error"),
        [
            (403, "AccessDenied", StoreForbidden),
            (401, "Unauthorized", StoreForbidden),
            (400, "ExpiredToken", StoreForbidden),
            (400, "InvalidArgument", StoreUnavailable),
            (507, "XMinioStorageFull", StoreFull),
        ],
    )
    def test_is_not_done_where_it_cannot_help(self, status: int, code: str, error: type[DomainError]) -> None:
        with moody([status] * 50, code) as (url, asked), pytest.raises(error):
            at(url).get("a/b")
        assert len(asked) == 1

    @pytest.mark.s3
    def test_is_not_done_for_what_is_missing(self) -> None:
        with moody([404], "NoSuchKey") as (url, asked), pytest.raises((ObjectMissing, StoreUnavailable)):
            at(url).get("a/b")
        assert [path for path in asked if path.endswith("/a/b")] == ["/millrace/a/b"]


class TestScrubbing:
    @pytest.mark.parametrize(
        "field",
        ["s3_secret_access_key", "s3_session_token", "azure_account_key", "azure_sas_token", "azure_connection_string"],
    )
    def test_takes_out_a_secret_however_it_is_written(self, field: str) -> None:
        secret = "sv=2024&sig=abc%2Fdef+ghi%3D"
        scrubber = Scrubber(StoreCredentials.model_validate({field: secret}))
        for written in (secret, quote(secret, safe=""), "sv=2024&sig=abc/def+ghi="):
            assert scrubber.clean(f"GET https://host/?{written} failed") == "GET https://host/?*** failed"

    def test_takes_out_the_parts_that_libraries_make(self) -> None:
        parts = "AccountName=acc;AccountKey=c2VjcmV0LWtleQ==;SharedAccessSignature=sv=1&sig=SIGNATURE%3D"
        known = {"azure_connection_string": parts, "azure_sas_token": "?sv=1&sig=OTHERSIG%3D"}
        scrubber = Scrubber(StoreCredentials.model_validate(known))
        assert scrubber.clean("c2VjcmV0LWtleQ== SIGNATURE= OTHERSIG= acc") == "*** *** *** acc"

    def test_takes_out_what_is_in_files(self, tmp_path: Path) -> None:
        file = tmp_path / "user.json"
        file.write_text(json.dumps({"refresh_token": "1//refresh-me", "client_id": "public"}))
        scrubber = Scrubber(StoreCredentials(gdrive_credentials_file=file))
        assert scrubber.clean("1//refresh-me of public") == "*** of public"

    def test_without_secrets_leaves_texts_alone(self) -> None:
        assert Scrubber(NO_CREDENTIALS).clean("as it was") == "as it was"


def test_errors_of_libraries_bring_no_secret_in_their_traceback() -> None:
    """What a library says is chained to our error only if it says nothing it should not."""
    secret = "s3-secret-in-a-message"

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError(f"bad signature for {secret}")

    store: Any = Place("s3://millrace", s3_credentials("http://127.0.0.1:9", secret)).open()
    store._backend.info = fail
    with pytest.raises(StoreUnavailable, match=r"bad signature for \*\*\*") as caught:
        store.info("a/b")
    assert secret not in "".join(traceback.format_exception(caught.value))
