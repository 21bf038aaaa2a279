"""What a dataset version looks like as plain values: sources, schema, profile and diff."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from domain.datasets.recipes import BuiltRecipe, RecipeSource
from domain.datasets.spec import NAME_PATTERN, ColumnType, Name, PinnedRef, Spec, VersionRef
from domain.errors import Invalid

# Defined below this module, read from here by everybody else.
__all__ = ["NAME_PATTERN", "BuiltRecipe", "ColumnType", "Name", "PinnedRef", "RecipeSource", "Spec", "VersionRef"]

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

# Ten years: longer waits are typing errors, and some are more than a clock can add.
LONGEST_SECONDS = 10 * 365 * 86_400


class TrafficSource(Spec):
    """Recorded predictions of an endpoint joined with their ground truth: inputs, target, id and time."""

    kind: Literal["traffic"] = "traffic"
    endpoint: Name
    target: str = Field(min_length=1, max_length=200, description="The column that takes the ground truth.")
    last_rows: int | None = Field(default=None, ge=1, description="Only the newest labelled rows.")


class PointerSource(Spec):
    """Bytes that `dvc push` has sent to the dataset's remote, named by the `.dvc` file that points to them."""

    kind: Literal["dvc"] = "dvc"
    pointer: str = Field(min_length=1, max_length=2**16, description="The text of the `.dvc` file.")


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


class QuarantineSource(Spec):
    """The rows of a version that its row checks pass, or those that they do not, as a report has it."""

    kind: Literal["quarantine"] = "quarantine"
    version: PinnedRef
    report_id: str
    part: Literal["clean", "failing"]
    failing: dict[str, int] = Field(description="Rows that failed each check, by its name.")


class BatchPredictionSource(Spec):
    """Every row of a version with a model's answers; `batch_id` and `job_id` say what was asked and how it went."""

    kind: Literal["batch_prediction"] = "batch_prediction"
    version: PinnedRef
    model: PinnedRef
    package: str = Field(description="SHA-256 digest of the model's package.")
    endpoint: Name | None = Field(default=None, description="The endpoint whose live version it was, if one was named.")
    batch_id: str
    job_id: str
    bad_rows: int = Field(description="Rows that the model did not take, and that have null for an answer.")


Source = Annotated[RecipeSource | TrafficSource | GitSource, Field(discriminator="kind")]
Provenance = Annotated[
    UploadSource | BuiltRecipe | TrafficSource | QuarantineSource | BatchPredictionSource | DvcSource | GitImport,
    Field(discriminator="kind"),
]


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


class UnknownKeyColumn(Invalid):
    """Rows cannot be told apart by a column that one of the versions does not have."""

    code = "unknown_key_column"


def refuse_unknown_key(key: Iterable[str], before: tuple[int, list[str]], after: tuple[int, list[str]]) -> None:
    """Both versions, each given as its number and its columns, must have every column of the key."""
    for number, columns in (before, after):
        for name in key:
            if name not in columns:
                shared = [column for column in before[1] if column in after[1]]
                raise UnknownKeyColumn(
                    f"Version {number} has no column {name!r}.",
                    where="key",
                    fix=f"Both versions have {', '.join(map(repr, shared[:20]))}." if shared else None,
                )


class ChangedRow(Spec):
    """A row that both versions have: its key, and the values of the columns that differ, in the one and the other."""

    key: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]


class VersionDiff(Spec):
    """Two versions of a table compared: `before` is the version named by `against`.

    With a `key`, rows that have the same values in these columns are one row, which may have changed. Without one, a
    changed row is one that was removed and one that was added. Of each kind of row the first ten are shown.
    """

    before: int
    after: int
    rows_before: int
    rows_after: int
    key: list[str] = []
    rows_added: int = Field(description="Without a key: whole rows in `after` and not in `before` (as a multiset).")
    rows_removed: int
    rows_changed: int = 0
    changes: dict[str, int] = Field(default={}, description="By column, in how many of the changed rows it differs.")
    added: list[dict[str, Any]] = []
    removed: list[dict[str, Any]] = []
    changed: list[ChangedRow] = []
    columns_added: list[str]
    columns_removed: list[str]
    columns_retyped: dict[str, tuple[ColumnType, ColumnType]]
    shifts: list[ColumnShift]
