"""A suite of Great Expectations as checks of our own, and what has no equivalent: a pure rule, without the library."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import Field, ValidationError

from domain.data_checks.expectation_sql import (
    CONDITIONS,
    COUNTS_EVERY_ROW,
    NoEquivalent,
    bounds,
    is_number,
    values_in,
)
from domain.data_checks.row_conditions import as_sql, parse
from domain.data_checks.specs import (
    CheckSpec,
    CheckSuite,
    ColumnsCheck,
    Expectation,
    ExpectationSuite,
    ExpressionCheck,
    InRangeCheck,
    InSetCheck,
    NotNullCheck,
    RowCountCheck,
    SchemaCheck,
    Severity,
    Statistic,
    StatisticCheck,
    UniqueCheck,
)
from domain.datasets.specs import ColumnType, Spec
from domain.errors import said_of


class Remark(Spec):
    """What to know about one expectation: it has no equivalent, or one that is close and not the same."""

    place: str = Field(description="Where in the suite: `expectations.3`.")
    expectation: str
    translated: bool = Field(description="False: it is in `rest`. True: its check may decide otherwise, see `why`.")
    why: str
    fix: str


class Translation(Spec):
    """Checks that say what a suite says. `rest` holds what has no equivalent, for the library to run."""

    suite: CheckSuite
    translated: int
    remarks: list[Remark]
    rest: ExpectationSuite | None


@dataclass(frozen=True)
class _Asked:
    """An expectation, taken apart.

    `allowed` is the share that `mostly` leaves; `complete` says that the suite wants a value of its columns in every
    row; `notes` collects (why, fix) where a check is close and not the same.
    """

    type: str
    kwargs: Mapping[str, Any]
    common: dict[str, Any]
    allowed: float
    complete: bool
    notes: list[tuple[str, str]]

    @property
    def column(self) -> str:
        return str(self.kwargs["column"])


def translate(suite: ExpectationSuite) -> Translation:
    """Each expectation as one or two checks, in the order of the suite; severities become ours (critical: error)."""
    checks: list[CheckSpec] = []
    remarks: list[Remark] = []
    rest: list[Expectation] = []
    complete = {one.columns[0] for one in suite.expectations if _wants_every_value(one)}
    for place, expectation in enumerate(suite.expectations):
        about = ", ".join(expectation.columns)
        remark = partial(
            Remark,
            place=f"expectations.{place}",
            expectation=f"{expectation.type}({about})" if about else expectation.type,
        )
        try:
            found, notes = _translated(expectation, complete=complete.issuperset(expectation.columns))
        except NoEquivalent as no:
            remarks.append(remark(translated=False, why=f"{no.why[0].upper()}{no.why[1:]}.", fix=no.fix))
            rest.append(expectation)
            continue
        checks += found
        remarks += [remark(translated=True, why=why, fix=fix) for why, fix in notes]
    left = suite.model_copy(update={"expectations": rest}) if rest else None
    done = len(suite.expectations) - len(rest)
    return Translation(suite=CheckSuite(checks=checks), translated=done, remarks=remarks, rest=left)


def _wants_every_value(expectation: Expectation) -> bool:
    kwargs = expectation.kwargs
    plain = kwargs.get("mostly", 1) == 1 and kwargs.get("row_condition") in (None, "")
    return plain and expectation.type == "expect_column_values_to_not_be_null"


def _translated(expectation: Expectation, *, complete: bool) -> tuple[list[CheckSpec], list[tuple[str, str]]]:
    kwargs = expectation.kwargs
    severity: Severity = "warn" if expectation.severity in ("warning", "info") else "error"
    mostly = kwargs.get("mostly", 1)
    if not is_number(mostly) or not 0 <= mostly <= 1:
        raise NoEquivalent(f"its mostly {mostly!r} is not a share", "Write a number from 0 to 1.")
    common = {"severity": severity} | ({"name": expectation.description} if expectation.description else {})
    asked = _Asked(expectation.type, kwargs, common, round(1 - mostly, 12), complete, [])
    conditional = kwargs.get("row_condition") not in (None, "")
    rule = None if conditional else _RULES.get(expectation.type)
    try:
        found = rule(asked) if rule else None
        if found is None and expectation.type in CONDITIONS:
            found = [_expression(asked, expectation)]
    except ValidationError as error:
        first = error.errors()[0]
        raise NoEquivalent(f"its arguments make no check of ours ({said_of(first)})", "Mend its arguments.") from error
    if found is None:
        raise _no_equivalent(expectation.type, conditional=conditional)
    return found, asked.notes


def _expression(asked: _Asked, expectation: Expectation) -> ExpressionCheck:
    """The expectation as a condition on rows; outside of its row condition a row holds by itself."""
    where = CONDITIONS[asked.type](asked.kwargs)
    condition = asked.kwargs.get("row_condition")
    if condition not in (None, ""):
        where = f"NOT ({as_sql(parse(condition))}) OR ({where})"
    exact = asked.type in COUNTS_EVERY_ROW or asked.complete
    if asked.allowed and (condition not in (None, "") or not exact):
        asked.notes.append(_SHARE_OF_ALL)
    name = f"{expectation.type}({', '.join(expectation.columns)})"
    return ExpressionCheck(**({"name": name} | asked.common), where=where, max_share=asked.allowed)


def _between(asked: _Asked) -> list[CheckSpec] | None:
    low, high = bounds(asked.kwargs)
    if asked.allowed or asked.kwargs.get("strict_min") or asked.kwargs.get("strict_max"):
        return None
    return [InRangeCheck(**asked.common, column=asked.column, min=low, max=high)]


def _in_set(asked: _Asked) -> list[CheckSpec] | None:
    values = values_in(asked.kwargs)
    return None if asked.allowed else [InSetCheck(**asked.common, column=asked.column, values=values)]


def _same_set(asked: _Asked) -> list[CheckSpec]:
    values = values_in(asked.kwargs)
    counted = StatisticCheck(**asked.common, column=asked.column, statistic="distinct", min=len(set(values)))
    return [InSetCheck(**asked.common, column=asked.column, values=values), counted]


def _not_null(asked: _Asked) -> list[CheckSpec]:
    return [NotNullCheck(**asked.common, columns=[asked.column], max_share=asked.allowed)]


def _share_present(asked: _Asked) -> list[CheckSpec]:
    low, high = asked.kwargs.get("min_value"), asked.kwargs.get("max_value")
    if not is_number(low) or not 0 <= low <= 1 or asked.kwargs.get("strict_min") or high not in (None, 1):
        raise NoEquivalent("not_null has an upper bound of missing values only, itself allowed")
    return [NotNullCheck(**asked.common, columns=[asked.column], max_share=round(1 - low, 12))]


def _unique(asked: _Asked) -> list[CheckSpec]:
    if asked.allowed:
        raise NoEquivalent("unique has no share of repeats", "Use a statistic check of `distinct_share`.")
    columns = [asked.column] if "column" in asked.kwargs else list(asked.kwargs["column_list"])
    if not asked.complete:
        asked.notes.append(_NULLS_REPEAT)
    return [UniqueCheck(**asked.common, columns=columns)]


def _row_count(asked: _Asked) -> list[CheckSpec]:
    equal = asked.kwargs.get("value")
    low, high = (equal, equal) if equal is not None else (asked.kwargs.get("min_value"), asked.kwargs.get("max_value"))
    if (low is None and high is None) or not all(isinstance(one, int) or one is None for one in (low, high)):
        raise NoEquivalent("its bounds are not whole numbers")
    low = low + 1 if low is not None and asked.kwargs.get("strict_min") else low
    high = high - 1 if high is not None and asked.kwargs.get("strict_max") else high
    return [RowCountCheck(**asked.common, min=low, max=high)]


def _columns(asked: _Asked) -> list[CheckSpec]:
    if "column" in asked.kwargs:
        if asked.kwargs.get("column_index") is not None:
            asked.notes.append(("The place of the column is not looked at.", "Use `ordered: true` with all columns."))
        return [ColumnsCheck(**asked.common, columns=[asked.column])]
    ordered = asked.type.endswith("ordered_list")
    names = asked.kwargs.get("column_list" if ordered else "column_set")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise NoEquivalent("it names no columns")
    exact = ordered or asked.kwargs.get("exact_match") in (None, True)
    return [ColumnsCheck(**asked.common, columns=names, extra="forbid" if exact else "allow", ordered=ordered)]


def _types(asked: _Asked) -> list[CheckSpec]:
    names = asked.kwargs.get("type_list") or asked.kwargs.get("type_")
    found = {_type(name) for name in (names if isinstance(names, list) else [names])}
    if found == {"integer", "number"}:
        found = {"number"}
    if len(found) != 1 or asked.allowed:
        raise NoEquivalent("a column has one type here", "Use a schema check with the type it has in a version.")
    kind = found.pop()
    why = {
        "number": "Whole numbers pass as `number`; a type of floats in pandas refuses a column of integers.",
        "integer": "Every width of integers is `integer`, with gaps too, where pandas makes floats of them.",
        "string": "Every text is `string`; pandas has more than one type for it, and keeps dates of csv as text.",
    }.get(kind)
    if why:
        asked.notes.append((why, "Nothing, unless the width of the type matters."))
    return [SchemaCheck(**asked.common, columns={asked.column: kind})]


def _type(name: object) -> ColumnType:
    """The platform's word for a type of pandas, numpy, Python or SQL."""
    word = str(name).lower().partition("[")[0].partition("(")[0].removesuffix("dtype").removesuffix("type").strip("_")
    for kind, words in _TYPE_WORDS.items():
        if word.rstrip("0123456789") in words:
            return kind
    raise NoEquivalent(f"the type {name!r} is not one of a column here", "Use a schema check.")


def _statistic(statistic: Statistic, asked: _Asked) -> list[CheckSpec]:
    low, high = bounds(asked.kwargs)
    ends: list[dict[str, Any]] = []
    if isinstance(low, str) or isinstance(high, str):
        of_rows = (statistic, low) == ("max", None) or (statistic, high) == ("min", None)
        if of_rows and not (asked.kwargs.get("strict_min") or asked.kwargs.get("strict_max")):
            return [InRangeCheck(**asked.common, column=asked.column, min=low, max=high)]
        raise NoEquivalent("a statistic is a number, not a time", "Use an in_range check.")
    strict = bool(asked.kwargs.get("strict_min")), bool(asked.kwargs.get("strict_max"))
    if low is not None and high is not None and strict[0] != strict[1]:
        ends = [{"min": low, "strict": strict[0]}, {"max": high, "strict": strict[1]}]
    else:
        ends = [{"min": low, "max": high, "strict": strict[0 if low is not None else 1]}]
    return [StatisticCheck(**asked.common, column=asked.column, statistic=statistic, **end) for end in ends]


_SHARE_OF_ALL: Final = (
    "`mostly` is a share of the judged rows, `max_share` one of all rows: where values miss, it lets more pass.",
    "Lower `max_share` by the share of rows that are not judged.",
)
_NULLS_REPEAT: Final = (
    "Two rows without a value repeat each other in `unique`, and are left out by Great Expectations.",
    "If values may miss, use a statistic check of `distinct_share` with min 1.",
)
_TYPE_WORDS: Final[Mapping[ColumnType, frozenset[str]]] = {
    "integer": frozenset({"int", "uint", "integer", "bigint", "smallint", "tinyint", "long", "short", "byte"}),
    "number": frozenset({"float", "double", "double_precision", "real", "decimal", "numeric", "number"}),
    "boolean": frozenset({"bool", "boolean"}),
    "string": frozenset({"str", "string", "object", "text", "varchar", "char", "nvarchar", "large_string"}),
    "datetime": frozenset({"datetime", "date", "timestamp", "timestamp_ntz", "timestamp_ltz"}),
}
_RULES: Final[Mapping[str, Callable[[_Asked], list[CheckSpec] | None]]] = {
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_be_in_set": _in_set,
    "expect_column_distinct_values_to_be_in_set": _in_set,
    "expect_column_distinct_values_to_equal_set": _same_set,
    "expect_column_values_to_not_be_null": _not_null,
    "expect_column_proportion_of_non_null_values_to_be_between": _share_present,
    "expect_column_values_to_be_unique": _unique,
    "expect_compound_columns_to_be_unique": _unique,
    "expect_table_row_count_to_be_between": _row_count,
    "expect_table_row_count_to_equal": _row_count,
    "expect_column_to_exist": _columns,
    "expect_table_columns_to_match_set": _columns,
    "expect_table_columns_to_match_ordered_list": _columns,
    "expect_column_values_to_be_of_type": _types,
    "expect_column_values_to_be_in_type_list": _types,
    "expect_column_type_to_be": _types,
    "expect_column_mean_to_be_between": partial(_statistic, "mean"),
    "expect_column_median_to_be_between": partial(_statistic, "median"),
    "expect_column_stdev_to_be_between": partial(_statistic, "std"),
    "expect_column_sum_to_be_between": partial(_statistic, "sum"),
    "expect_column_min_to_be_between": partial(_statistic, "min"),
    "expect_column_max_to_be_between": partial(_statistic, "max"),
    "expect_column_unique_value_count_to_be_between": partial(_statistic, "distinct"),
    "expect_column_proportion_of_unique_values_to_be_between": partial(_statistic, "distinct_share"),
}
_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "expect_column_kl_divergence_to_be_less_than": (
        "shares of values are compared with those of another version here, not with written ones",
        "Use a drift check with `method: kl` against a version that was good.",
    ),
    "expect_column_values_to_match_strftime_format": (
        "text that is ISO dates throughout is read as times before it is checked",
        "Use a schema check with `datetime`, or keep it in a `great_expectations` check.",
    ),
    "expect_column_values_to_be_dateutil_parseable": (
        "text that is ISO dates throughout is read as times before it is checked",
        "Use a schema check with `datetime`, or keep it in a `great_expectations` check.",
    ),
    "expect_column_quantile_values_to_be_between": (
        "a statistic is the median, and no other quantile",
        "Use a statistic check of `median`, a drift check, or keep it in a `great_expectations` check.",
    ),
    "expect_table_column_count_to_be_between": ("columns are named here, not counted", "Use a columns check."),
    "expect_table_column_count_to_equal": ("columns are named here, not counted", "Use a columns check."),
    "expect_column_value_z_scores_to_be_less_than": (
        "a condition looks at one row, and this one compares it with the whole column",
        "Use an in_range check with bounds that a person has thought about.",
    ),
    "expect_column_values_to_not_be_outliers": (
        "a condition looks at one row, and this one compares it with the whole column",
        "Use an in_range check with bounds that a person has thought about.",
    ),
}


def _no_equivalent(name: str, *, conditional: bool) -> NoEquivalent:
    if conditional and name in _RULES:
        return NoEquivalent("it looks at some of the rows only (row_condition), and this kind of check at all of them")
    return NoEquivalent(*_REASONS.get(name, ("there is no check of this kind here",)))
