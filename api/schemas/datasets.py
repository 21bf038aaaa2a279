"""Datasets, their versions, files and lineage as clients see them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import Dataset, DatasetVersion
from domain.datasets.queries import Use
from domain.datasets.specs import Name, PointerSource, Provenance, Source, VersionFormat
from domain.datasets.states import VersionState

# Postgres keeps no NUL in text.
Prose = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]
_PROVENANCE: TypeAdapter[Provenance] = TypeAdapter(Provenance)


class DatasetCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    description: Prose = ""


class DatasetUpdate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    description: Prose


class DatasetRead(BaseModel):
    """`versions` counts them, and is the number of the newest; `revision` is the ETag."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    description: str
    versions: int
    revision: int
    created_at: datetime
    created_by: str
    archived_at: datetime | None

    @classmethod
    def of(cls, dataset: Dataset) -> "DatasetRead":
        return cls.model_validate(dataset)


class VersionBuild(BaseModel):
    """Make a version from others (`recipe`), predictions (`traffic`), pushed bytes (`dvc`) or a repository (`git`)."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[Source | PointerSource, Field(discriminator="kind")]
    message: Prose = ""


class VersionRead(BaseModel):
    """`digest` is what DVC calls it; `rows` is null until its checks have run; `reasons` say why it is rejected.

    `size` is what its files come to. `stored_size` is what it added to the store: the bytes there, compressed, that
    hold what this version has and the one before it has not; null until that is compressed and measured.
    """

    id: str
    dataset: str
    number: int
    digest: str
    format: VersionFormat
    state: VersionState
    reasons: list[str]
    files: int
    size: int
    stored_size: int | None
    rows: int | None
    message: str
    source: Provenance
    created_at: datetime
    created_by: str
    deleted_at: datetime | None
    deleted_by: str | None

    @classmethod
    def of(cls, version: DatasetVersion) -> "VersionRead":
        return cls.model_validate(
            {
                **{name: getattr(version, name) for name in cls.model_fields if name not in {"dataset", "source"}},
                "dataset": version.dataset.name,
                "source": _PROVENANCE.validate_python(version.source),
            }
        )


class PinCreate(BaseModel):
    """Why the version has to stay."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")]


class PinRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    reason: str
    pinned_at: datetime
    pinned_by: str


class DatasetListed(DatasetRead):
    """A dataset with its newest version that is not deleted; null before the first."""

    newest: VersionRead | None

    @classmethod
    def beside(cls, newest: Mapping[str, DatasetVersion]) -> Callable[[Dataset], "DatasetListed"]:
        """Reads a dataset, with its version of `newest` (by the id of the dataset)."""

        def read(dataset: Dataset) -> "DatasetListed":
            version = newest.get(dataset.id)
            shown = None if version is None else VersionRead.of(version)
            return cls(**DatasetRead.of(dataset).model_dump(), newest=shown)

        return read


class FileRead(BaseModel):
    path: str
    md5: str
    size: int


class FilesWanted(BaseModel):
    """Paths of files of one version; all of them when absent."""

    model_config = ConfigDict(extra="forbid")

    paths: list[str] | None = Field(default=None, max_length=100_000)


class FilesRead(BaseModel):
    """The whole manifest, ordered by path."""

    items: list[FileRead]

    @staticmethod
    def as_json(entries: list[ManifestEntry]) -> bytes:
        """These files as the model says; written at once, since there may be a hundred thousand."""
        return orjson.dumps({"items": [{"path": one.path, "md5": one.md5, "size": one.size} for one in entries]})


class VersionLink(BaseModel):
    """A version that another one stands beside in lineage."""

    dataset: str
    number: int
    digest: str

    @classmethod
    def of(cls, version: DatasetVersion) -> "VersionLink":
        return cls(dataset=version.dataset.name, number=version.number, digest=version.digest)


class UseRead(BaseModel):
    """Something that was made with the version: `noun` is its kind (`run`), `id` its id."""

    model_config = ConfigDict(from_attributes=True)

    noun: str
    id: str

    @classmethod
    def of(cls, use: Use) -> "UseRead":
        return cls.model_validate(use)


class VersionLineage(BaseModel):
    """Where a version comes from and where it went."""

    version: VersionRead
    parents: list[VersionLink]
    children: list[VersionLink]
    uses: list[UseRead]
