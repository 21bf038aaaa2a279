"""A sync takes over what was pushed: pointers become versions in the order of commits, code is remembered."""

import json

import httpx
import pytest

from adapters.runtime import Runtime
from domain.repositories import queries
from tests.conftest import ON_BOTH_DATABASES, Drain, SteppingClock
from tests.git_repositories import POINTER, Clone, digest_of
from tests.workers.conftest import Register, Sync, events, push, versions
from workers.handlers.repositories import look_for_pushed_objects
from workers.toolbox import Toolbox

ONE, TWO, THREE = b"a,b\n1,2\n", b"a,b\n1,2\n3,4\n", b"a,b\n5,6\n"


@ON_BOTH_DATABASES
class TestPointers:
    def test_become_versions_in_the_order_of_their_commits(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain, sync: Sync
    ) -> None:
        for data in (ONE, TWO, THREE):
            push(runtime, data)
        clone.point("data/train.csv.dvc", ONE, "first")
        register()
        drain()
        second = clone.point("data/train.csv.dvc", TWO, "second\n\nwith a body")
        clone.point("data/train.csv.dvc", THREE, "third")
        job = sync()
        assert job.state == "succeeded", job.error
        found = versions(client)
        assert [(one["number"], one["message"], one["state"]) for one in found] == [
            (1, "first", "validated"),
            (2, "second", "validated"),
            (3, "third", "validated"),
        ]
        assert found[1]["source"] == {
            "kind": "dvc",
            "path": "data/train.csv.dvc",
            "md5": digest_of(TWO),
            "repository": "team",
            "commit": second,
            "author": "Ada <ada@example.org>",
            "message": "second\n\nwith a body",
        }
        assert client.get("datasets/train/versions/2/content/train.csv").content == TWO
        (told,) = events(client, "RepositorySynced")[1:]
        assert (told["commits"], told["versions"]) == (2, ["train@2", "train@3"])

    def test_of_a_folder_become_a_version_of_its_files(
        self, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain
    ) -> None:
        files = {"a.txt": b"a", "b/c.txt": b"c"}
        rows = [{"md5": push(runtime, data), "relpath": path} for path, data in files.items()]
        listing = json.dumps(rows, sort_keys=True).encode()
        digest = push(runtime, listing, listing=True)
        clone.write("imgs.dvc", POINTER.format(md5=digest, size=2, name="imgs"))
        clone.commit("a folder")
        register(pointers={"imgs.dvc": "train"})
        drain()
        (version,) = versions(client)
        assert (version["files"], version["digest"]) == (2, digest)

    @pytest.mark.parametrize(
        ("config", "dataset"),
        [
            ("[core]\n    remote = m\n['remote \"m\"']\n    url = https://host.example/dvc/train\n", "train"),
            ("", "train"),  # by its own name
            ("['remote \"m\"']\n    url = https://host.example/dvc/train\n", "train"),
        ],
    )
    def test_without_a_mapping_go_where_their_remote_or_their_name_says(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain,
        config: str, dataset: str,
    ) -> None:  # fmt: skip
        push(runtime, ONE)
        clone.write(".dvc/config", config)
        clone.point("train.csv.dvc", ONE, "one")
        register(pointers={})
        drain()
        assert len(versions(client, dataset)) == 1

    def test_that_map_to_nothing_are_listed(
        self, client: httpx.Client, clone: Clone, register: Register, drain: Drain, sync: Sync
    ) -> None:
        clone.point("data/other.csv.dvc", ONE, "one")
        register()
        drain()
        report = client.get("repositories/team").json()["report"]
        assert (report["unmapped"], report["versions"]) == (["data/other.csv.dvc"], [])
        sync()  # nothing new: what was wrong stays to be read
        assert client.get("repositories/team").json()["report"] == report

    def test_mapped_later_are_found_then(
        self, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain
    ) -> None:
        push(runtime, ONE)
        clone.point("data/other.csv.dvc", ONE, "one")
        clone.commit("code", train_py="1")
        register()
        drain()
        changed = client.patch("repositories/team", json={"pointers": {"data/other.csv.dvc": "train"}})
        assert changed.status_code == 200
        drain()
        assert len(versions(client)) == 1
        assert events(client, "CodeChanged") == []

    def test_of_a_dataset_that_is_not_there_are_a_problem(
        self, client: httpx.Client, clone: Clone, register: Register, drain: Drain
    ) -> None:
        clone.point("a.csv.dvc", ONE, "one")
        register(pointers={"a.csv.dvc": "trian"})
        drain()
        (problem,) = client.get("repositories/team").json()["report"]["problems"]
        assert (problem["code"], problem["path"]) == ("unknown_dataset", "a.csv.dvc")

    def test_of_before_are_the_version_of_before(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain, sync: Sync
    ) -> None:
        for data in (ONE, TWO):
            push(runtime, data)
        clone.point("data/train.csv.dvc", ONE, "one")
        clone.point("data/train.csv.dvc", TWO, "two")
        register()
        drain()
        clone.point("data/train.csv.dvc", ONE, "back")
        job = sync()
        assert job.result is not None
        assert [(one["number"], one["created"]) for one in job.result["versions"]] == [(2, True)]
        clone.point("data/train.csv.dvc", TWO, "forth")
        job = sync()
        assert job.result is not None
        assert [(one["number"], one["created"]) for one in job.result["versions"]] == [(1, False)]


class TestWaiting:
    @ON_BOTH_DATABASES
    def test_pointers_without_their_bytes_wait_and_become_versions_when_these_come(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain,
        tools: Toolbox, clock: SteppingClock,
    ) -> None:  # fmt: skip
        commit = clone.point("data/train.csv.dvc", ONE, "one")
        register()
        drain()
        (waiting,) = client.get("repositories/team/waiting").json()["items"]
        assert (waiting["commit"], waiting["missing"], waiting["missing_count"]) == (commit, digest_of(ONE), 1)
        assert client.get("repositories/team").json()["waiting"] == 1
        assert [one["path"] for one in events(client, "PointerWaits")] == ["data/train.csv.dvc"]
        clock.advance(3)
        look_for_pushed_objects(tools)
        assert drain() == []
        push(runtime, ONE)
        clock.advance(3)
        look_for_pushed_objects(tools)
        drain()
        (version,) = versions(client)
        assert (version["source"]["commit"], version["message"]) == (commit, "one")
        assert client.get("repositories/team").json()["waiting"] == 0

    def test_what_waits_is_asked_for_more_and_more_rarely(
        self, *, client: httpx.Client, clone: Clone, register: Register, drain: Drain, tools: Toolbox,
        clock: SteppingClock,
    ) -> None:  # fmt: skip
        clone.point("data/train.csv.dvc", ONE, "one")
        register()
        drain()
        asked = 0
        for _ in range(300):  # ten minutes of ticks
            clock.advance(2)
            with tools.runtime.reading() as session:
                asked += len(queries.waiting_to_look_at(session, now=clock(), limit=10))
            look_for_pushed_objects(tools)
        assert 0 < asked < 30

    def test_an_older_pointer_gives_way_to_a_newer_one(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain, sync: Sync
    ) -> None:
        clone.point("data/train.csv.dvc", ONE, "one")
        register()
        drain()
        clone.point("data/train.csv.dvc", TWO, "two")
        push(runtime, TWO)
        sync()
        push(runtime, ONE)
        sync()
        assert [one["message"] for one in versions(client)] == ["two"]
        assert [one["reason"] for one in events(client, "PointerDropped")] == ["a newer pointer became a version"]

    def test_two_that_wait_become_versions_in_their_order(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain, sync: Sync
    ) -> None:
        clone.commit("empty")
        register()
        drain()
        clone.point("data/train.csv.dvc", ONE, "one")
        clone.point("data/train.csv.dvc", TWO, "two")
        sync()
        for data in (ONE, TWO):
            push(runtime, data)
        sync()
        assert [one["message"] for one in versions(client)] == ["one", "two"]

    def test_of_a_folder_whose_files_are_not_all_there_waits(
        self, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain
    ) -> None:
        here, absent = push(runtime, b"a"), digest_of(b"c")
        listing = json.dumps([{"md5": here, "relpath": "a"}, {"md5": absent, "relpath": "c"}]).encode()
        digest = push(runtime, listing, listing=True)
        clone.write("imgs.dvc", POINTER.format(md5=digest, size=2, name="imgs"))
        clone.commit("a folder")
        register(pointers={"imgs.dvc": "train"})
        drain()
        (waiting,) = client.get("repositories/team/waiting").json()["items"]
        assert (waiting["missing"], waiting["missing_count"]) == (absent, 1)

    def test_ends_when_the_pointer_is_removed(
        self, *, client: httpx.Client, clone: Clone, register: Register, drain: Drain, sync: Sync
    ) -> None:
        clone.point("data/train.csv.dvc", ONE, "one")
        register()
        drain()
        (clone.path / "data/train.csv.dvc").unlink()
        clone.commit("no more")
        sync()
        assert client.get("repositories/team").json()["waiting"] == 0
        assert [one["reason"] for one in events(client, "PointerDropped")] == ["the pointer was removed"]


@ON_BOTH_DATABASES
class TestCode:
    def test_that_changed_is_remembered_and_told_once(
        self, *, client: httpx.Client, clone: Clone, register: Register, drain: Drain, sync: Sync
    ) -> None:
        first = clone.commit("code", **{"train.py": "1", "README": "r"})
        register()
        drain()
        assert events(client, "CodeChanged") == []  # what was there when it was registered did not change
        clone.commit("more", **{"train.py": "2"})
        last = clone.commit("most", **{"lib/a.py": "3", ".dvc/config": "", ".gitignore": "x"})
        sync()
        sync()
        found = client.get("repositories/team/commits").json()["items"]
        assert [(one["message"], one["changed"], one["paths"]) for one in found] == [
            ("most", 1, ["lib/a.py"]),
            ("more", 1, ["train.py"]),
            ("code", 2, ["README", "train.py"]),
        ]
        assert found[-1]["commit"] == first
        (told,) = events(client, "CodeChanged")
        assert (told["commit"], told["commits"], told["paths"]) == (last, 2, ["train.py", "lib/a.py"])

    def test_is_not_what_dvc_writes(
        self, *, client: httpx.Client, clone: Clone, register: Register, drain: Drain, sync: Sync
    ) -> None:
        clone.commit("nothing")
        register()
        drain()
        clone.write(".gitignore", "/data/train.csv")
        clone.point("data/train.csv.dvc", ONE, "data")
        sync()
        assert client.get("repositories/team/commits").json()["items"] == []


class TestBranches:
    def test_are_followed_by_their_patterns(
        self, client: httpx.Client, clone: Clone, register: Register, drain: Drain
    ) -> None:
        clone.commit("one")
        for name in ("release/1", "release/2", "feature"):
            clone.git("branch", name)
        register(branches=["release/*", "nope"])
        drain()
        repository = client.get("repositories/team").json()
        assert [one["name"] for one in repository["read"]] == ["release/1", "release/2"]
        assert repository["report"]["notes"] == ["nope: there is no such branch"]

    def test_that_were_rewritten_are_read_on(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain, sync: Sync
    ) -> None:
        push(runtime, TWO)
        clone.commit("base")
        register()
        drain()
        clone.commit("to be dropped", **{"a.py": "1"})
        sync()
        clone.git("reset", "--quiet", "--hard", "HEAD~1")
        clone.point("data/train.csv.dvc", TWO, "instead")
        job = sync()
        assert job.result is not None
        assert job.result["notes"] == ["main: history was rewritten"]
        assert [one["message"] for one in versions(client)] == ["instead"]

    def test_that_went_back_are_read_from_there(
        self, clone: Clone, register: Register, drain: Drain, sync: Sync
    ) -> None:
        first = clone.commit("base")
        clone.commit("more")
        register()
        drain()
        clone.git("reset", "--quiet", "--hard", first)
        sync()
        job = sync()
        assert job.result is not None
        assert (job.result["commits"], job.result["notes"]) == (0, [])

    def test_that_are_gone_are_noted_and_may_come_back(
        self, *, client: httpx.Client, clone: Clone, register: Register, drain: Drain, sync: Sync
    ) -> None:
        clone.commit("one")
        clone.git("branch", "next")
        register(branches=["main", "next"])
        drain()
        clone.git("branch", "-D", "next")
        job = sync()
        assert job.result is not None
        assert job.result["notes"] == ["next: the branch is gone"]
        clone.git("branch", "next")
        sync()
        read = client.get("repositories/team").json()["read"]
        assert [(one["name"], one["gone_at"]) for one in read] == [("main", None), ("next", None)]

    def test_with_a_merge_are_read_along_their_own_line(
        self, client: httpx.Client, clone: Clone, register: Register, drain: Drain, sync: Sync
    ) -> None:
        clone.commit("base")
        register()
        drain()
        clone.git("checkout", "--quiet", "-b", "side")
        clone.commit("one aside", **{"a.py": "1"})
        clone.commit("two aside", **{"b.py": "1"})
        clone.git("checkout", "--quiet", "main")
        clone.git("merge", "--quiet", "--no-ff", "-m", "merged", "side")
        sync()
        found = client.get("repositories/team/commits").json()["items"]
        assert [(one["message"], one["paths"]) for one in found] == [("merged", ["a.py", "b.py"])]

    def test_with_many_new_commits_are_read_over_several_syncs(
        self, client: httpx.Client, clone: Clone, register: Register, drain: Drain
    ) -> None:
        clone.commit("base")
        register()
        drain()
        for number in range(7):
            clone.commit(f"c{number}", **{f"{number}.py": "1"})
        client.post("repositories/team/sync")
        assert [(job.result or {})["commits"] for job in drain()] == [3, 3, 1]
        found = client.get("repositories/team/commits").json()["items"]
        assert [one["message"] for one in found] == [f"c{number}" for number in range(6, -1, -1)]

    def test_the_mirror_of_a_repository_that_was_removed_goes_with_the_next_sync(
        self, client: httpx.Client, clone: Clone, register: Register, drain: Drain, tools: Toolbox
    ) -> None:
        clone.commit("one")
        register()
        drain()
        client.delete("repositories/team")
        register()
        drain()
        assert len([one for one in (tools.scratch / "repositories").iterdir() if one.is_dir()]) == 1

    def test_a_mirror_that_was_lost_is_made_anew(
        self, *, client: httpx.Client, clone: Clone, register: Register, runtime: Runtime, drain: Drain,
        sync: Sync, tools: Toolbox,
    ) -> None:  # fmt: skip
        push(runtime, ONE)
        clone.commit("one")
        register()
        drain()
        (mirror,) = [one for one in (tools.scratch / "repositories").iterdir() if one.is_dir()]
        (mirror / "HEAD").write_text("nonsense")
        for pack in (mirror / "objects").rglob("*"):
            if pack.is_file():
                pack.unlink()
        clone.point("data/train.csv.dvc", ONE, "two")
        assert sync().state == "succeeded"
        assert [one["message"] for one in versions(client)] == ["two"]
