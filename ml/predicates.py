"""A person's SQL predicate as a Polars expression, for expression checks and recipes.

Polars' SQL can read any file the process can read (`... IN (SELECT a FROM read_csv('/path'))`), and does so
while parsing. A predicate here speaks about the columns of one table and nothing else.
"""

import json
import re
from difflib import get_close_matches
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from domain.errors import Invalid

_TABLE_FUNCTION = re.compile(r"\b(read|scan)_\w+", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_EXTRACT = re.compile(r"\bextract\s*\(\s*\w+\s+from\b", re.IGNORECASE)
_CLOCK = re.compile(r"\bnow\s*\(|\b(current_(date|time|timestamp)|localtime(stamp)?|today)\b", re.IGNORECASE)
_ACROSS = frozenset({"Agg", "Over", "Window", "Rolling", "Explode", "Len", "Quantile", "Correlation"})
_LEAVES = frozenset({"Column", "Literal"})
_RELATION = re.compile(r"\b(select|from|with|values|table)\b", re.IGNORECASE)


class BadExpression(Invalid):
    """The SQL cannot be parsed, names unknown columns, or is not a yes-or-no question about a row."""

    code = "bad_expression"


def predicate(sql: str) -> pl.Expr:
    """Parse `sql`, for example `age >= 18 AND "hours-per-week" < 80`; raises `BadExpression`.

    Refused before parsing: names of table functions anywhere, and subqueries outside of quotes. Refused
    after parsing: a plan inside the expression, should a spelling have slipped through.
    """
    outside_quotes = _EXTRACT.sub("", _QUOTED.sub("", sql))
    if _TABLE_FUNCTION.search(sql) or _RELATION.search(outside_quotes):
        raise BadExpression(
            "An expression may not contain a subquery or name another table.",
            where=sql,
            fix="Write a condition on the columns of this table, such as `age >= 18`.",
        )
    try:
        expression = pl.sql_expr(sql)
    except PolarsError as error:
        raise BadExpression(f"The expression cannot be parsed: {reason(error)}.", where=sql) from error
    if "SubPlan" in expression.meta.serialize(format="json"):
        raise BadExpression("An expression may not contain a subquery.", where=sql)
    return expression


def row_predicate(sql: str, frame: pl.LazyFrame) -> pl.Expr:
    """`predicate`, also checked against the columns of `frame`: it must say true or false of each row."""
    expression = predicate(sql)
    answers = _tried(expression, sql, frame)
    if answers.dtypes != [pl.Boolean]:
        raise BadExpression(f"The expression gives {answers.dtypes[0]}, not true or false.", where=sql)
    if answers.height:
        raise BadExpression("The expression gives one answer for the whole table, not one per row.", where=sql)
    return expression


def row_expression(sql: str, frame: pl.LazyFrame) -> pl.Expr:
    """A value for each row from that row alone, for recipes; raises `BadExpression`.

    No aggregate, window or clock: no row is told of the others, and equal rows give equal values on any day.
    """
    if _CLOCK.search(_QUOTED.sub("", sql)):
        fix = "Write the time down, or take it from a column."
        raise BadExpression("The expression asks for the time of today, which is another tomorrow.", where=sql, fix=fix)
    expression = predicate(sql)
    if expression.meta.has_multiple_outputs():
        raise BadExpression("The expression gives more than one column.", where=sql)
    if _sees_other_rows(json.loads(expression.meta.serialize(format="json"))):
        fix = "Learn numbers with fill, clip or scale; or aggregate, and join the result."
        raise BadExpression("The expression sees more than its own row.", where=sql, fix=fix)
    _tried(expression, sql, frame)
    return expression


def _tried(expression: pl.Expr, sql: str, frame: pl.LazyFrame) -> pl.DataFrame:
    """What the expression gives for no rows of `frame`: its type, or the reason why it does not fit."""
    columns = frame.collect_schema().names()
    for name in expression.meta.root_names():
        if name not in columns:
            near = get_close_matches(name, columns, n=1, cutoff=0.6)
            hint = f"Did you mean {near[0]!r}?" if near else "Text goes in single quotes, column names in double ones."
            raise BadExpression(f"The expression names {name!r}, which is not a column. {hint}", where=sql)
    try:
        return frame.head(0).select(expression).collect()
    except PolarsError as error:
        raise BadExpression(f"The expression does not fit the table: {reason(error)}.", where=sql) from error


def _sees_other_rows(node: Any) -> bool:
    """Whether a serialized expression has an aggregate or a window in it; names and literals are no nodes."""
    if isinstance(node, dict):
        return any(key in _ACROSS or (key not in _LEAVES and _sees_other_rows(inner)) for key, inner in node.items())
    if isinstance(node, list):
        return any(_sees_other_rows(inner) for inner in node)
    return node in _ACROSS


def reason(error: PolarsError) -> str:
    """The first line of what Polars says: the rest is its query plan, or advice about Polars' own options."""
    return str(error).strip().partition("\n")[0].rstrip(".")
