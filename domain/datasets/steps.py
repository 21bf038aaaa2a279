"""The steps of recipes as data. `ml.recipes` carries them out; a step that learns from rows says so (`learns`)."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from domain.datasets.spec import ColumnType, Spec, VersionRef

ColumnName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


def _distinct(names: list[str]) -> list[str]:
    if repeated := sorted({name for name, count in Counter(names).items() if count > 1}):
        raise ValueError(f"{repeated[0]!r} is named more than once")
    return names


ColumnNames = Annotated[list[ColumnName], AfterValidator(_distinct)]
# Text without NUL, which Postgres cannot keep, and integers that a column can hold.
Text = Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")]
Integer = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Scalar = Text | Integer | float | bool
Sql = Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]
Share = Annotated[float, Field(ge=0, le=1)]


class _Step(Spec):
    model_config = ConfigDict(allow_inf_nan=False)

    @property
    def learns(self) -> bool:
        """Whether the step takes numbers from the rows it sees, which then reach other rows."""
        return False


class _ColumnStep(_Step):
    """A step that treats each of its columns alike: `column: age`, or `columns: [age, fare]`."""

    column: ColumnName | None = None
    columns: ColumnNames | None = Field(default=None, min_length=1, max_length=10_000)

    @model_validator(mode="after")
    def _one_or_many(self) -> "_ColumnStep":
        if (self.column is None) == (self.columns is None):
            raise ValueError("give column or columns")
        return self

    @property
    def named(self) -> list[tuple[str, str]]:
        """Each column with the place of its name in the step."""
        if self.column is not None:
            return [("column", self.column)]
        return [(f"columns.{place}", name) for place, name in enumerate(self.columns or [])]


class DropDuplicatesStep(_Step):
    """One row for each key (the whole row when there are no `keys`); `none` keeps no row of a repeated key."""

    step: Literal["drop_duplicates"] = "drop_duplicates"
    keys: ColumnNames = []
    keep: Literal["first", "last", "none"] = "first"


class FilterStep(_Step):
    """Rows for which the SQL condition holds."""

    step: Literal["filter"] = "filter"
    where: Sql


class SampleStep(_Step):
    """So many rows, or this share of them, drawn by the seed; they stay in their order."""

    step: Literal["sample"] = "sample"
    rows: int | None = Field(default=None, ge=1, lt=2**40)
    share: float | None = Field(default=None, gt=0, lt=1)
    seed: int = Field(default=0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _rows_or_share(self) -> "SampleStep":
        if (self.rows is None) == (self.share is None):
            raise ValueError("give rows or share")
        return self


class RenameStep(_Step):
    """New names by the old ones."""

    step: Literal["rename"] = "rename"
    names: dict[ColumnName, ColumnName] = Field(min_length=1)


class SelectStep(_Step):
    """These columns, in this order, and no others."""

    step: Literal["select"] = "select"
    columns: ColumnNames = Field(min_length=1)


class DropStep(_Step):
    """All columns but these."""

    step: Literal["drop"] = "drop"
    columns: ColumnNames = Field(min_length=1)


class DeriveStep(_Step):
    """A column by a Polars SQL expression over the columns of its row; one that exists is replaced."""

    step: Literal["derive"] = "derive"
    name: ColumnName
    expression: Sql


class CastStep(_ColumnStep):
    """Another type. A value that has no meaning in it fails the step, or becomes null."""

    step: Literal["cast"] = "cast"
    to: ColumnType
    invalid: Literal["refuse", "null"] = "refuse"


class ParseDatesStep(_ColumnStep):
    """Text as times: in one of the formats (as strptime), the first that fits; ISO 8601 without one."""

    step: Literal["parse_dates"] = "parse_dates"
    format: Text | list[Text] | None = None
    invalid: Literal["refuse", "null"] = "refuse"

    @property
    def formats(self) -> list[str]:
        return [self.format] if isinstance(self.format, str) else self.format or []


class FillStep(_ColumnStep):
    """A value where there is none: a constant, the column's mean, median or mode, or that of the row before."""

    step: Literal["fill"] = "fill"
    method: Literal["constant", "mean", "median", "mode", "forward"] = "constant"
    value: Scalar | None = None

    @model_validator(mode="after")
    def _value_of_a_constant(self) -> "FillStep":
        if (self.method == "constant") != (self.value is not None):
            raise ValueError(
                "a constant needs a value" if self.method == "constant" else f"{self.method} takes no value"
            )
        return self

    @property
    def learns(self) -> bool:
        return self.method in {"mean", "median", "mode"}


class ClipStep(_ColumnStep):
    """Numbers brought within bounds: given ones, or the column's own quantiles."""

    step: Literal["clip"] = "clip"
    min: float | None = None
    max: float | None = None
    quantiles: tuple[Share, Share] | None = Field(default=None, description="Shares of rows, such as [0.01, 0.99].")

    @model_validator(mode="after")
    def _bounds_or_quantiles(self) -> "ClipStep":
        bounds = self.min is not None or self.max is not None
        if bounds == (self.quantiles is not None):
            raise ValueError("give min, max or both; or quantiles")
        low, high = self.quantiles or (self.min, self.max)
        if low is not None and high is not None and low > high:
            raise ValueError("the lower bound is above the upper one")
        return self

    @property
    def learns(self) -> bool:
        return self.quantiles is not None


class ReplaceStep(_ColumnStep):
    """Whole values by others (null removes one). With `others: null`, values without a replacement become null."""

    step: Literal["replace"] = "replace"
    values: dict[Text, Scalar | None] = Field(
        min_length=1, max_length=10_000, description="New values by the old ones, the old as text: true, 7, NY."
    )
    others: Literal["keep", "null"] = "keep"


class TextStep(_ColumnStep):
    """Text made alike: blanks around it and runs of them inside, letter case, composed Unicode, empty as null."""

    step: Literal["text"] = "text"
    trim: bool = True
    spaces: bool = Field(default=False, description="Each run of white space becomes one blank.")
    case: Literal["lower", "upper", "title"] | None = None
    unicode: Literal["NFC", "NFKC"] | None = None
    empty: Literal["keep", "null"] = "null"


class OneHotStep(_ColumnStep):
    """A column of 0 and 1 for each category, `column_category`, in place of the column; others are 0 in all."""

    step: Literal["one_hot"] = "one_hot"
    categories: list[Scalar] | None = Field(
        default=None, min_length=1, max_length=1_000, description="Learned from the rows when absent."
    )
    keep: bool = Field(default=False, description="Keep the column itself too.")

    @property
    def learns(self) -> bool:
        return self.categories is None


class ScaleStep(_ColumnStep):
    """Numbers to mean 0 and deviation 1 (`standard`), to 0..1 (`minmax`), or to median 0 and quartile range 1."""

    step: Literal["scale"] = "scale"
    method: Literal["standard", "minmax", "robust"] = "standard"

    @property
    def learns(self) -> bool:
        return True


class JoinStep(_Step):
    """Columns of another dataset's version, by equal keys. Null keys find nothing."""

    step: Literal["join"] = "join"
    version: VersionRef
    on: ColumnNames | dict[ColumnName, ColumnName] = Field(
        min_length=1, description="Columns of both; or theirs by ours, where they are called differently."
    )
    how: Literal["left", "inner"] = "left"
    suffix: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00]*$")] = "_right"
    allow_many: bool = Field(default=False, description="A row may find several and become as many.")

    @property
    def keys(self) -> dict[str, str]:
        """Their key columns by ours."""
        return dict(self.on) if isinstance(self.on, dict) else {name: name for name in self.on}


class Aggregate(Spec):
    """One number of a group: of a column's values, or with `count` and no column of its rows."""

    function: Literal["count", "sum", "mean", "median", "min", "max", "std", "first", "last", "n_unique"]
    column: ColumnName | None = None

    @model_validator(mode="after")
    def _of_something(self) -> "Aggregate":
        if self.column is None and self.function != "count":
            raise ValueError(f"{self.function} needs a column")
        return self


class AggregateStep(_Step):
    """One row for each group, in the order in which the groups appear."""

    step: Literal["aggregate"] = "aggregate"
    by: ColumnNames = Field(min_length=1)
    aggregates: dict[ColumnName, Aggregate] = Field(min_length=1)


RecipeStep = Annotated[
    DropDuplicatesStep
    | FilterStep
    | SampleStep
    | RenameStep
    | SelectStep
    | DropStep
    | DeriveStep
    | CastStep
    | ParseDatesStep
    | FillStep
    | ClipStep
    | ReplaceStep
    | TextStep
    | OneHotStep
    | ScaleStep
    | JoinStep
    | AggregateStep,
    Field(discriminator="step"),
]
