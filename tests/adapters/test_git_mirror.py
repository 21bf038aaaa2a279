"""A clone of somebody else's repository: what is fetched, what is refused, and that nothing in it is run."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from threading import Thread

import pytest

from adapters.git import GitLimits, RemoteAway, RemoteTooLarge
from adapters.git_access import AddressRefused, GitAccess
from adapters.git_mirror import Mirror, MirrorBusy, UnknownRevision
from domain.repositories.addresses import parse_address
from tests.git_repositories import Clone, new_clone

LIMITS = GitLimits(seconds=20, max_bytes=2**30)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return new_clone(tmp_path / "repos" / "team")


def mirror_of(clone: Clone, *, limits: GitLimits = LIMITS, folder: str = "mirror") -> Mirror:
    access = GitAccess(folders=[clone.path.parent])
    return Mirror(clone.path.parents[1] / folder, parse_address(str(clone.path)), access, limits)


class TestMirror:
    def test_reads_names_messages_and_authors_as_they_are(self, clone: Clone) -> None:
        clone.commit("one", **{"a b\tc.txt": "x"})
        clone.git("mv", "a b\tc.txt", "ümlaut\n.dvc")
        latin = ("-c", "i18n.commitEncoding=latin1")
        author = "Zoë <z@x>".encode("latin1").decode(errors="surrogateescape")  # the bytes of that encoding
        clone.git(*latin, "commit", "--quiet", "-m", "a\x1b[31mred\n\nbody", "--author", author)
        mirror = mirror_of(clone)
        mirror.fetch(["main"])
        commit = mirror.commit(mirror.tip("main"))
        assert (commit.author, commit.message) == ("Zoë <z@x>", "a[31mred\n\nbody")
        assert [(one.path, bool(one.mode)) for one in mirror.changes(commit)] == [
            ("a b\tc.txt", False),
            ("ümlaut\n.dvc", True),
        ]

    def test_says_what_cannot_be_read(self, clone: Clone) -> None:
        mirror = Mirror(
            clone.path.parent / "m", parse_address(str(clone.path.parent / "nope")),
            GitAccess(folders=[clone.path.parent]), LIMITS,
        )  # fmt: skip
        with pytest.raises(RemoteAway, match="nope"):
            mirror.heads()

    def test_a_submodule_is_not_entered(self, clone: Clone, tmp_path: Path) -> None:
        other = new_clone(tmp_path / "repos" / "other")
        other.commit("inside", **{"x.dvc": "y"})
        clone.git("-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(other.path), "sub")
        clone.commit("with a submodule")
        mirror = mirror_of(clone)
        mirror.fetch(["main"])
        modes = {one.path: one.mode for one in mirror.tree(mirror.tip("main"))}
        assert modes == {".gitmodules": "100644", "sub": "160000"}

    def test_hooks_and_filters_of_a_repository_are_never_run(self, clone: Clone, tmp_path: Path) -> None:
        ran = tmp_path / "ran"
        clone.commit("one", **{".gitattributes": "* filter=evil", "a.txt": "x"})
        clone.git("config", "filter.evil.smudge", f"touch {ran}; cat")
        for name in ("post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc"):
            hook = clone.path / ".git" / "hooks" / name
            hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
            hook.chmod(0o755)
        mirror = mirror_of(clone)
        mirror.check_out(mirror.fetch_revision("main"), tmp_path / "files")
        assert (tmp_path / "files" / "a.txt").read_text() == "x"
        assert not ran.exists()

    def test_links_are_written_as_files(self, clone: Clone, tmp_path: Path) -> None:
        (clone.path / "passwd").symlink_to("/etc/passwd")
        clone.commit("a link")
        mirror = mirror_of(clone)
        mirror.check_out(mirror.fetch_revision("main"), tmp_path / "files")
        assert not (tmp_path / "files" / "passwd").is_symlink()
        assert (tmp_path / "files" / "passwd").read_text() == "/etc/passwd"

    def test_the_persons_own_settings_do_not_count(self, clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
        clone.commit("one")
        monkeypatch.setenv("GIT_DIR", "/nowhere")
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{clone.path}x.insteadOf")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(clone.path))
        assert list(mirror_of(clone).heads().branches) == ["main"]

    def test_only_one_process_works_on_it(self, clone: Clone) -> None:
        with mirror_of(clone).held(), pytest.raises(MirrorBusy), mirror_of(clone).held():
            pass


class TestRevision:
    def test_is_a_branch_a_tag_or_a_commit(self, clone: Clone) -> None:
        first = clone.commit("one")
        clone.git("tag", "-a", "v1", "-m", "v1")
        second = clone.commit("two")
        for number, (rev, commit) in enumerate(
            [("HEAD", second), ("main", second), ("v1", first), (first, first), (first[:8], first)]
        ):
            assert mirror_of(clone, folder=f"m{number}").fetch_revision(rev) == commit

    @pytest.mark.parametrize("rev", ["nope", "a" * 40, "abcdef1", "v1/../x", "refs/heads/main^"])
    def test_that_is_not_there_is_said(self, clone: Clone, rev: str) -> None:
        clone.commit("one")
        with pytest.raises(UnknownRevision) as refused:
            mirror_of(clone).fetch_revision(rev)
        assert rev in refused.value.message


class TestLocalRepository:
    def test_whose_objects_are_elsewhere_is_refused(self, clone: Clone, tmp_path: Path) -> None:
        clone.commit("one")
        secret = new_clone(tmp_path / "secret")
        secret.commit("secret")
        (clone.path / ".git/objects/info/alternates").write_text(f"{secret.path}/.git/objects\n")
        with pytest.raises(AddressRefused):
            mirror_of(clone).heads()

    def test_whose_folder_is_elsewhere_is_refused(self, clone: Clone, tmp_path: Path) -> None:
        secret = new_clone(tmp_path / "secret")
        secret.commit("secret")
        (clone.path.parent / "link").mkdir()
        (clone.path.parent / "link" / ".git").write_text(f"gitdir: {secret.path}/.git\n")
        with pytest.raises(AddressRefused):
            mirror_of(Clone(clone.path.parent / "link")).heads()


class TestLimits:
    def test_a_repository_that_is_too_large_is_given_up_and_removed(self, clone: Clone) -> None:
        clone.write("big.bin", os.urandom(4 * 2**20))
        clone.commit("big")
        mirror = mirror_of(clone, limits=GitLimits(seconds=20, max_bytes=2**20))
        with pytest.raises(RemoteTooLarge, match="1,048,576 bytes"):
            mirror.fetch(["main"])
        assert not mirror.folder.exists()

    def test_a_remote_that_hangs_is_given_up(self, tmp_path: Path) -> None:
        with create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            access = GitAccess(hosts=frozenset({f"127.0.0.1:{port}"}))
            address = parse_address(f"http://127.0.0.1:{port}/x")
            mirror = Mirror(tmp_path / "m", address, access, GitLimits(seconds=1, max_bytes=2**20))
            started = time.monotonic()
            with pytest.raises(RemoteAway, match="took longer than 1 seconds"):
                mirror.heads()
            assert time.monotonic() - started < 5


@contextmanager
def answering(status: int, **headers: str) -> Iterator[tuple[str, list[str]]]:
    """A server with one answer for all, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in http.server
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


class TestHttp:
    def test_a_redirect_is_not_followed(self, tmp_path: Path) -> None:
        with (
            answering(200) as (target, asked),
            answering(302, Location=f"http://{target}/secret/info/refs") as (host, _),
        ):
            access = GitAccess(hosts=frozenset({host}))
            with pytest.raises(RemoteAway):
                Mirror(tmp_path / "m", parse_address(f"http://{host}/x"), access, LIMITS).heads()
        assert asked == []

    def test_nobody_is_asked_for_a_password(self, tmp_path: Path) -> None:
        with answering(401, WWW_Authenticate='Basic realm="x"') as (host, _):
            access = GitAccess(hosts=frozenset({host}))
            with pytest.raises(RemoteAway) as refused:
                Mirror(tmp_path / "m", parse_address(f"http://{host}/x"), access, LIMITS).heads()
        assert "MILLRACE_GIT_CREDENTIALS" in (refused.value.fix or "")

    def test_a_name_is_connected_to_at_the_address_that_was_looked_at(self, tmp_path: Path) -> None:
        """The certificate is no good there, and that is what git says: so it did connect to the pinned address."""
        with create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]

            class Pinned(GitAccess):
                def pinned(self, host: str, port: int) -> str | None:
                    return "127.0.0.1"

            mirror = Mirror(
                tmp_path / "m", parse_address(f"https://forge.example:{port}/x"), Pinned(),
                GitLimits(seconds=2, max_bytes=2**20),
            )  # fmt: skip
            with pytest.raises(RemoteAway):
                mirror.heads()
            silent.settimeout(1)
            connection, _ = silent.accept()
            connection.close()


def test_git_is_new_enough_to_pin_addresses() -> None:
    told = subprocess.run(["git", "--version"], check=True, capture_output=True, text=True).stdout
    assert tuple(map(int, told.split()[2].split(".")[:2])) >= (2, 37)


def test_over_ssh_nobody_is_asked_and_the_address_is_the_one_that_was_looked_at(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = clone.commit("one")
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/asked\nfor last; do :; done\neval "exec $last"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    def resolve(_: str, __: int) -> list[str]:
        return ["9.9.9.9"]

    access = GitAccess(resolve=resolve)
    mirror = Mirror(tmp_path / "m", parse_address(f"ssh://git@forge.example:2222{clone.path}"), access, LIMITS)
    mirror.fetch(["main"])
    assert mirror.tip("main") == commit
    asked = (tmp_path / "asked").read_text()
    for wanted in ("BatchMode=yes", "HostName=9.9.9.9", "HostKeyAlias=forge.example", "-p 2222", "git@forge.example"):
        assert wanted in asked


def test_credentials_come_from_the_servers_file_and_go_to_their_host_alone(tmp_path: Path) -> None:
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.send_response(404 if self.headers["Authorization"] else 401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in http.server
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        host = f"127.0.0.1:{server.server_address[1]}"
        file = tmp_path / "credentials"
        limits = GitLimits(seconds=20, max_bytes=2**30, credentials=str(file))
        mirror = Mirror(tmp_path / "m", parse_address(f"http://{host}/x"), GitAccess(hosts=frozenset({host})), limits)
        for known, sent in ((f"http://u:p@{host}\n", "Basic dTpw"), ("http://u:p@other.example\n", None)):
            file.write_text(known)
            seen.clear()
            with pytest.raises(RemoteAway) as refused:
                mirror.heads()
            assert seen[-1] == sent
            assert "u:p" not in refused.value.message
        server.shutdown()
