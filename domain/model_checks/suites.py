"""What a suite may ask of a model: pure. The places are those of its document, `checks.2.change.column`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from hashlib import sha256
from typing import Any

from domain.errors import Invalid
from domain.model_checks.specs import ModelCheckSpec, ModelSuite
from domain.model_checks.words import placeholders, unknown_lexicon

Place = tuple[str | int, ...]


class UnknownColumn(Invalid):
    code = "unknown_column"


def digest_of(suite: ModelSuite) -> str:
    """The SHA-256 of what the suite says, however its document is written."""
    return sha256(suite.model_dump_json().encode()).hexdigest()


def refuse_unknown_words(suite: ModelSuite) -> None:
    """Raise `UnknownLexicon` for the first `{name}` in a template or a change that no lexicon of the suite has."""
    for place, text in _texts_of(suite.checks):
        for name in placeholders(text):
            if name not in suite.lexicons:
                raise unknown_lexicon(name, suite.lexicons, where=_dotted(place))


def refuse_unknown_columns(
    checks: Sequence[ModelCheckSpec], *, inputs: Collection[str], columns: Collection[str]
) -> None:
    """Raise `UnknownColumn` for the first one that is not there.

    What is changed or written must be one of the model's `inputs`; slices and groups may be any of the rows' `columns`.
    """
    for place, name, of_rows in _named_columns(checks):
        known = columns if of_rows else inputs
        if name not in known:
            what = "The rows have" if of_rows else "The model takes"
            raise UnknownColumn(
                f"{what} no column {name!r}.", where=_dotted(place), fix=_near(name, known, ", ".join(known))
            )


def _texts_of(checks: Sequence[ModelCheckSpec]) -> Iterator[tuple[Place, str]]:
    """Every text that may draw words, with its place: templates, phrases, and words replaced by others."""
    for number, check in enumerate(checks):
        said = check.model_dump(mode="json")
        change = said.get("change") or {}
        place: Place = ("checks", number)
        yield from _listed((*place, "templates", "texts"), (said.get("templates") or {}).get("texts", []))
        yield from _listed((*place, "change", "phrases"), change.get("phrases", []))
        for word, into in change.get("words", {}).items():
            here = (*place, "change", "words", word)
            yield here, word
            yield from [(here, into)] if isinstance(into, str) else _listed(here, into)


def _listed(place: Place, texts: Sequence[str]) -> Iterator[tuple[Place, str]]:
    yield from (((*place, number), text) for number, text in enumerate(texts))


def _named_columns(checks: Sequence[ModelCheckSpec]) -> Iterator[tuple[Place, str, bool]]:
    """Where a column is named, its name, and whether it may be any column of the rows."""
    for number, check in enumerate(checks):
        said, place = check.model_dump(mode="json"), ("checks", number)
        yield from ((*found, True) for found in _names(said, place, ("by", "columns")))
        yield from ((*found, False) for found in _names(said, place, ("column",)))
        for part, fields in (("change", ("column", "columns")), ("templates", ("column", "rest"))):
            yield from ((*found, False) for found in _names(said.get(part) or {}, (*place, part), fields))
        for row, expected in enumerate(said.get("rows") or [] if isinstance(said.get("rows"), list) else []):
            yield from ((*found, False) for found in _names(expected, (*place, "rows", row), ("instance",)))


def _names(said: Mapping[str, Any], place: Place, fields: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """The names in fields that hold one, a list of them, or an object that has them as keys."""
    for field in fields:
        value = said.get(field)
        if isinstance(value, str):
            yield (*place, field), value
        elif isinstance(value, list):
            yield from (((*place, field, number), name) for number, name in enumerate(value))
        elif isinstance(value, dict):
            yield from (((*place, field, name), name) for name in value)


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))


def _near(name: str, known: Collection[str], listed: str) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {near[0]!r}?" if near else f"There are {listed}."
