"""The check of the API's description over real git repositories: what it compares with, what it prints, how it ends."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from api.openapi_check import INTENDED, SNAPSHOT, main

GONE = "The problem code `ride_exists` is gone."


def describe(*codes: str) -> dict[str, Any]:
    answers = {"200": {}, "409": {"x-problem-codes": codes}}
    return {"paths": {"/rides": {"get": {"operationId": "list_rides", "responses": answers}}}}


class Project:
    """A git repository with a description in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "api").mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.mean("# What is meant.\n")

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
        subprocess.run(["git", *who, *arguments], cwd=self.root, check=True, capture_output=True)

    def write(self, *codes: str) -> None:
        (self.root / SNAPSHOT).write_text(json.dumps(describe(*codes)))

    def mean(self, text: str) -> None:
        (self.root / INTENDED).write_text(text)

    def commit(self, *codes: str) -> None:
        self.write(*codes)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "m")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.commit("conflict", "ride_exists")
    return made


class TestBase:
    def test_is_where_the_branch_left_main(self, project: Project) -> None:
        project.git("switch", "--quiet", "--create", "rides")
        project.commit("conflict")
        project.commit("conflict")
        assert main([], project.root) == 1

    def test_is_not_what_main_came_to_since(self, project: Project) -> None:
        project.git("switch", "--quiet", "--create", "rides")
        project.commit("conflict", "ride_exists", "gone")
        project.git("switch", "--quiet", "main")
        project.commit("conflict", "ride_exists", "new")
        project.git("switch", "--quiet", "rides")
        assert main([], project.root) == 0

    def test_is_main_as_it_was_fetched_for_commits_that_are_not_pushed(self, project: Project, tmp_path: Path) -> None:
        project.git("update-ref", "refs/remotes/origin/main", "main")
        project.commit("conflict")
        project.commit("conflict")
        assert main([], project.root) == 1

    def test_is_the_last_commit_for_what_is_not_committed(self, project: Project) -> None:
        project.write("conflict")
        assert main([], project.root) == 1

    def test_is_the_commit_before_on_main(self, project: Project) -> None:
        project.commit("conflict")
        assert main([], project.root) == 1

    def test_is_the_one_that_is_named(self, project: Project) -> None:
        project.git("tag", "v1")
        project.commit("conflict")
        project.commit("conflict")
        assert main([], project.root) == 0
        assert main(["v1"], project.root) == 1

    def test_that_is_not_there_is_a_mistake(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["v9"], project.root) == 2
        assert "There is no 'v9' in git. Fetch it" in capsys.readouterr().err

    def test_is_none_in_a_clone_without_history(
        self, project: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        project.commit("conflict")
        shallow = tmp_path / "shallow"
        project.git("clone", "--quiet", "--depth=1", f"file://{project.root}", str(shallow))
        assert main([], shallow) == 0
        assert capsys.readouterr().out.startswith("Nothing was checked")

    def test_is_none_outside_git_and_before_the_first_description(
        self, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bare = tmp_path_factory.mktemp("bare")
        (bare / "api").mkdir()
        (bare / SNAPSHOT).write_text("{}")
        (bare / INTENDED).write_text("")
        assert main([], bare) == 0
        assert capsys.readouterr().out.startswith("Nothing was checked")


class TestBreaks:
    def test_are_printed_with_what_to_do_and_the_line_to_record(
        self, project: Project, capsys: pytest.CaptureFixture[str]
    ) -> None:
        project.write("conflict")
        assert main([], project.root) == 1
        printed = capsys.readouterr().out
        assert f"\n{GONE}\n    Codes are for programs" in printed
        assert f"\n{GONE} # because" in printed

    def test_that_are_meant_pass_with_their_reason(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        project.write("conflict")
        project.mean(f"# What is meant.\n\n{GONE} # rides may have one name now\n")
        assert main([], project.root) == 0
        assert "but 1 that is meant" in capsys.readouterr().out

    def test_that_are_meant_let_no_other_pass(self, project: Project) -> None:
        project.mean(f"{GONE} # rides may have one name now\n")
        project.write()
        assert main([], project.root) == 1

    def test_are_not_meant_without_a_reason(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        project.write("conflict")
        project.mean(f"{GONE}\n")
        assert main([], project.root) == 2
        assert f"{INTENDED}, line 1: say why" in capsys.readouterr().err
