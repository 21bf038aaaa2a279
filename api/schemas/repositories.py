"""Repositories, the code seen in them and the pointers that wait, as clients see them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from domain.datasets.specs import Name
from domain.repositories.models import Repository, RepositoryBranch
from domain.repositories.specs import BranchPattern, Commit, PointerPath, SyncReport

Branches = Annotated[
    list[BranchPattern],
    Field(max_length=50, description="Names, or patterns as `release/*`; none: the default branch."),
]
Pointers = Annotated[
    dict[PointerPath, Name],
    Field(
        max_length=1_000,
        description="Paths of `.dvc` files and their datasets. Others go to the dataset that their DVC remote ends in, "
        "`/dvc/NAME`, or to the one that is called as they are.",
    ),
]


class RepositoryCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    address: str = Field(
        max_length=1_000, description="https, ssh, or a path of the server's machine that it may read."
    )
    branches: Branches = []
    pointers: Pointers = {}


class RepositoryUpdate(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="forbid")

    branches: Branches | None = None
    pointers: Pointers | None = None


class BranchRead(BaseModel):
    """How far a branch has been read; `gone_at` when it is not there any more."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    commit: str
    read_at: datetime
    gone_at: datetime | None


class RepositoryRead(BaseModel):
    """`report` is what the last sync came to, `error` why one failed since; `waiting` counts pointers without bytes."""

    name: str
    address: str
    local: bool
    branches: list[str]
    default_branch: str | None
    pointers: dict[str, str]
    read: list[BranchRead]
    waiting: int
    report: SyncReport | None
    error: str | None
    sync_job_id: str | None
    synced_at: datetime | None
    revision: int
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, repository: Repository, branches: list[RepositoryBranch], waiting: int) -> "RepositoryRead":
        known = {"local", "read", "waiting"}
        return cls.model_validate(
            {
                **{name: getattr(repository, name) for name in cls.model_fields if name not in known},
                "local": repository.address.startswith("/"),
                "read": [BranchRead.model_validate(branch) for branch in branches],
                "waiting": waiting,
            }
        )


class SecretRead(BaseModel):
    """The secret for the repository's webhook: in this answer and nowhere else. `hook_path` is where it sends to."""

    name: str
    secret: str
    hook_path: str = "/hooks/git/{github|gitlab}"


class RepositoryCreated(RepositoryRead):
    """Has the webhook's secret, which is shown this once."""

    secret: str


class SyncRequest(BaseModel):
    """`branch` and `commit` (null: the branch will be gone) announce a push: it is waited for up to two minutes.

    `rescan` looks at every pointer again, also those that were looked at.
    """

    model_config = ConfigDict(extra="forbid")

    branch: BranchPattern | None = None
    commit: Commit | None = None
    rescan: bool = False


class CodeVersionRead(BaseModel):
    """A commit that changed code. `paths` are (at most 500 of) the `changed` files."""

    model_config = ConfigDict(from_attributes=True)

    branch: str
    commit: str
    author: str
    message: str
    changed: int
    paths: list[str]
    committed_at: datetime
    recorded_at: datetime


class WaitingRead(BaseModel):
    """A pointer that becomes a version once its objects are pushed; `missing` is one of the `missing_count`."""

    model_config = ConfigDict(from_attributes=True)

    branch: str
    path: str
    commit: str
    author: str
    message: str
    dataset: str
    md5: str
    missing: str
    missing_count: int
    since: datetime


class HookAnswer(BaseModel):
    """What became of a delivery: `queued` with the sync's job, or `ignored` and why."""

    status: str
    reason: str | None = None
    job_id: str | None = None
