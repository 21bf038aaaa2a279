"""Values of repositories: what a person registers, what a sync found in a commit, and what it came to."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.datasets.specs import Name, Spec


def _branch(value: str) -> str:
    """As git allows them, and `*` and `?` for patterns."""
    odd = re.search(r"[\x00-\x20\x7f~^:\\]|\.\.|//|@\{", value)
    if odd or value.startswith(("-", "/", ".")) or value.endswith(("/", ".", ".lock")):
        raise ValueError("this cannot be the name of a branch")
    return value


def _pointer(value: str) -> str:
    if not value.isprintable() or "\\" in value or any(part in {"", ".", ".."} for part in value.split("/")):
        raise ValueError("this is no path inside a repository")
    if not value.endswith(".dvc"):
        raise ValueError("a pointer's name ends in .dvc")
    return value


BranchPattern = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_branch)]
PointerPath = Annotated[str, Field(max_length=512), AfterValidator(_pointer)]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]

MAX_LISTED = 200
MAX_PATHS = 500


class CommitFacts(Spec):
    """A commit of a followed branch, as Git has it; `paths` are (at most 500 of) the `changed` code files."""

    branch: str
    commit: str
    author: str
    message: str
    committed_at: float
    changed: int = 0
    paths: list[str] = []


class PointerFacts(Spec):
    """A pointer as it stands in a commit; `text` is the file."""

    path: str
    dataset: str
    md5: str
    text: str


class Expectation(Spec):
    """A push that was announced at `asked_at` (Unix seconds): the branch will have this commit; None: be gone."""

    branch: str
    commit: str | None
    asked_at: float


class SyncVersion(Spec):
    """A version that a pointer in a commit stands for; `created` is false when its content was known before."""

    path: str
    commit: str
    dataset: Name
    number: int
    created: bool


class SyncProblem(Spec):
    """Something in a commit that no version came of, and why."""

    branch: str
    commit: str
    path: str
    code: str
    message: str


class SyncReport(Spec):
    """What a sync came to. Lists end after 200 entries."""

    commits: int = 0
    branches: dict[str, str] = {}
    versions: list[SyncVersion] = []
    waiting: int = 0
    unmapped: list[str] = Field(default=[], description="Pointers that belong to no dataset.")
    problems: list[SyncProblem] = []
    notes: list[str] = []
