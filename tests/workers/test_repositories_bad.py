"""What is wrong in a repository is told with its commit and its file, and keeps nothing else from its version."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from adapters.settings import Settings
from domain.jobs.models import Job
from tests.conftest import Drain, SteppingClock
from tests.git_repositories import POINTER, Clone, digest_of, new_clone
from tests.workers.conftest import push

ONE, TWO = b"a,b\n1,2\n", b"a,b\n3,4\n"
Follow = Callable[..., dict[str, Any]]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"git_allow_local": str(tmp_path / "repos"), "git_timeout_seconds": 20.0})


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return new_clone(tmp_path / "repos" / "team")


@pytest.fixture
def follow(client: httpx.Client, clone: Clone, runtime: Runtime, drain: Drain) -> Follow:
    """Registers the clone (once), syncs, and gives the repository as the API shows it."""
    for data in (ONE, TWO):
        push(runtime, data, to="good")

    def run(**more: Any) -> dict[str, Any]:
        client.post("datasets", json={"name": "good"})
        if client.get("repositories/team").status_code == 404:
            answer = client.post("repositories", json={"name": "team", "address": str(clone.path)} | more)
            assert answer.status_code == 201, answer.text
        else:
            client.post("repositories/team/sync")
        drain()
        found: dict[str, Any] = client.get("repositories/team").json()
        return found

    return run


GOOD = POINTER.format(md5=digest_of(ONE), size=len(ONE), name="good.csv")


class TestPointers:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("outs: [", "bad_pointer"),
            ("", "bad_pointer"),
            ("7", "bad_pointer"),
            ("outs: []", "bad_pointer"),
            ("outs:\n- md5: nope\n  path: x\n", "bad_pointer"),
            ("outs:\n- md5: {}\n  path: ../../x\n".format("0" * 32), "bad_pointer"),
            ("outs:\n- md5: {}\n  path: /etc/passwd\n".format("0" * 32), "bad_pointer"),
            ("x" * 70_000, "bad_pointer"),
            ("\x00\x01", "bad_pointer"),
        ],
    )
    def test_that_are_damaged_are_told_with_file_and_commit(
        self, client: httpx.Client, clone: Clone, follow: Follow, text: str, code: str
    ) -> None:
        clone.commit("base")
        follow()
        clone.write("bad.csv.dvc", text)
        bad = clone.commit("a bad one")
        clone.write("good.csv.dvc", GOOD)
        clone.commit("a good one")
        found = follow()
        (problem,) = found["report"]["problems"]
        assert (problem["path"], problem["commit"], problem["code"]) == ("bad.csv.dvc", bad, code)
        assert problem["message"]
        assert [one["dataset"] for one in found["report"]["versions"]] == ["good"]

    @pytest.mark.parametrize("target", ["/etc/passwd", "../../outside.dvc", "good.csv.dvc"])
    def test_that_are_links_are_refused(self, clone: Clone, follow: Follow, target: str) -> None:
        clone.write("good.csv.dvc", GOOD)
        (clone.path / "link.csv.dvc").symlink_to(target)
        clone.commit("a link")
        found = follow(pointers={"link.csv.dvc": "good", "good.csv.dvc": "good"})
        assert [(one["path"], one["code"]) for one in found["report"]["problems"]] == [("link.csv.dvc", "link_refused")]
        assert "symbolic link" in found["report"]["problems"][0]["message"]
        assert len(found["report"]["versions"]) == 1

    @pytest.mark.parametrize(
        "name", ["a\nb.dvc", "a\x1b[31m.dvc", "\u2044etc\u2044x.dvc", "a\\b.dvc", "\u202egood.dvc"]
    )
    def test_with_hostile_names_are_refused(
        self, client: httpx.Client, clone: Clone, follow: Follow, name: str
    ) -> None:
        clone.write(name, GOOD)
        clone.write("good.csv.dvc", GOOD)
        clone.commit("odd")
        found = follow()
        assert [one["code"] for one in found["report"]["problems"]] == ["bad_file_name"]
        assert len(found["report"]["versions"]) == 1
        clone.git("rm", "-q", "--", name)
        clone.commit("gone")
        assert follow()["error"] is None

    def test_with_names_that_are_not_utf8_are_refused(self, clone: Clone, follow: Follow) -> None:
        name = b"\xff\xfe.dvc".decode("utf-8", "surrogateescape")
        clone.write(name, GOOD)
        clone.write("good.csv.dvc", GOOD)
        clone.commit("odd")
        found = follow()
        assert [one["path"] for one in found["report"]["problems"]] == ["??.dvc"]
        assert len(found["report"]["versions"]) == 1

    def test_of_an_archived_dataset_are_a_problem(self, client: httpx.Client, clone: Clone, follow: Follow) -> None:
        client.post("datasets", json={"name": "old"})
        client.delete("datasets/old")
        clone.write("x.csv.dvc", GOOD)
        clone.write("good.csv.dvc", GOOD)
        clone.commit("both")
        found = follow(pointers={"x.csv.dvc": "old"})
        assert [(one["path"], one["code"]) for one in found["report"]["problems"]] == [
            ("x.csv.dvc", "dataset_archived")
        ]
        assert len(found["report"]["versions"]) == 1

    def test_a_config_that_is_a_link_is_not_read(self, clone: Clone, follow: Follow, tmp_path: Path) -> None:
        (tmp_path / "config").write_text("[core]\nremote=m\n['remote \"m\"']\nurl=https://h.example/dvc/good\n")
        (clone.path / ".dvc").mkdir()
        (clone.path / ".dvc/config").symlink_to(tmp_path / "config")
        clone.write("x.csv.dvc", GOOD)
        clone.commit("a link")
        assert follow()["report"]["unmapped"] == ["x.csv.dvc"]


class TestRemote:
    def job(self, drain: Drain, clock: SteppingClock) -> Job:
        """The sync as it ended for good."""
        while (job := drain()[-1]).state == "queued":
            clock.advance(400)
        return job

    def test_that_is_away_is_tried_again_and_told(
        self, client: httpx.Client, clone: Clone, follow: Follow, drain: Drain, clock: SteppingClock
    ) -> None:
        clone.commit("base")
        follow()
        clone.path.rename(clone.path.with_name("elsewhere"))
        client.post("repositories/team/sync")
        job = self.job(drain, clock)
        assert (job.state, job.attempt, (job.error or {})["code"]) == ("failed", 6, "git_remote_away")
        assert "cannot be read" in client.get("repositories/team").json()["error"]
        clone.path.with_name("elsewhere").rename(clone.path)
        assert follow()["error"] is None

    def test_that_became_a_link_out_is_refused(
        self, client: httpx.Client, clone: Clone, follow: Follow, drain: Drain, tmp_path: Path
    ) -> None:
        clone.commit("base")
        follow()
        clone.path.rename(tmp_path / "outside")
        clone.path.symlink_to(tmp_path / "outside")
        client.post("repositories/team/sync")
        (job,) = drain()
        assert (job.state, (job.error or {})["code"]) == ("failed", "git_address_refused")

    def test_that_is_empty_is_noted(self, clone: Clone, follow: Follow) -> None:
        assert follow()["report"]["notes"] == ["no branch is followed: name one that is there"]

    @pytest.mark.parametrize(
        ("address", "status", "code"),
        [
            *(("/etc", 403, "git_address_refused"), ("file:///etc", 403, "git_address_refused")),
            *(("https://127.0.0.1/x", 403, "git_address_refused"), ("https://[::1]/x", 403, "git_address_refused")),
            *(("git@10.0.0.1:x", 403, "git_address_refused"), ("http://forge.example/x", 403, "git_address_refused")),
            *(("ext::sh -c id", 422, "bad_git_address"), ("--upload-pack=id", 422, "bad_git_address")),
            *(("https://a:b@forge.example/x", 422, "bad_git_address"), ("", 422, "bad_git_address")),
        ],
    )
    def test_that_may_not_be_read_is_not_registered(
        self, client: httpx.Client, address: str, status: int, code: str
    ) -> None:
        answer = client.post("repositories", json={"name": "team", "address": address})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert client.get("repositories").json()["items"] == []
