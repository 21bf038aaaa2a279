"""What a dataset version looks like as plain values: sources, schema, profile and diff."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ColumnType = Literal["integer", "number", "string", "boolean", "datetime"]
TableFormat = Literal["csv", "parquet", "jsonl"]
VersionFormat = Literal["csv", "parquet", "jsonl", "folder"]
TABLE_SUFFIXES: dict[str, TableFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
VersionRef = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(@[1-9][0-9]*)?$")]

# Ten years: longer waits are typing errors, and some are more than a clock can add.
LONGEST_SECONDS = 10 * 365 * 86_400


class Spec(BaseModel):
    """Base of all specs: unknown keys are refused, so that a typo is an error with a location."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def as_json(self) -> dict[str, Any]:
        """The spec as the database keeps it: NaN and infinities, which JSON does not have, are null."""
        value: dict[str, Any] = json.loads(self.model_dump_json())
        return value


class RecipeSource(Spec):
    """Rows of validated versions, one below the other, then filtered and de-duplicated.

    A reference is `name` (its newest validated version when the job starts) or `name@number`.
    """

    kind: Literal["recipe"] = "recipe"
    concat: list[VersionRef] = Field(min_length=1)
    where: str | None = Field(default=None, description="A Polars SQL expression; rows where it holds are kept.")
    unique: list[str] = Field(default=[], description="Columns that identify a row; the last one wins.")


class TrafficSource(Spec):
    """Recorded predictions of an endpoint joined with their ground truth: inputs, target, id and time."""

    kind: Literal["traffic"] = "traffic"
    endpoint: Name
    target: str = Field(min_length=1, max_length=200, description="The column that takes the ground truth.")
    last_rows: int | None = Field(default=None, ge=1, description="Only the newest labelled rows.")


class DvcSource(Spec):
    """A `.dvc` pointer, as a version remembers it: `path` and `md5` are its own, the rest is where Git had it."""

    kind: Literal["dvc"] = "dvc"
    path: str
    md5: str
    repository: str | None = None
    commit: str | None = None
    author: str | None = None
    message: str | None = Field(default=None, description="The message of the commit.")


class GitSource(Spec):
    """A file or a folder of a Git repository, tracked by Git or by DVC with a remote of its own."""

    kind: Literal["git"] = "git"
    git: str = Field(min_length=1, max_length=1_000, description="A registered repository's name, or an address.")
    rev: str = Field(
        default="HEAD", max_length=200, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./+-]*$", description="Branch, tag or commit."
    )
    path: str = Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f\\]+$")


class GitImport(GitSource):
    """A `git` source as a version remembers it: what `rev` meant then, and who made that commit."""

    url: str
    commit: str
    author: str
    message: str


class UploadSource(Spec):
    """Files that somebody sent."""

    kind: Literal["upload"] = "upload"


Source = Annotated[RecipeSource | TrafficSource | GitSource, Field(discriminator="kind")]
Provenance = Annotated[UploadSource | RecipeSource | TrafficSource | DvcSource | GitImport, Field(discriminator="kind")]


class Bin(Spec):
    """One bar of a histogram: `low <= x < high` (the last bin includes `high`)."""

    low: float
    high: float
    count: int


class TopValue(Spec):
    value: str
    count: int


class ColumnProfile(Spec):
    """Facts about one column. Numbers carry quantiles and a histogram; other types carry top values."""

    name: str
    type: ColumnType
    nulls: int
    distinct: int
    minimum: float | str | None = None
    maximum: float | str | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: dict[str, float] = Field(
        default={}, description='Keys "0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99".'
    )
    histogram: list[Bin] = []
    top: list[TopValue] = []


class TableProfile(Spec):
    rows: int
    columns: list[ColumnProfile]


class ColumnShift(Spec):
    """How far a column moved between two versions; `psi` as in monitoring, `None` where it cannot be said."""

    name: str
    psi: float | None = None
    js: float | None = None
    mean_before: float | None = None
    mean_after: float | None = None
    nulls_before: int
    nulls_after: int


class VersionDiff(Spec):
    """Two versions of a table compared: `before` is the version named by `against`."""

    before: int
    after: int
    rows_before: int
    rows_after: int
    rows_added: int = Field(description="Whole rows that are in `after` and not in `before` (as a multiset).")
    rows_removed: int
    columns_added: list[str]
    columns_removed: list[str]
    columns_retyped: dict[str, tuple[ColumnType, ColumnType]]
    shifts: list[ColumnShift]
