"""Row conditions of Great Expectations: which rows an expectation looks at.

GX hands them to pandas' `query`, which calls methods and reads Python objects: `age.to_csv('x')` writes a file,
`@pd.io.common.os.system('x')` runs a program. Here they are read by a grammar of comparisons and nothing else; what GX
gets is written anew from what was read (`as_pandas`), so that the two can never read one text differently.
"""

import ast
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Scalar = str | int | float | bool
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_NULLITY = {"isnull": True, "isna": True, "notnull": False, "notna": False}
_BACKTICKS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`([^`]*)`")
_DEEPEST = 50
_LONGEST = 5_000


class BadCondition(ValueError):
    """The condition is not one of comparisons of columns with values."""


@dataclass(frozen=True)
class Column:
    name: str


@dataclass(frozen=True)
class Comparison:
    left: Column
    operator: str
    right: "Column | Scalar | tuple[Scalar, ...]"


@dataclass(frozen=True)
class Nullity:
    column: Column
    null: bool


@dataclass(frozen=True)
class Junction:
    """All (`and`) or some (`or`) of the parts."""

    word: str
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True)
class Negation:
    part: "Condition"


Condition = Comparison | Nullity | Junction | Negation


def parse(condition: Any) -> Condition:
    """The condition from what a suite has under `row_condition`: pandas' text or GX's object. Raises BadCondition."""
    if isinstance(condition, str):
        return _parse_text(condition)
    if isinstance(condition, dict):
        return _parse_object(condition, 0)
    raise BadCondition("a row condition is text or an object")


def as_pandas(condition: Condition) -> str:
    """The condition as `DataFrame.query` reads it."""
    match condition:
        case Comparison(left, operator, right):
            return f"({_pandas(left)} {operator} {_pandas(right)})"
        case Nullity(column, null):
            return f"{_pandas(column)}.{'isnull' if null else 'notnull'}()"
        case Negation(part):
            return f"(not {as_pandas(part)})"
        case Junction(word, parts):
            return f"({f' {word} '.join(map(as_pandas, parts))})"


def as_sql(condition: Condition) -> str:
    """The condition in SQL. As in pandas a comparison with nothing is false (and `!=` true), never null."""
    match condition:
        case Comparison(left, operator, right):
            symbol = {"==": "=", "!=": "<>", "in": "IN", "not in": "NOT IN"}.get(operator, operator)
            missing = "TRUE" if operator in ("!=", "not in") else "FALSE"
            return f"COALESCE({_sql(left)} {symbol} {_sql(right)}, {missing})"
        case Nullity(column, null):
            return f"{_sql(column)} IS {'NULL' if null else 'NOT NULL'}"
        case Negation(part):
            return f"NOT ({as_sql(part)})"
        case Junction(word, parts):
            return f"({f' {word.upper()} '.join(map(as_sql, parts))})"


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Scalar) -> str:
    """A value in SQL."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def _parse_text(text: str) -> Condition:
    if len(text) > _LONGEST:
        raise BadCondition(f"a row condition has at most {_LONGEST:,} characters")
    names: dict[str, str] = {}

    def placeholder(match: re.Match[str]) -> str:
        if match.group(1) is None:
            return match.group()
        word = f"backticked_{len(names)}_"
        names[word] = match.group(1)
        return word

    try:
        tree = ast.parse(_BACKTICKS.sub(placeholder, text).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadCondition(f"{text!r} cannot be read as a condition of pandas") from error
    return _read(tree, names, 0)


def _read(node: ast.expr, names: Mapping[str, str], depth: int) -> Condition:
    if depth > _DEEPEST:
        raise BadCondition("the condition is nested too deeply")
    match node:
        case ast.BoolOp(op, parts):
            word = "and" if isinstance(op, ast.And) else "or"
            return Junction(word, tuple(_read(part, names, depth + 1) for part in parts))
        case ast.BinOp(left, ast.BitAnd() | ast.BitOr() as op, right):
            word = "and" if isinstance(op, ast.BitAnd) else "or"
            return Junction(word, (_read(left, names, depth + 1), _read(right, names, depth + 1)))
        case ast.UnaryOp(ast.Not() | ast.Invert(), part):
            return Negation(_read(part, names, depth + 1))
        case ast.Compare(left, operators, rights):
            sides = [left, *rights]
            found = tuple(
                _comparison(first, operator, second, names)
                for first, operator, second in zip(sides, operators, rights, strict=False)
            )
            return found[0] if len(found) == 1 else Junction("and", found)
        case ast.Call(ast.Attribute(ast.Name(name), word), [], []) if word in _NULLITY:
            return Nullity(_column(names.get(name, name)), _NULLITY[word])
        case ast.Name(name):
            return Comparison(_column(names.get(name, name)), "==", True)
    raise BadCondition(
        f"`{ast.unparse(node)[:100]}` is not taken: a row condition compares columns with values "
        "(==, !=, <, <=, >, >=, in, not in, isnull, notnull) and joins that by and, or, not"
    )


def _comparison(left: ast.expr, operator: ast.cmpop, right: ast.expr, names: Mapping[str, str]) -> Condition:
    symbol = _COMPARISONS.get(type(operator))
    if symbol is None:
        raise BadCondition("`is` is not taken: write == or isnull()")
    first, second = _side(left, names), _side(right, names)
    if isinstance(first, Column):
        return Comparison(first, symbol, second)
    turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}.get(symbol)
    if isinstance(second, Column) and turned and not isinstance(first, tuple):
        return Comparison(second, turned, first)
    raise BadCondition(f"`{ast.unparse(left)[:100]}` is not a column")


def _side(node: ast.expr, names: Mapping[str, str]) -> Column | Scalar | tuple[Scalar, ...]:
    match node:
        case ast.Name(name):
            return _column(names.get(name, name))
        case ast.Constant(value):
            return _scalar(value)
        case ast.UnaryOp(ast.USub(), ast.Constant(int() | float() as value)) if not isinstance(value, bool):
            return -value
        case ast.List(elements) | ast.Tuple(elements) | ast.Set(elements):
            values = [_side(element, names) for element in elements]
            if values and all(isinstance(value, Scalar) for value in values):
                return tuple(value for value in values if isinstance(value, Scalar))
    raise BadCondition(f"`{ast.unparse(node)[:100]}` is neither a column nor a value")


def _parse_object(value: Mapping[str, Any], depth: int) -> Condition:
    """GX's own conditions, as its suites carry them."""
    if depth > _DEEPEST:
        raise BadCondition("the condition is nested too deeply")
    match value:
        case {"type": "comparison", "column": {"name": str(name)}, "operator": str(operator), "parameter": parameter}:
            symbol = {"IN": "in", "NOT_IN": "not in"}.get(operator, operator)
            many = symbol in ("in", "not in")
            if symbol not in _COMPARISONS.values() or many != isinstance(parameter, list) or parameter == []:
                raise BadCondition(f"the operator {operator!r} does not go with {parameter!r}")
            right = tuple(_scalar(one) for one in parameter) if many else _scalar(parameter)
            return Comparison(_column(name), symbol, right)
        case {"type": "nullity", "column": {"name": str(name)}, "is_null": bool(null)}:
            return Nullity(_column(name), null)
        case {"type": "and" | "or" as word, "conditions": [*parts]} if parts:
            if all(isinstance(part, dict) for part in parts):
                return Junction(word, tuple(_parse_object(part, depth + 1) for part in parts))
        case {"type": "pass_through", "pass_through_filter": str(text)}:
            return _parse_text(text)
    raise BadCondition("this is not a condition as Great Expectations 1.x writes them")


def _column(name: str) -> Column:
    if not name or "`" in name or name.startswith("@"):
        raise BadCondition(f"{name!r} cannot be a column in a row condition")
    return Column(name)


def _scalar(value: Any) -> Scalar:
    if not isinstance(value, Scalar) or (isinstance(value, str) and "`" in value):
        raise BadCondition(f"{value!r} is not a value that a column can be compared with")
    return value


def _pandas(side: Column | Scalar | tuple[Scalar, ...]) -> str:
    if isinstance(side, Column):
        plain = side.name.isidentifier() and not keyword.iskeyword(side.name)
        return side.name if plain else f"`{side.name}`"
    return repr(list(side)) if isinstance(side, tuple) else repr(side)


def _sql(side: Column | Scalar | tuple[Scalar, ...]) -> str:
    if isinstance(side, Column):
        return quoted(side.name)
    return f"({', '.join(map(literal, side))})" if isinstance(side, tuple) else literal(side)
