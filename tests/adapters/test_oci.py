"""Images against a real registry: layers, the client, the whole push, and what can go wrong on the way."""

import json
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.oci.access import CredentialsUnreadable, RegistryAccess, RegistryRefused
from adapters.oci.assembly import BadBase, choose_platform
from adapters.oci.layers import Layer, write_layer
from adapters.oci.pushing import Additions, push
from adapters.oci.registry import ImageMissing, NotAsAnnounced, PushRefused, Registry, RegistryAway, RegistryForbids
from adapters.settings import Settings
from domain.images.references import parse_reference
from domain.images.specs import PushedImage
from tests.adapters.registries import LOOPBACK, auth_file, push_base, registry

ADDING = Additions(
    created="2026-02-03T04:05:06Z",
    environment={"MILLRACE_HOME": "/new"},
    command=["run"],
    user="10001:10001",
    port=8001,
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def a_layer(folder: Path, text: bytes = b"model") -> Layer:
    return write_layer(folder / "layer.tar.gz", {"models/a/b.txt": text}, folders=("models/.incoming",), owner=10001)


def pushed(
    layer: Layer, base: str, to: str, scratch: Path, *, access: RegistryAccess = LOOPBACK, platform: str = "linux/amd64"
) -> PushedImage:
    return push(
        layer,
        base=parse_reference(base, where="base"),
        to=parse_reference(to, where="to"),
        platform=platform,
        adding=ADDING,
        labels=lambda pinned: {"on": pinned},
        access=access,
        scratch=scratch,
        progress=lambda _share, _message: None,
    )


def skopeo(*words: str) -> str:
    done = subprocess.run(["skopeo", *words], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout


class TestWriteLayer:
    def test_the_same_files_are_the_same_bytes(self, tmp_path: Path) -> None:
        one, two = tmp_path / "one.txt", tmp_path / "two.txt"
        one.write_bytes(b"1")
        two.write_bytes(b"2")
        first = write_layer(tmp_path / "x.gz", {"a/one": one, "a/two": two}, owner=5)
        one.chmod(0o600)
        one.touch()
        second = write_layer(tmp_path / "y.gz", {"a/two": two, "a/one": b"1"}, owner=5)
        assert (first.digest, first.diff_id) == (second.digest, second.diff_id)
        assert first.path.read_bytes() == second.path.read_bytes()

    def test_has_nothing_of_this_machine(self, tmp_path: Path) -> None:
        with tarfile.open(a_layer(tmp_path).path) as archive:
            entries = archive.getmembers()
        assert [entry.name for entry in entries] == ["models", "models/.incoming", "models/a", "models/a/b.txt"]
        assert {(entry.uid, entry.gid, entry.mtime, entry.uname) for entry in entries} == {(10001, 10001, 0, "")}


class TestPush:
    def test_skopeo_sees_one_layer_on_the_base(self, host: str, tmp_path: Path) -> None:
        base = push_base(host, tmp_path)
        found = pushed(a_layer(tmp_path), base, f"{host}/team/bikes:1", tmp_path)
        below = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{base}"))
        seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{host}/team/bikes:1"))
        assert seen["Digest"] == found.digest
        assert seen["Layers"] == [*below["Layers"], found.layer_digest]
        assert seen["Created"] == ADDING.created
        assert (seen["Labels"]["from"], seen["Labels"]["on"]) == ("base", found.base)
        assert sorted(seen["Env"]) == ["MILLRACE_HOME=/new", "PATH=/bin"]
        skopeo("copy", "--src-tls-verify=false", f"docker://{found.reference}", f"dir:{tmp_path / 'copy'}")
        layer = tmp_path / "copy" / found.layer_digest.removeprefix("sha256:")
        assert layer.read_bytes() == (tmp_path / "layer.tar.gz").read_bytes()

    def test_again_is_the_same_digest(self, host: str, tmp_path: Path) -> None:
        base = push_base(host, tmp_path)
        first = pushed(a_layer(tmp_path), base, f"{host}/team/again:1", tmp_path)
        assert pushed(a_layer(tmp_path), base, f"{host}/team/again:1", tmp_path) == first
        assert pushed(a_layer(tmp_path, b"other"), base, f"{host}/team/again:1", tmp_path).digest != first.digest

    def test_takes_a_base_from_another_registry(self, host: str, tmp_path: Path) -> None:
        base = push_base(host, tmp_path)
        with registry(tmp_path / "second") as other:
            found = pushed(a_layer(tmp_path), base, f"{other}/bikes:1", tmp_path)
            seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{other}/bikes:1"))
        assert (seen["Digest"], len(seen["Layers"])) == (found.digest, 2)

    def test_says_which_base_is_missing(self, host: str, tmp_path: Path) -> None:
        with pytest.raises(ImageMissing, match="no-such"):
            pushed(a_layer(tmp_path), f"{host}/no-such:1", f"{host}/bikes:1", tmp_path)

    def test_refuses_a_base_of_another_platform(self, host: str, tmp_path: Path) -> None:
        base = push_base(host, tmp_path)
        with pytest.raises(BadBase, match="is for linux/amd64, not for linux/arm64"):
            pushed(a_layer(tmp_path), base, f"{host}/bikes:1", tmp_path, platform="linux/arm64")


class TestCredentials:
    def test_right_ones_let_in_and_wrong_ones_do_not(self, tmp_path: Path) -> None:
        with registry(tmp_path / "locked", password=True) as host:
            right = RegistryAccess.of(at(auth_file(tmp_path / "right", host)))
            base = push_base(host, tmp_path, access=right)
            assert pushed(a_layer(tmp_path), base, f"{host}/bikes:1", tmp_path, access=right).layer_bytes > 0
            wrong = RegistryAccess.of(at(auth_file(tmp_path / "wrong", host, password="hunter2")))
            for access in (wrong, LOOPBACK):
                with pytest.raises(RegistryForbids) as refused:
                    pushed(a_layer(tmp_path), base, f"{host}/bikes:2", tmp_path, access=access)
                assert "hunter2" not in f"{refused.value.message}{refused.value.fix}{access!r}"

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"auths": {"h": {"auth": "%%%"}}}', '{"auths": {"h": 3}}'])
    def test_a_damaged_file_is_said_without_quoting_it(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "auth").write_text(text, encoding="utf-8")
        with pytest.raises(CredentialsUnreadable, match="cannot be read"):
            RegistryAccess.of(at(tmp_path / "auth"))

    def test_a_bearer_token_is_fetched_with_them_for_the_scope(self) -> None:
        def answer(to: BaseHTTPRequestHandler) -> None:
            own = f"http://{to.headers['Host']}"
            if to.path.startswith("/token"):
                assert "scope=repository%3Aa%3Apull%2Cpush" in to.path
                assert to.headers["Authorization"] == "Basic YW5uOnB3"
                reply(to, 200, body=b'{"token": "let-in"}')
            elif to.headers["Authorization"] == "Bearer let-in":
                reply(to, 200)
            else:
                reply(to, 401, {"WWW-Authenticate": f'Bearer realm="{own}/token",service="here"'})

        with stand_in(answer) as host:
            access = replace(LOOPBACK, credentials={host: ("ann", "pw")})
            with Registry(host, access) as there:
                assert there.has("a", "sha256:" + "0" * 64)


class TestRefusals:
    def test_a_host_that_the_settings_do_not_name(self) -> None:
        with pytest.raises(RegistryRefused):
            Registry("registry.example", LOOPBACK)

    def test_credentials_are_not_sent_where_the_settings_do_not_allow(self) -> None:
        def answer(to: BaseHTTPRequestHandler) -> None:
            reply(to, 401, {"WWW-Authenticate": 'Bearer realm="http://169.254.169.254/token"'})

        with stand_in(answer) as host, Registry(host, LOOPBACK) as there, pytest.raises(RegistryRefused):
            there.has("a", "sha256:" + "0" * 64)

    def test_a_redirect_to_an_inner_host_is_not_followed(self) -> None:
        def answer(to: BaseHTTPRequestHandler) -> None:
            reply(to, 307, {"Location": "http://10.0.0.1/secret"})

        with stand_in(answer) as host, Registry(host, LOOPBACK) as there, pytest.raises(RegistryRefused):
            there.manifest("a", "1")

    def test_a_push_that_the_registry_does_not_take(self, tmp_path: Path) -> None:
        def answer(to: BaseHTTPRequestHandler) -> None:
            reply(to, 405, body=b'{"errors": [{"code": "UNSUPPORTED", "message": "read-only"}]}')

        with stand_in(answer) as host, Registry(host, LOOPBACK) as there, pytest.raises(PushRefused, match="read-only"):
            there.upload("a", b"x", "sha256:" + "0" * 64)

    def test_other_bytes_than_asked_for(self) -> None:
        empty = stand_in(lambda to: reply(to, 200, body=b"{}"))
        with empty as host, Registry(host, LOOPBACK) as there, pytest.raises(NotAsAnnounced):
            there.manifest("a", "sha256:" + "0" * 64)

    def test_a_registry_that_goes_away_in_the_middle_of_an_upload(self) -> None:
        def answer(to: BaseHTTPRequestHandler) -> None:
            if to.command == "POST":
                reply(to, 202, {"Location": "/v2/a/blobs/uploads/1"})
            else:
                to.close_connection = True
                to.connection.close()

        with stand_in(answer) as host, Registry(host, LOOPBACK) as there, pytest.raises(RegistryAway):
            there.upload("a", b"x" * 2_000_000, "sha256:" + "0" * 64)

    def test_a_registry_that_is_silent(self) -> None:
        impatient = replace(LOOPBACK, timeout_seconds=0.2)
        with stand_in(lambda _: time.sleep(0.6)) as host, Registry(host, impatient) as there:  # noqa: SIM117
            with pytest.raises(RegistryAway, match="too long"):
                there.has("a", "sha256:" + "0" * 64)


class TestChoosePlatform:
    INDEX: ClassVar[dict[str, Any]] = {
        "manifests": [
            {
                "mediaType": "m", "size": 1, "digest": "sha256:" + mark * 64,
                "platform": {"os": "linux", "architecture": architecture, "variant": variant},
            }
            for mark, architecture, variant in (("a", "amd64", ""), ("b", "arm64", "v8"))
        ]
    }  # fmt: skip

    @pytest.mark.parametrize(
        ("platform", "mark"), [("linux/amd64", "a"), ("linux/arm64", "b"), ("linux/arm64/v8", "b")]
    )
    def test_finds_it(self, platform: str, mark: str) -> None:
        assert choose_platform(self.INDEX, platform) == "sha256:" + mark * 64

    def test_says_which_there_are(self) -> None:
        with pytest.raises(BadBase) as refused:
            choose_platform(self.INDEX, "linux/s390x")
        assert refused.value.fix == "It is there for linux/amd64, linux/arm64/v8."


def at(path: Path) -> Settings:
    return Settings(registry_auth_file=path, _env_file=None)


def reply(to: BaseHTTPRequestHandler, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
    to.rfile.read(int(to.headers.get("Content-Length", 0)))
    to.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        to.send_header(name, value)
    to.end_headers()
    if to.command != "HEAD":
        to.wfile.write(body)


@contextmanager
def stand_in(answer: Callable[[BaseHTTPRequestHandler], object]) -> Iterator[str]:
    """A registry that behaves as no real one can be made to."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            answer(self)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
