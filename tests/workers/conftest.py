"""What the tests of repositories share: a clone that is registered, and its sync."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from adapters.settings import Settings
from domain.datasets import remote
from domain.jobs.models import Job
from tests.conftest import Drain
from tests.git_repositories import Clone, new_clone

Register = Callable[..., dict[str, Any]]
Sync = Callable[..., Job]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"git_allow_local": str(tmp_path / "repos"), "git_max_commits": 3})


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return new_clone(tmp_path / "repos" / "team")


@pytest.fixture
def register(client: httpx.Client, clone: Clone) -> Register:
    """Registers the clone, and a dataset `train`; gives what the API answers."""

    def post(**more: Any) -> dict[str, Any]:
        client.post("datasets", json={"name": "train"})
        body = {"name": "team", "address": str(clone.path), "pointers": {"data/train.csv.dvc": "train"}} | more
        answer = client.post("repositories", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return post


@pytest.fixture
def sync(client: httpx.Client, drain: Drain) -> Sync:
    def run(**body: Any) -> Job:
        assert client.post("repositories/team/sync", json=body).status_code == 202
        return next(job for job in reversed(drain()) if job.kind == "SyncRepository")

    return run


def push(runtime: Runtime, data: bytes, *, to: str = "train", listing: bool = False) -> str:
    """The MD5 of bytes that `dvc push` has brought to a dataset, or of a folder's listing."""
    digest = runtime.contents.put_listing(data) if listing else runtime.contents.add(data).md5
    with runtime.transaction() as session:
        place = remote.open_dataset(session, to)
        remote.record_push(session, dataset_id=place.id, digest=digest, size=len(data))
    return digest


def versions(client: httpx.Client, name: str = "train") -> list[dict[str, Any]]:
    """Oldest first."""
    found: list[dict[str, Any]] = client.get(f"datasets/{name}/versions").json()["items"]
    return found[::-1]


def events(client: httpx.Client, kind: str) -> list[dict[str, Any]]:
    return [event["payload"] for event in client.get("events", params={"type": kind}).json()["items"]][::-1]
