"""Datasets and their versions: push, look, pull."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from millrace import downloads, uploads
from millrace.errors import Problem
from millrace.html import page, size, table
from millrace.http import answer, as_written
from millrace.jobs import settle
from millrace.progress import bytes_bar
from millrace.rest.api.data_checks import get_check_report, put_check_suite
from millrace.rest.api.datasets import (
    create_dataset,
    get_dataset,
    get_dataset_profile,
    get_dataset_version,
    list_dataset_versions,
    list_datasets,
)
from millrace.rest.models import (
    CheckReportRead,
    CheckSuite,
    DatasetCreate,
    DatasetRead,
    FileRead,
    TableProfile,
    VersionRead,
)
from millrace.rest.types import UNSET
from millrace.things import Thing, near

if TYPE_CHECKING:
    from millrace.client import Client


class Dataset(Thing[DatasetRead]):
    """A dataset by its name."""

    def __init__(self, client: Client, name: str) -> None:
        super().__init__(client)
        self.name = name

    def __repr__(self) -> str:
        return f"<millrace.Dataset {self.name}>"

    def _repr_html_(self) -> str:
        facts = {"description": self.data.description, "created": self.data.created_at, "by": self.data.created_by}
        rows = [
            (one.data.number, one.data.state, one.data.rows, size(one.data.size), one.data.message, one.data.created_at)
            for one in self.versions(limit=10)
        ]
        return page(f"Dataset {self.name}", facts, table(["n", "state", "rows", "size", "message", "created"], rows))

    def _read(self) -> DatasetRead:
        with self._known():
            return answer(get_dataset.sync(self.name, client=self.client.api))

    def push(self, path: str | Path, *, message: str = "") -> Version:
        """Upload a file or a folder as the next version; makes the dataset. The same content is the same version.

        Its checks start by themselves: `version.wait()` waits for them.
        """
        files = uploads.files_under(Path(path))
        versions = self._ensure().versions
        with bytes_bar("sending", sum(file.size for file in files), shown=self.client.progress) as on_bytes:
            pushed = uploads.push(
                self.client, self.name, files, message=message, has_versions=versions > 0, on_bytes=on_bytes
            )
        return Version(self, pushed.number, pushed)

    def versions(self, *, limit: int = 100) -> list[Version]:
        """At most so many, the newest first."""
        found: list[Version] = []
        cursor: str | None = None
        while len(found) < limit:
            with self._known():
                rows = answer(
                    list_dataset_versions.sync(
                        self.name,
                        client=self.client.api,
                        limit=min(limit - len(found), 100),
                        cursor=cursor or UNSET,
                    )
                )
            found += [Version(self, row.number, row) for row in rows.items]
            cursor = rows.next_cursor
            if cursor is None:
                break
        return found

    def version(self, number: int | None = None) -> Version:
        """One version: the newest, unless another is named."""
        with self._known():
            wanted = "latest" if number is None else str(number)
            found = answer(get_dataset_version.sync(self.name, wanted, client=self.client.api))
        return Version(self, found.number, found)

    def check_with(self, checks: list[dict[str, object]]) -> Self:
        """Set the check suite: what each version must show, as `{"check": "not_null", "columns": ["cnt"]}`."""
        self._ensure()
        suite = as_written(CheckSuite, {"checks": checks})
        answer(put_check_suite.sync(self.name, client=self.client.api, body=suite))
        return self

    def _ensure(self) -> DatasetRead:
        try:
            return answer(get_dataset.sync(self.name, client=self.client.api))
        except Problem as problem:
            if problem.status != 404:
                raise
        return answer(create_dataset.sync(client=self.client.api, body=DatasetCreate(name=self.name)))

    @contextmanager
    def _known(self) -> Iterator[None]:
        with near("datasets", self.name, lambda: names(self.client)):
            yield


def names(client: Client) -> list[str]:
    """Names of the newest datasets."""
    return [one.name for one in answer(list_datasets.sync(client=client.api, limit=100)).items]


class Version(Thing[VersionRead]):
    """One version of a dataset; `state` is registered until its checks have run, then validated or rejected."""

    def __init__(self, dataset: Dataset, number: int, data: VersionRead) -> None:
        super().__init__(dataset.client, data)
        self.number = number
        self.ref = f"{dataset.name}@{number}"
        self._dataset = dataset.name

    def __repr__(self) -> str:
        return f"<millrace.Version {self.ref} {self.data.state}>"

    def _repr_html_(self) -> str:
        facts = {
            "state": self.data.state,
            "because": self.data.reasons,
            "rows": self.data.rows,
            "files": self.data.files,
            "size": size(self.data.size),
            "message": self.data.message,
            "digest": self.data.digest,
            "created": self.data.created_at,
            "by": self.data.created_by,
        }
        return page(f"Dataset version {self.ref}", facts)

    def _read(self) -> VersionRead:
        return answer(get_dataset_version.sync(self._dataset, str(self.number), client=self.client.api))

    def wait(self) -> Self:
        """Wait for its checks. A version they reject is an answer: look at `state` and `reasons`."""
        settle(self.client, f"datasets/{self._dataset}/versions/{self.number}")
        return self.refresh()

    def files(self) -> list[FileRead]:
        """Path, MD5 and size of each."""
        return uploads.manifest(self.client, self._dataset, str(self.number))

    def profile(self) -> TableProfile:
        """What is in the columns: types, nulls, quantiles, histograms."""
        return answer(get_dataset_profile.sync(self._dataset, str(self.number), client=self.client.api))

    def checks(self) -> CheckReportRead:
        """The newest report of its checks; a `Problem` while they wait or run."""
        return answer(get_check_report.sync(self._dataset, str(self.number), client=self.client.api))

    def pull(self, folder: str | Path) -> Path:
        """Bring the folder to this version. Files that it has already are not fetched, others in it stay."""
        place = Path(folder)
        files = downloads.wanted(place, self.files())
        if files:
            with bytes_bar("receiving", sum(file.size for file in files), shown=self.client.progress) as on_bytes:
                downloads.fetch(self.client, self._dataset, self.number, place, files, on_bytes=on_bytes)
        return place
