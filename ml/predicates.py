"""A person's SQL predicate as a Polars expression, for expression checks and recipes.

Polars' SQL can read any file the process can read (`... IN (SELECT a FROM read_csv('/path'))`), and does so
while parsing. A predicate here speaks about the columns of one table and nothing else.
"""

import re
from difflib import get_close_matches

import polars as pl
from polars.exceptions import PolarsError

from domain.errors import Invalid

_TABLE_FUNCTION = re.compile(r"\b(read|scan)_\w+", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_EXTRACT = re.compile(r"\bextract\s*\(\s*\w+\s+from\b", re.IGNORECASE)
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
    columns = frame.collect_schema().names()
    for name in expression.meta.root_names():
        if name not in columns:
            near = get_close_matches(name, columns, n=1, cutoff=0.6)
            hint = f"Did you mean {near[0]!r}?" if near else "Text goes in single quotes, column names in double ones."
            raise BadExpression(f"The expression names {name!r}, which is not a column. {hint}", where=sql)
    try:
        answers = frame.head(0).select(expression).collect()
    except PolarsError as error:
        raise BadExpression(f"The expression does not fit the table: {reason(error)}.", where=sql) from error
    if answers.dtypes != [pl.Boolean]:
        raise BadExpression(f"The expression gives {answers.dtypes[0]}, not true or false.", where=sql)
    if answers.height:
        raise BadExpression("The expression gives one answer for the whole table, not one per row.", where=sql)
    return expression


def reason(error: PolarsError) -> str:
    """The first line of what Polars says: the rest is its query plan, or advice about Polars' own options."""
    return str(error).strip().partition("\n")[0].rstrip(".")
