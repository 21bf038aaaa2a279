"""Data checks as data: the suite a dataset declares, and the result each check comes to."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from domain.data_checks import row_conditions
from domain.data_checks.expectations import (
    columns_of,
    parameters_in,
    problem_with_columns,
    problem_with_type,
    remote_references,
)
from domain.datasets.specs import ColumnType, Spec

Severity = Literal["error", "warn"]
Verdict = Literal["pass", "warn", "fail"]
EngineName = Literal["auto", "polars", "spark"]
DriftMethod = Literal["auto", "psi", "js", "kl", "ks", "chi2", "wasserstein"]
Statistic = Literal["mean", "median", "std", "sum", "min", "max", "distinct", "distinct_share"]


class _Check(Spec):
    model_config = ConfigDict(allow_inf_nan=False)

    severity: Severity = "error"
    name: str | None = Field(default=None, description="Shown instead of the generated name.")


class SchemaCheck(_Check):
    """The columns exist with these types; `extra` says what other columns mean."""

    check: Literal["schema"] = "schema"
    columns: dict[str, ColumnType | Literal["int", "float", "bool"]]
    extra: Literal["allow", "forbid"] = "allow"


class NotNullCheck(_Check):
    check: Literal["not_null"] = "not_null"
    columns: list[str] = Field(min_length=1)
    max_share: float = Field(default=0.0, ge=0, le=1)


class InRangeCheck(_Check):
    """Numbers, or ISO dates given as text, within `[min, max]`."""

    check: Literal["in_range"] = "in_range"
    column: str
    min: float | str | None = None
    max: float | str | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> "InRangeCheck":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class InSetCheck(_Check):
    check: Literal["in_set"] = "in_set"
    column: str
    values: list[str | int | float | bool] = Field(min_length=1)


class UniqueCheck(_Check):
    check: Literal["unique"] = "unique"
    columns: list[str] = Field(min_length=1)


class RowCountCheck(_Check):
    check: Literal["row_count"] = "row_count"
    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)


class TargetBalanceCheck(_Check):
    """Every class of the target holds at least `min_share` of the rows (two classes at least)."""

    check: Literal["target_balance"] = "target_balance"
    column: str
    min_share: float = Field(default=0.05, ge=0, le=0.5)


class TargetRangeCheck(_Check):
    """The mean of a numeric target lies in `[min_mean, max_mean]` and its spread is not zero."""

    check: Literal["target_range"] = "target_range"
    column: str
    min_mean: float | None = None
    max_mean: float | None = None


class LeakageCheck(_Check):
    """No column (but those in `ignore`) is associated with the target more than `max_association` (0..1)."""

    check: Literal["leakage"] = "leakage"
    target: str
    max_association: float = Field(default=0.98, ge=0, le=1)
    ignore: list[str] = []


class DriftCheck(_Check):
    """Columns did not move against another version: `previous` (newest validated one before) or a number."""

    check: Literal["drift"] = "drift"
    against: Literal["previous"] | Annotated[int, Field(ge=1, lt=2**31)] = "previous"
    method: DriftMethod = "auto"
    columns: list[str] | None = None
    max_effect: float | None = Field(
        default=None, ge=0, description="Threshold of the effect size; by method and n when absent."
    )


class ExpressionCheck(_Check):
    """A Polars SQL predicate that must hold for (all but `max_share` of) the rows."""

    check: Literal["expression"] = "expression"
    where: str
    max_share: float = Field(default=0.0, ge=0, le=1)


class ColumnsCheck(_Check):
    """The named columns exist, whatever their types; `extra` and `ordered` say what else counts."""

    check: Literal["columns"] = "columns"
    columns: list[str] = Field(min_length=1)
    extra: Literal["allow", "forbid"] = "allow"
    ordered: bool = Field(default=False, description="The table has exactly these columns, in this order.")


class StatisticCheck(_Check):
    """One number computed over a column lies in `[min, max]`. Nulls and NaN are left out."""

    check: Literal["statistic"] = "statistic"
    column: str
    statistic: Statistic
    min: float | None = None
    max: float | None = None
    strict: bool = Field(default=False, description="The bounds themselves are out.")

    @model_validator(mode="after")
    def _some_bound(self) -> "StatisticCheck":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class Expectation(Spec):
    """One expectation of a suite of Great Expectations 1.x, as its JSON has it."""

    type: str
    kwargs: dict[str, Any] = {}
    severity: Literal["critical", "warning", "info"] | None = None
    meta: dict[str, Any] | None = None
    notes: str | list[str] | None = None
    description: str | None = None
    id: str | None = None
    rendered_content: list[Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_1(cls, value: Any) -> Any:
        if isinstance(value, dict) and "expectation_type" in value:
            raise ValueError("this is an expectation of Great Expectations 0.x: open the suite with 1.x and save it")
        return value

    @field_validator("type")
    @classmethod
    def _known(cls, name: str) -> str:
        problem = problem_with_type(name)
        if problem:
            raise ValueError(problem)
        return name

    @field_validator("kwargs")
    @classmethod
    def _askable(cls, kwargs: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if problem := problem_with_columns(info.data.get("type", ""), kwargs):
            raise ValueError(problem)
        if parameter := next(parameters_in(kwargs), None):
            raise ValueError(f"the suite parameter {parameter!r} has no value here: write the value in its place")
        if remote := next(remote_references(kwargs.get("json_schema")), None):
            raise ValueError(f"json_schema: {remote!r} leads out of the schema, and nothing is fetched")
        if kwargs.get("row_condition") not in (None, ""):
            row_conditions.parse(kwargs["row_condition"])
        return kwargs

    @property
    def columns(self) -> list[str]:
        """The columns it is about."""
        return columns_of(self.kwargs)

    def asked(self) -> dict[str, Any]:
        """The arguments as Great Expectations gets them: its row condition written by us, see `row_conditions`."""
        condition = self.kwargs.get("row_condition")
        kept = {key: value for key, value in self.kwargs.items() if key not in ("row_condition", "condition_parser")}
        if condition in (None, ""):
            return kept
        text = row_conditions.as_pandas(row_conditions.parse(condition))
        return {**kept, "row_condition": text, "condition_parser": "pandas"}


class ExpectationSuite(Spec):
    """A suite of Great Expectations 1.x, as its JSON has it."""

    name: str = "suite"
    expectations: list[Expectation] = Field(min_length=1, max_length=1_000)
    suite_parameters: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None
    notes: str | list[str] | None = None
    id: str | None = None


class GreatExpectationsCheck(_Check):
    """A suite of Great Expectations, run by the library itself: one result per expectation.

    An expectation's own severity counts (critical is error); `severity: warn` here makes all of them warnings.
    """

    check: Literal["great_expectations"] = "great_expectations"
    suite: ExpectationSuite


CheckSpec = Annotated[
    SchemaCheck
    | NotNullCheck
    | InRangeCheck
    | InSetCheck
    | UniqueCheck
    | RowCountCheck
    | TargetBalanceCheck
    | TargetRangeCheck
    | LeakageCheck
    | DriftCheck
    | ExpressionCheck
    | ColumnsCheck
    | StatisticCheck
    | GreatExpectationsCheck,
    Field(discriminator="check"),
]


class CheckSuite(Spec):
    """`engine` says where the checks run; what they find is the same everywhere."""

    engine: EngineName = Field(
        default="auto",
        description="auto: Polars in memory, streaming above the memory limit; polars: in memory at any size; spark.",
    )
    checks: list[CheckSpec] = Field(default=[], max_length=1_000)


class CheckResult(Spec):
    """What one check came to. `value` and `threshold` are in the check's own unit (a share, a count, an effect)."""

    check: str
    name: str
    severity: Severity
    verdict: Verdict
    value: float | str | None = None
    threshold: float | str | None = None
    message: str = Field(description="One sentence for a person, with the numbers.")
    failing_count: int = 0
    failing_rows: list[dict[str, Any]] = Field(
        default=[], description="At most 10 failing rows, each with its `row` (0-based)."
    )
