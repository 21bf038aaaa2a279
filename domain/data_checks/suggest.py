"""A first check suite from a profile, with the reason for each check: a pure rule. A person edits what comes out.

Every check passes on the version whose profile it is, and is loose enough that chance alone does not break it.
"""

import re
from collections.abc import Iterator
from math import ceil, floor, isfinite, log10, sqrt
from typing import Final

from pydantic import Field

from domain.data_checks.specs import (
    CheckSpec,
    CheckSuite,
    DriftCheck,
    InRangeCheck,
    InSetCheck,
    NotNullCheck,
    RowCountCheck,
    SchemaCheck,
    StatisticCheck,
    TargetBalanceCheck,
    TargetRangeCheck,
    UniqueCheck,
)
from domain.datasets.specs import ColumnProfile, ColumnType, Spec, TableProfile
from domain.errors import unknown

ENOUGH_ROWS: Final = 30
"""Fewer rows say nothing about what values a column may have."""
SURE_ROWS: Final = 200
"""With n rows and no other value seen, one in n/3 may still have one (the rule of three, 95 %)."""
ROWS_PER_VALUE: Final = 10
MOST_VALUES: Final = 10
MOST_CLASSES: Final = 20
SLACK: Final = 0.1
"""A range is widened by this share of its span on each side, or by as much as the last percent of values takes."""
MOST_CHECKS: Final = 1_000
_EXACT: Final = 2**53
_NAME_OF_A_KEY: Final = re.compile(r"(?:^|[^a-z])(?:id|key|uuid|guid|number|no|instant|index)$|[a-z]I[dD]$")
_Reasoned = tuple[CheckSpec, str]


class LeftOut(Spec):
    """What was thought of and not suggested."""

    about: str = Field(description="A column, or a kind of check.")
    why: str


class Suggestion(Spec):
    """A suite with a reason per check, in the same order."""

    suite: CheckSuite
    reasons: list[str]
    left_out: list[LeftOut]


def suggest(profile: TableProfile, *, target: str | None = None) -> Suggestion:
    """Checks for the versions to come. Raises NotFound when there is no column named `target`."""
    columns = {column.name: column for column in profile.columns}
    if target is not None and target not in columns:
        raise unknown("column", target, columns)
    left_out: list[LeftOut] = []
    found = [
        *_schema(profile, left_out),
        *_row_count(profile),
        *_target(columns.get(target or ""), profile.rows, left_out),
        *_drift(profile, left_out),
        *_not_null(profile, left_out),
    ]
    for column in profile.columns:
        facts = _Facts(column, profile.rows)
        found += [*_key(facts, left_out), *_values(facts, left_out)]
    if len(found) > MOST_CHECKS:
        why = f"A suite has at most {MOST_CHECKS:,} checks, and {len(found):,} were found: the last ones are left out."
        left_out.append(LeftOut(about="checks", why=why))
    return Suggestion(
        suite=CheckSuite(checks=[check for check, _ in found[:MOST_CHECKS]]),
        reasons=[reason for _, reason in found[:MOST_CHECKS]],
        left_out=left_out,
    )


class _Facts:
    """What follows from a column's profile."""

    def __init__(self, column: ColumnProfile, rows: int) -> None:
        self.column = column
        self.name = column.name
        self.rows = rows
        self.present = rows - column.nulls
        self.numeric = column.type in ("integer", "number")
        self.is_key = column.nulls == 0 and column.distinct == rows and rows >= ENOUGH_ROWS
        # Infinities are values and are in no bar; without bars nobody knows.
        self.infinite = self.numeric and sum(bar.count for bar in column.histogram) != self.present

    def counts(self) -> dict[str | int, int] | None:
        """How often each value occurs; None where the profile does not know all of them."""
        column = self.column
        if column.type in ("string", "boolean"):
            complete = len(column.top) == column.distinct
            return {one.value: one.count for one in column.top} if complete else None
        bars = [bar for bar in column.histogram if bar.count]
        single = all(bar.high - bar.low == 1 and abs(bar.high) < _EXACT for bar in bars)
        if column.type != "integer" or not bars or not single or len(bars) != column.distinct:
            return None
        return {int(bar.low): bar.count for bar in bars}


def _schema(profile: TableProfile, left_out: list[LeftOut]) -> Iterator[_Reasoned]:
    types: dict[str, ColumnType] = {}
    for column in profile.columns:
        if column.nulls == profile.rows:
            left_out.append(
                LeftOut(about=column.name, why="It has no values: its type and everything else is a guess.")
            )
        else:
            types[column.name] = column.type
    if types:
        yield SchemaCheck(columns=dict(types)), f"The types of {len(types)} columns, as they are; others may come."


def _row_count(profile: TableProfile) -> Iterator[_Reasoned]:
    least = max(1, profile.rows // 2)
    yield RowCountCheck(min=least), f"Half of the {profile.rows:,} rows of now: fewer look like a file cut short."


def _not_null(profile: TableProfile, left_out: list[LeftOut]) -> Iterator[_Reasoned]:
    full = [column.name for column in profile.columns if not column.nulls]
    if full:
        yield NotNullCheck(columns=full), f"No value is missing in {len(full)} columns in any of {profile.rows:,} rows."
    for column in profile.columns:
        if not 0 < column.nulls < profile.rows:
            continue
        share = column.nulls / profile.rows
        most = min(1.0, ceil((1.5 * share + 3 * sqrt(share * (1 - share) / profile.rows)) * 1_000) / 1_000)
        if most >= 1:
            left_out.append(LeftOut(about=column.name, why=f"{_percent(share)} are missing: no bound would say more."))
        else:
            reason = f"{_percent(share)} are missing; half as many more, and three standard errors, are allowed."
            yield NotNullCheck(columns=[column.name], max_share=most), reason


def _key(facts: _Facts, left_out: list[LeftOut]) -> Iterator[_Reasoned]:
    column = facts.column
    if not facts.is_key:
        if 1 < facts.present == column.distinct and facts.rows < ENOUGH_ROWS:
            left_out.append(_out(facts, f"No value repeats, but {facts.rows} rows are too few to call it a key."))
        return
    if column.type == "number":
        left_out.append(_out(facts, "No value repeats, as happens with measurements: not a key."))
        return
    named = bool(_NAME_OF_A_KEY.search(facts.name) or _NAME_OF_A_KEY.search(facts.name.lower()))
    low, high = column.minimum, column.maximum
    counter = isinstance(low, float) and isinstance(high, float) and high - low == facts.rows - 1
    sure = named or counter
    why = "and it counts the rows" if counter else "and it is called like a key" if named else "but it may be by chance"
    yield (
        UniqueCheck(columns=[facts.name], severity="error" if sure else "warn"),
        f"No value repeats in {facts.rows:,} rows, {why}.",
    )


def _values(facts: _Facts, left_out: list[LeftOut]) -> Iterator[_Reasoned]:
    """A set for few values, else a range for numbers."""
    column = facts.column
    if not facts.present or column.type == "boolean":
        return
    counts = facts.counts()
    few = bool(counts) and column.distinct <= MOST_VALUES
    if counts and few and facts.present >= max(ENOUGH_ROWS, ROWS_PER_VALUE * column.distinct):
        # Good and Turing: the odds that the next value is a new one are the share of values seen once.
        once = [value for value, count in counts.items() if count == 1]
        if not once:
            least = min(counts.values())
            seen = (
                f"{facts.present:,} values are {column.distinct} different ones, none seen less than {least:,} times."
            )
            sure = facts.present >= SURE_ROWS
            doubt = "" if sure else f" So few cannot rule out one in {facts.present // 3}: a warning."
            check = InSetCheck(
                severity="error" if sure else "warn", column=facts.name, values=sorted(counts, key=_order)
            )
            yield check, f"{seen}{doubt}"
            return
        left_out.append(_out(facts, f"{once[0]!r} occurs once: there are likely values not seen yet."))
    if facts.numeric:
        yield from _range(facts, left_out)
    elif column.type == "datetime":
        left_out.append(_out(facts, "Times move on: a range of now says nothing about the next ones."))
    elif not few and not facts.is_key:
        left_out.append(_out(facts, f"{column.distinct:,} different texts are too many for a set."))
    elif few and facts.present < max(ENOUGH_ROWS, ROWS_PER_VALUE * column.distinct):
        left_out.append(_out(facts, f"{facts.present} values are too few for a set."))


def _range(facts: _Facts, left_out: list[LeftOut]) -> Iterator[_Reasoned]:
    column = facts.column
    low, high = column.minimum, column.maximum
    if not isinstance(low, float) or not isinstance(high, float) or facts.infinite:
        left_out.append(_out(facts, "It has infinite values, or a span beyond a float: no range holds them."))
        return
    if facts.present < ENOUGH_ROWS:
        left_out.append(_out(facts, f"{facts.present} values are too few for a range."))
        return
    if facts.is_key and column.type == "integer":
        left_out.append(_out(facts, "A key grows: only whether it repeats is asked."))
        return
    seen = f"Seen from {_shown(low)} to {_shown(high)}"
    whole = column.type == "integer"
    # A profile counts NaN as missing, and a range holds no NaN: the extremes leave it out.
    bounds = _range_check if whole or not column.nulls else _extremes_check
    if whole and high - low + 1 == column.distinct <= 100 and max(abs(low), abs(high)) < _EXACT:
        yield InRangeCheck(column=facts.name, min=low, max=high), f"{seen}, and every whole number between them occurs."
        return
    tails = column.quantiles.get("0.01", low) - low, high - column.quantiles.get("0.99", high)
    least, most = _widened(low, high, tails, whole=whole)
    if not isfinite(least) or not isfinite(most):
        left_out.append(_out(facts, "Its span is near what a float can hold: no range holds it."))
    elif low >= 0 and 0.2 < high <= 1:
        yield from bounds(facts.name, 0.0, 1.0, f"{seen}; values of 0 to 1 are taken for shares.")
    else:
        below = ", but nothing below zero" if low >= 0 == least else ""
        long = max(tails) > SLACK * (high - low)
        more = ", and where the last percent of values spreads further as much as that" if long else ""
        reason = f"{seen}; a tenth of that span is allowed on each side{more}{below}."
        yield from bounds(facts.name, least, most, reason)


def _range_check(column: str, low: float, high: float, reason: str) -> Iterator[_Reasoned]:
    yield InRangeCheck(column=column, min=low, max=high), reason


def _extremes_check(column: str, low: float, high: float, reason: str) -> Iterator[_Reasoned]:
    yield StatisticCheck(column=column, statistic="min", min=low), f"{reason} What is missing may be NaN: left out."
    yield StatisticCheck(column=column, statistic="max", max=high), "The same, for the largest value."


def _order(value: str | float) -> tuple[float, str]:
    return (0, value) if isinstance(value, str) else (value, "")


def _widened(low: float, high: float, tails: tuple[float, float], *, whole: bool) -> tuple[float, float]:
    """The range with slack, more where a tail is long; never across zero."""
    slack = SLACK * (high - low) or SLACK * abs(high) or 1.0
    least, most = _outwards(low - max(slack, tails[0]), high + max(slack, tails[1]), slack, whole=whole)
    return (0.0 if low >= 0 > least else least), (0.0 if high <= 0 < most else most)


def _outwards(low: float, high: float, slack: float, *, whole: bool = False) -> tuple[float, float]:
    """The bounds rounded to two digits of `slack`, away from each other."""
    if not isfinite(low) or not isfinite(high) or not 1e-300 < slack < 1e300:
        return low, high
    step = 10.0 ** (floor(log10(slack)) - 1)
    step = max(step, 1.0) if whole else step
    # Twelve digits, without the dust of floats; and never inwards, for numbers that are large beside their span.
    return (
        min(low, float(f"{floor(low / step) * step:.12g}")),
        max(high, float(f"{ceil(high / step) * step:.12g}")),
    )


def _out(facts: _Facts, why: str) -> LeftOut:
    return LeftOut(about=facts.name, why=why)


def _target(column: ColumnProfile | None, rows: int, left_out: list[LeftOut]) -> Iterator[_Reasoned]:
    if column is None:
        left_out.append(LeftOut(about="target", why="None was named: name one for its balance or its mean."))
        return
    facts = _Facts(column, rows)
    left_out.append(
        LeftOut(about="leakage", why=f"A profile cannot say what gives {column.name!r} away: add a leakage check.")
    )
    counts = facts.counts()
    classes = column.type in ("string", "boolean") or (column.type == "integer" and column.distinct <= MOST_CLASSES)
    if classes and counts and len(counts) > 1:
        share = min(counts.values()) / facts.present
        rarest = min(counts, key=lambda value: counts[value])
        least = floor(min(share / 2, 0.5) * 10_000) / 10_000
        reason = f"The rarest of {len(counts)} classes is {rarest!r} with {_percent(share)}: half of that is the least."
        yield TargetBalanceCheck(column=column.name, min_share=least), reason
    elif classes:
        why = "one class only" if column.distinct < 2 else f"{column.distinct:,} classes, more than a profile counts"
        left_out.append(LeftOut(about=column.name, why=f"The target has {why}: its balance is not asked."))
    elif facts.numeric and column.mean is not None and column.std and column.minimum != column.maximum:
        yield from _mean(column, column.mean, column.std / 2, left_out)
    else:
        left_out.append(LeftOut(about=column.name, why="The target does not vary, or is neither classes nor numbers."))


def _mean(column: ColumnProfile, mean: float, half: float, left_out: list[LeftOut]) -> Iterator[_Reasoned]:
    low, high = _outwards(mean - half, mean + half, half)
    if not isfinite(low) or not isfinite(high):
        left_out.append(LeftOut(about=column.name, why="The spread of the target is more than a float can hold."))
        return
    reason = f"The mean is {_shown(mean)}; half a standard deviation ({_shown(half)}) is allowed on each side."
    yield TargetRangeCheck(column=column.name, min_mean=low, max_mean=high), reason


def _drift(profile: TableProfile, left_out: list[LeftOut]) -> Iterator[_Reasoned]:
    """A warning: the version itself may have moved, and whether a shift matters is for a person to say."""
    steady = [column.name for column in profile.columns if _may_drift(column, profile.rows)]
    if steady:
        reason = (
            f"{len(steady)} columns are compared with the version before; a warning, since data may move for a reason. "
            "Keys, times and free text are not compared."
        )
        yield DriftCheck(severity="warn", columns=steady), reason
    else:
        left_out.append(LeftOut(about="drift", why="No column has a distribution to compare."))


def _may_drift(column: ColumnProfile, rows: int) -> bool:
    facts = _Facts(column, rows)
    if facts.present < ENOUGH_ROWS or facts.is_key or column.type == "datetime" or facts.infinite:
        return False
    return facts.numeric or column.distinct * ROWS_PER_VALUE <= facts.present


def _shown(value: float) -> str:
    return f"{value:,.6g}" if value % 1 else f"{value:,.0f}"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else f"{share * 100:.2g}%"
