"""Conditions of the filter language, and the orders of a list, as SQL that means the same on SQLite and Postgres.

A run that lacks a value, or has a null or something of another kind there, matches neither a comparison of it nor its
negation: SQL's unknown.
"""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from sqlalchemy import ColumnElement, Double, String, and_, case, false, func, literal, not_, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from domain.datasets.models import Dataset, DatasetVersion
from domain.experiments.filters import Comparison, Condition, Field, Junction, Kind, Negation, Value
from domain.experiments.models import Experiment, Run
from domain.pages import Order

_COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip
_NUMBERS: Final = ("integer", "real")
# Most runs have finished, and many are of one dataset: by the index of these columns SQLite would fetch and sort them
# all to give the newest ones. So that it walks from the newest on, they are not named plainly.
_STATE: Final = func.coalesce(Run.state, "")
_DATA: Final = func.coalesce(Run.dataset_version_id, "")
_SHORT: Final = 16  # a cursor holds the text, in at most 200 characters


class json_kind(FunctionElement[str]):  # noqa: N801 - a function of SQL
    """What a JSON column holds under a name, in SQLite's words: integer, real, text, true, false, null; else NULL."""

    name = "json_kind"
    type = String()
    inherit_cache = True


@compiles(json_kind, "sqlite")
def _in_sqlite(element: json_kind, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, name = (compiler.process(part, **kwargs) for part in element.clauses)
    return f"json_type({column}, '$.\"' || {name} || '\"')"


@compiles(json_kind)
def _in_postgres(element: json_kind, compiler: SQLCompiler, **kwargs: Any) -> str:
    column, name = (compiler.process(part, **kwargs) for part in element.clauses)
    value = f"({column} -> {name})"
    return (
        f"CASE json_typeof{value} WHEN 'number' THEN 'real' WHEN 'string' THEN 'text' "
        f"WHEN 'boolean' THEN {column} ->> {name} ELSE json_typeof{value} END"
    )


def as_sql(condition: Condition) -> ColumnElement[bool]:
    """The condition for a query of `Run`."""
    match condition:
        case Comparison(field, operator, values):
            return _comparison(field, operator, values)
        case Negation(part):
            return not_(as_sql(part))
        case Junction(word, parts):
            return (and_ if word == "and" else or_)(*map(as_sql, parts))


def number_of(field: Field) -> ColumnElement[Any]:
    """The number that a metric or a parameter is; NULL where it is none."""
    column = _column(field)
    return case((_kind(field).in_(_NUMBERS), column[field.name].as_float()))


def text_of(field: Field) -> ColumnElement[Any]:
    """The text that a parameter is; NULL where it is none."""
    return case((_kind(field) == "text", _column(field)[field.name].as_string()))


def order_by(field: Field, *, descending: bool) -> Order:
    """Runs by a metric, or by a parameter: its numbers before its texts. A text counts with its first characters."""
    if field.kind == Kind.METRIC:
        return Order([number_of(field)], descending)
    short = func.substr(text_of(field), 1, _SHORT, type_=String())
    return Order([number_of(field), short], descending)


def _column(field: Field) -> InstrumentedAttribute[Any]:
    return Run.metrics if field.kind == Kind.METRIC else Run.params


def _kind(field: Field) -> json_kind:
    return json_kind(_column(field), literal(field.name, String()))


def _comparison(field: Field, operator: str, values: tuple[Value, ...]) -> ColumnElement[bool]:
    if operator == "in":
        return or_(*(_comparison(field, "=", (value,)) for value in values))
    value = values[0]
    if field.kind == Kind.METRIC:
        return _compared(number_of(field), operator, value)
    if field.kind == Kind.PARAM:
        return _param(field, operator, value)
    return _COLUMNS[field.name](operator, value)


def _param(field: Field, operator: str, value: Value) -> ColumnElement[bool]:
    """Numbers with numbers, texts with texts: what is of another kind is not equal, and neither less nor more."""
    if operator not in {"=", "!="}:
        return _compared(text_of(field) if operator == "~" else number_of(field), operator, value)
    if isinstance(value, bool):
        equal = _kind(field) == ("true" if value else "false")
    elif isinstance(value, str):
        equal = text_of(field) == value
    else:
        # What was imported has its numbers as texts.
        written = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        equal = or_(_compared(number_of(field), "=", value), text_of(field) == written)
    known = func.coalesce(equal, false())
    return case((_kind(field) != "null", known if operator == "=" else not_(known)))


def _compared(column: Any, operator: str, value: Value) -> ColumnElement[bool]:
    found: ColumnElement[bool]
    if operator == "~":
        found = func.lower(column).contains(str(value).lower(), autoescape=True)
    else:
        # As what it is: bound as the column's type, Postgres would round 2.5 to compare it with a whole number.
        found = _COMPARE[operator](column, literal(value, Double()) if isinstance(value, float) else value)
    return found


Compared = Callable[[str, Any], ColumnElement[bool]]


def _plain(column: Any) -> Compared:
    return lambda operator, value: _compared(column, operator, value)


def _experiment(operator: str, value: Any) -> ColumnElement[bool]:
    return Run.experiment_id.in_(select(Experiment.id).where(_compared(Experiment.name, operator, value)))


def _dataset(operator: str, value: Any) -> ColumnElement[bool]:
    named = select(DatasetVersion.id).join(Dataset, Dataset.id == DatasetVersion.dataset_id)
    return _DATA.in_(named.where(_compared(Dataset.name, operator, value)))


def _dataset_version(operator: str, value: Any) -> ColumnElement[bool]:
    return _DATA.in_(select(DatasetVersion.id).where(_compared(DatasetVersion.number, operator, value)))


_COLUMNS: Final[Mapping[str, Compared]] = {
    "experiment": _experiment,
    "dataset": _dataset,
    "dataset_version": _dataset_version,
    "task": _plain(Run.spec["task"].as_string()),
    "target": _plain(Run.spec["target"].as_string()),
    "model": _plain(Run.spec["model"].as_string()),
    "state": _plain(_STATE),
    "environment_digest": _plain(func.nullif(Run.environment_digest, "")),
    **{
        name: _plain(getattr(Run, name))
        for name in (
            *("id", "trainer", "dataset_digest", "code_commit", "created_by", "sweep_id", "reproduces"),
            *("seed", "created_at", "started_at", "ended_at"),
        )
    },
}
