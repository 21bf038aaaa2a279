"""The commit that a training is sent with."""

import subprocess
from pathlib import Path

from cli.code import code_commit


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_names_the_commit_of_the_clone_around_the_folder(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "one")
    inside = tmp_path / "specs"
    inside.mkdir()
    assert code_commit(inside) == git(tmp_path, "rev-parse", "HEAD")


def test_names_none_before_the_first_commit_and_outside_of_a_clone(tmp_path: Path) -> None:
    assert code_commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert code_commit(tmp_path) is None
