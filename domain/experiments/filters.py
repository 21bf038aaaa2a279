"""The filter language of runs: `metrics.mae < 50 and not (trainer in ("linear", "forest") or dataset ~ "bike")`.

A text becomes a tree of conditions here; `domain.experiments.conditions` makes SQL of it. Pure: no session, no clock.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import StrEnum
from math import isfinite
from typing import Final, NoReturn

from domain.errors import Invalid
from domain.experiments.states import RunState

LONGEST: Final = 2_000
_DEEPEST: Final = 20
_MOST_TOKENS: Final = 300

Operator = str
Value = str | float | bool | datetime


class BadRunFilter(Invalid):
    """The text is no filter; the message says at which character, and what was expected there."""

    code = "bad_run_filter"


class Kind(StrEnum):
    """What a field holds. Metrics and parameters hold what the run has under their name."""

    TEXT = "text"
    STATE = "state"
    NUMBER = "number"
    TIME = "time"
    METRIC = "metric"
    PARAM = "param"


FIELDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("id", "experiment", "trainer", "task", "target", "model", "dataset", "dataset_digest"), Kind.TEXT),
    **dict.fromkeys(("code_commit", "environment_digest", "created_by", "sweep_id", "reproduces"), Kind.TEXT),
    "state": Kind.STATE,
    **dict.fromkeys(("dataset_version", "seed"), Kind.NUMBER),
    **dict.fromkeys(("created_at", "started_at", "ended_at"), Kind.TIME),
}
_SPACES: Final = {"metrics": Kind.METRIC, "params": Kind.PARAM}
# What a run was asked with, under the names that MLflow and comparisons have for it.
_ALSO: Final = {"params.trainer": "trainer", "params.target": "target", "params.seed": "seed"}
_EQUAL: Final = ("=", "!=", "in")
_ORDER: Final = ("<", "<=", ">", ">=")
OPERATORS: Final[dict[Kind, tuple[Operator, ...]]] = {
    Kind.TEXT: (*_EQUAL, "~"),
    Kind.STATE: _EQUAL,
    Kind.NUMBER: (*_EQUAL, *_ORDER),
    Kind.TIME: _ORDER,
    Kind.METRIC: (*_EQUAL, *_ORDER),
    Kind.PARAM: (*_EQUAL, *_ORDER, "~"),
}


@dataclass(frozen=True)
class Field:
    """A column of the run (`state`), or a `name` inside its metrics or parameters."""

    kind: Kind
    name: str


@dataclass(frozen=True)
class Comparison:
    """A field with one value, or with several after `in`."""

    field: Field
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Junction:
    """All (`and`) or some (`or`) of the parts."""

    word: str
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True)
class Negation:
    part: "Condition"


Condition = Comparison | Junction | Negation


@dataclass(frozen=True)
class _Token:
    """`kind` is word, text (quoted), mark or end; `at` is the place of its first character, from 1."""

    kind: str
    text: str
    at: int


_TOKEN = re.compile(
    r"""\s+
    | (?P<mark> <= | >= | != | [=<>~(),] )
    | "(?P<double> (?:[^"\\\x00]|\\[^\x00])* )" | '(?P<single> (?:[^'\\\x00]|\\[^\x00])* )'
    | (?P<word> (?: [\w.\-+/:@%] | `[^`"\\\x00-\x1f]+` )+ )""",
    re.VERBOSE,
)
_NAME = re.compile(r"[^\"\\\x00-\x1f]{1,200}")


def parse(text: str) -> Condition:
    """The condition that `text` stands for. Raises `BadRunFilter`."""
    if len(text) > LONGEST:
        raise BadRunFilter(f"A filter has at most {LONGEST:,} characters, not {len(text):,}.", where="filter")
    return _Parser(_tokens(text)).whole()


def field_of(text: str) -> Field | None:
    """The field of that name; None when there is none."""
    text = _ALSO.get(text, text)
    if text in FIELDS:
        return Field(FIELDS[text], text)
    space, dot, name = text.partition(".")
    name = name[1:-1] if len(name) > 2 and name[0] == name[-1] == "`" else name
    return Field(_SPACES[space], name) if dot and space in _SPACES and _NAME.fullmatch(name) else None


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            what = "a quote that is never closed" if text[at] in "\"'`" else repr(text[at])
            _refuse(at + 1, what, "a field, an operator or a value")
        kind = match.lastgroup
        if kind is not None:
            written = match.group(kind)
            if kind in {"double", "single"}:
                kind, written = "text", re.sub(r"\\(.)", r"\1", written)
            found.append(_Token(kind, written, at + 1))
        at = match.end()
    if len(found) > _MOST_TOKENS:
        raise BadRunFilter(f"A filter has at most {_MOST_TOKENS} words and signs, not {len(found)}.", where="filter")
    return [*found, _Token("end", "", len(text) + 1)]


def _refuse(at: int, found: str, expected: str, *, fix: str | None = None) -> NoReturn:
    raise BadRunFilter(f"At character {at} there is {found}; expected {expected}.", where="filter", fix=fix)


class _Parser:
    """Recursive descent: `or` binds loosest, then `and`, then `not`."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    def whole(self) -> Condition:
        found = self._either()
        if self._next.kind != "end":
            self._fail("`and`, `or` or the end")
        return found

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._next
        self._place += 1
        return token

    def _takes(self, word: str) -> bool:
        """Whether the next token is this mark or word; it is taken then."""
        token = self._next
        here = token.kind in {"mark", "word"} and token.text.lower() == word
        self._place += here
        return here

    def _fail(self, expected: str, *, fix: str | None = None) -> NoReturn:
        token = self._next
        _refuse(token.at, "nothing more" if token.kind == "end" else repr(token.text[:60]), expected, fix=fix)

    def _either(self) -> Condition:
        return self._joined("or", self._both)

    def _both(self) -> Condition:
        return self._joined("and", self._one)

    def _joined(self, word: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self._takes(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"at most {_DEEPEST} levels of `not` and parentheses")
        found: Condition
        if self._takes("not"):
            found = Negation(self._one())
        elif self._takes("("):
            found = self._either()
            if not self._takes(")"):
                self._fail("`and`, `or` or `)`")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Comparison:
        token = self._next
        field = field_of(token.text) if token.kind == "word" else None
        if field is None:
            near = get_close_matches(token.text, FIELDS, n=1, cutoff=0.6)
            known = f"There are {', '.join(FIELDS)}, metrics.NAME and params.NAME."
            self._fail("a field, `not` or `(`", fix=f"Did you mean {near[0]!r}?" if near else known)
        self._take()
        fitting = OPERATORS[field.kind]
        operator = next((one for one in (*_EQUAL, *_ORDER, "~") if one == self._next.text.lower()), None)
        if operator not in fitting or self._next.kind not in {"mark", "word"}:
            self._fail(f"one of {' '.join(fitting)} after {token.text!r}")
        self._take()
        values = self._several(field) if operator == "in" else (self._value(field, operator),)
        return Comparison(field, operator, values)

    def _several(self, field: Field) -> tuple[Value, ...]:
        if not self._takes("("):
            self._fail("`(` and values with commas between")
        values = [self._value(field, "in")]
        while self._takes(","):
            values.append(self._value(field, "in"))
        if not self._takes(")"):
            self._fail("`,` or `)`")
        return tuple(values)

    def _value(self, field: Field, operator: Operator) -> Value:
        token = self._next
        if token.kind not in {"word", "text"}:
            self._fail(_EXPECTED[field.kind])
        value = _read(field.kind, operator, token)
        if value is None:
            self._fail("a number" if field.kind == Kind.PARAM else _EXPECTED[field.kind])
        self._take()
        return value


_EXPECTED: Final = {
    Kind.TEXT: "a text",
    Kind.STATE: f"one of {', '.join(RunState)}",
    Kind.NUMBER: "a number",
    Kind.TIME: "a time like 2026-01-31 or 2026-01-31T12:00:00Z",
    Kind.METRIC: "a number",
    Kind.PARAM: "a number, a text, true or false",
}


def _read(kind: Kind, operator: Operator, token: _Token) -> Value | None:
    """The value as the field has them; None when it is none of those."""
    match kind:
        case Kind.TEXT:
            return token.text
        case Kind.STATE:
            return token.text.lower() if token.text.lower() in set(RunState) else None
        case Kind.NUMBER | Kind.METRIC:
            return _number(token)
        case Kind.TIME:
            return _time(token.text)
        case Kind.PARAM:
            if operator == "~":
                return token.text
            number = _number(token)
            if number is not None or operator in _ORDER:
                return number
            written = token.text.lower()
            return written == "true" if token.kind == "word" and written in {"true", "false"} else token.text


def _number(token: _Token) -> float | None:
    """The finite number that is written there without quotes."""
    if token.kind != "word" or "_" in token.text:
        return None
    try:
        value = float(token.text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _time(text: str) -> datetime | None:
    """A date is its first moment in UTC, and so is a time without a zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
