"""Hooks in a clone, with real git: they tell the server, keep the hooks that are there, and never stop anybody."""

import os
import time
from pathlib import Path
from socket import create_server

import pytest

from cli.hooks import pushed
from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server
from tests.git_repositories import Clone, new_clone, new_remote

pytestmark = pytest.mark.slow

SYNC = "/api/v1/repositories/team/sync"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    clone = new_clone(tmp_path / "clone")
    clone.commit("one")
    new_remote(tmp_path / "bare.git", clone)
    return clone


@pytest.fixture
def installed(millrace: Millrace, server: Server, clone: Clone, monkeypatch: pytest.MonkeyPatch) -> Millrace:
    """The hooks in the clone, told of a repository that the server reads from the bare one."""
    monkeypatch.chdir(clone.path)
    follow(server, str(clone.path.parent / "bare.git"))
    result = millrace("git-hook", "install")
    assert result.exit_code == 0, result.output
    server.asked.clear()
    return millrace


def follow(server: Server, address: str) -> None:
    listed = {"name": "team", "address": address, "local": address.startswith("/")}
    server.on("GET", "/api/v1/repositories", Answer({"items": [listed], "next_cursor": None}))
    server.on("GET", "/api/v1/repositories/team", Answer(listed))
    server.on("POST", SYNC, Answer({"id": "j1"}, 202))


def told(server: Server) -> list[object]:
    return [asked.json() for asked in server.asked if asked.path == SYNC]


class TestPush:
    @pytest.mark.usefixtures("installed")
    def test_tells_where_the_branch_will_be(self, server: Server, clone: Clone) -> None:
        commit = clone.commit("two")
        assert told(server) == []  # the remote does not have it yet
        clone.git("push", "origin", "main", "HEAD:refs/heads/next")
        assert told(server) == [{"branch": "main", "commit": commit}, {"branch": "next", "commit": commit}]
        assert server.asked[-1].headers["authorization"] == "Bearer mlr_test"
        server.asked.clear()
        clone.git("push", "origin", ":next")
        assert told(server) == [{"branch": "next", "commit": None}]

    def test_tags_are_no_branches(self) -> None:
        assert pushed(["refs/tags/v1 " + "1" * 40 + " refs/tags/v1 " + "0" * 40, "", "odd"]) == []


class TestCommit:
    def test_is_told_to_a_server_that_reads_the_clone(
        self, millrace: Millrace, server: Server, clone: Clone, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(clone.path)
        follow(server, str(clone.path))
        assert millrace("git-hook", "install", "--repo", "team").exit_code == 0
        clone.commit("two")
        assert told(server) == [{}]


class TestInstall:
    def test_keeps_the_hook_that_is_there_and_runs_it_first(
        self, installed: Millrace, server: Server, clone: Clone, tmp_path: Path
    ) -> None:
        assert installed("git-hook", "uninstall").exit_code == 0
        hook = clone.path / ".git/hooks/pre-push"
        mine = f'#!/bin/sh\necho "$@" >{tmp_path}/seen\ncat >>{tmp_path}/seen\nexit $(cat {tmp_path}/status)\n'
        hook.write_text(mine)
        hook.chmod(0o755)
        result = installed("git-hook", "install")
        assert "Your pre-push hook stays" in result.output
        assert installed("git-hook", "install").exit_code == 0  # again: it does not become its own predecessor
        (tmp_path / "status").write_text("1")
        assert "failed to push" in clone.git("push", "origin", "main", check=False)
        assert told(server) == []
        (tmp_path / "status").write_text("0")
        clone.git("push", "origin", "main")
        commit = clone.git("rev-parse", "HEAD")
        bare = clone.path.parent / "bare.git"
        assert (
            tmp_path / "seen"
        ).read_text() == f"origin {bare}\nrefs/heads/main {commit} refs/heads/main {'0' * 40}\n"
        assert told(server) == [{"branch": "main", "commit": commit}]
        assert installed("git-hook", "uninstall").exit_code == 0
        assert hook.read_text() == mine
        assert os.access(hook, os.X_OK)
        assert not [one for one in hook.parent.iterdir() if "millrace" in one.name]
        assert clone.git("config", "--get-regexp", "^millrace", check=False) == ""

    def test_respects_a_folder_of_hooks_elsewhere(
        self, installed: Millrace, server: Server, clone: Clone, tmp_path: Path
    ) -> None:
        installed("git-hook", "uninstall")
        clone.git("config", "core.hooksPath", str(tmp_path / "hooks"))
        assert "core.hooksPath" in installed("git-hook", "install").output
        assert sorted(one.name for one in (tmp_path / "hooks").iterdir()) == ["post-commit", "pre-push"]
        clone.git("push", "origin", "main")
        assert len(told(server)) == 1

    def test_refuses_to_choose_between_two_hooks_of_others(self, installed: Millrace, clone: Clone) -> None:
        hooks = clone.path / ".git/hooks"
        (hooks / "pre-push").write_text("#!/bin/sh\n")
        (hooks / "pre-push.before-millrace").write_text("#!/bin/sh\n")
        result = installed("git-hook", "install")
        assert result.exit_code == 1
        assert "keeps an older one" in result.output

    def test_of_a_clone_that_the_server_does_not_know_names_its_addresses(
        self, millrace: Millrace, server: Server, clone: Clone, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(clone.path)
        follow(server, "https://forge.example/other")
        result = millrace("git-hook", "install")
        assert result.exit_code == 4
        assert str(clone.path) in result.output
        assert not (clone.path / ".git/hooks/pre-push").exists()

    def test_outside_of_a_clone_is_refused(self, millrace: Millrace) -> None:
        result = millrace("git-hook", "install")
        assert result.exit_code == 2
        assert "not in the work tree" in result.output

    def test_keeps_no_token(self, installed: Millrace, clone: Clone) -> None:
        assert installed("whoami", "--help").exit_code == 0
        assert "mlr_test" not in (clone.path / ".git/config").read_text()


@pytest.mark.usefixtures("installed")
class TestServerAway:
    @pytest.mark.parametrize(
        "answer", [Answer({"detail": "no"}, 401), Answer({"detail": "no"}, 500), Answer(b"\xff", 404)]
    )
    def test_that_refuses_stops_no_push(self, server: Server, clone: Clone, answer: Answer) -> None:
        server.on("POST", SYNC, answer)
        assert "millrace was not told" in clone.git("push", "origin", "main", check=False)
        assert clone.git("ls-remote", "origin", "main")

    def test_that_hangs_delays_a_push_by_seconds(self, clone: Clone) -> None:
        with create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            started = time.monotonic()
            said = clone.git("push", "origin", "main", env={"MILLRACE_URL": url}, check=False)
            assert time.monotonic() - started < 15
        assert "millrace was not told" in said
        assert clone.git("ls-remote", "origin", "main")

    def test_that_is_not_there_is_warned_about(self, clone: Clone) -> None:
        said = clone.git("push", "origin", "main", env={"MILLRACE_URL": "http://127.0.0.1:9"}, check=False)
        assert "No server answers" in said
        assert clone.git("ls-remote", "origin", "main")

    def test_nor_does_a_millrace_that_is_gone(self, clone: Clone) -> None:
        hook = clone.path / ".git/hooks/pre-push"
        hook.write_text(hook.read_text().replace("cli.main", "cli.gone"))
        clone.git("push", "origin", "main")
