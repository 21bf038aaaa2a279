"""Texts made from templates and the words of a suite's lexicons, and rows that carry them."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from domain.errors import Invalid
from domain.model_checks.specs import Templates, filled, placeholders, unknown_lexicon
from domain.registry.specs import InputColumn, Signature
from ml.encoding import Encoder
from ml.values import did_you_mean

Lexicons = Mapping[str, Sequence[str]]
_DTYPES: Final[dict[str, pl.DataType]] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "string": pl.String(),
    "boolean": pl.Boolean(),
    "datetime": pl.String(),  # the encoder reads ISO 8601
}


class UnfitText(Invalid):
    """The model has no such text, or more than one and none is named."""

    code = "unfit_text"


def words_for(text: str, lexicons: Lexicons, limit: int) -> list[dict[str, str]]:
    """Words for the placeholders of `text`: every combination, or `limit` of them, the same each time.

    A placeholder that occurs twice takes one word. Raises `UnknownLexicon`.
    """
    names = placeholders(text)
    for name in names:
        if name not in lexicons:
            raise unknown_lexicon(name, lexicons, where=text)
    choices = [list(dict.fromkeys(lexicons[name])) for name in names]
    total = math.prod(map(len, choices))
    chosen: Sequence[int] = range(total)
    if total > limit:
        generator = random.Random(text)  # noqa: S311 - a sample that is the same each time, not a secret
        drawn: set[int] = set()
        while len(drawn) < limit:  # the number of combinations may be beyond what `sample` takes
            drawn.add(generator.randrange(total))
        chosen = sorted(drawn)
    return [_combination(number, names, choices) for number in chosen]


def _combination(number: int, names: list[str], choices: list[list[str]]) -> dict[str, str]:
    words = {}
    for name, choice in zip(names, choices, strict=True):
        number, place = divmod(number, len(choice))
        words[name] = choice[place]
    return words


def expand(texts: Sequence[str], lexicons: Lexicons, limit: int) -> list[str]:
    """At most `limit` texts, no text twice; each template gives as many as the others, as far as it has them."""
    made = [[filled(text, words) for words in words_for(text, lexicons, limit)] for text in texts]
    left = limit
    shares: dict[int, int] = {}
    for done, place in enumerate(sorted(range(len(made)), key=lambda place: len(made[place]))):
        shares[place] = min(len(made[place]), left // (len(made) - done))
        left -= shares[place]
    kept = [_evenly(of_one, shares[place]) for place, of_one in enumerate(made)]
    return list(dict.fromkeys(text for of_one in kept for text in of_one))


def _evenly(texts: list[str], count: int) -> list[str]:
    if count >= len(texts):
        return texts
    places = sorted(random.Random(len(texts)).sample(range(len(texts)), count))  # noqa: S311 - as above
    return [texts[place] for place in places]


def text_input(name: str | None, signature: Signature) -> str:
    """The input called `name`, or the only text input. Raises `UnfitText`."""
    texts = [column.name for column in signature.inputs if column.type == "string"]
    if name is None:
        if len(texts) == 1:
            return texts[0]
        fix = f"Say which with column: one of {', '.join(map(repr, texts))}." if texts else None
        raise UnfitText(f"The model has {len(texts) or 'no'} text inputs.", where="column", fix=fix)
    if name not in texts:
        known = {column.name: column for column in signature.inputs}
        if name in known:
            raise UnfitText(f"{name!r} is {known[name].type}, not a text.", where="column")
        raise UnfitText(f"The model has no text input {name!r}.", where="column", fix=did_you_mean(name, texts))
    return name


def template_rows(templates: Templates, signature: Signature, lexicons: Lexicons) -> pl.DataFrame:
    """One row per text with every input of the model: `rest` for the others, null where that is allowed.

    Raises a kind of `Invalid` for an unknown lexicon or input, and for a value that the input cannot hold.
    """
    target = text_input(templates.column, signature)
    texts = expand(templates.texts, lexicons, templates.limit)
    nulls = {column.name: None for column in signature.inputs if column.nullable}
    Encoder(signature).encode_rows([{**nulls, **templates.rest, target: texts[0]}])  # or the reason why not
    return pl.DataFrame(
        [_column(column, texts if column.name == target else templates.rest, len(texts)) for column in signature.inputs]
    )


def _column(column: InputColumn, values: list[str] | dict[str, object], rows: int) -> pl.Series:
    given = values if isinstance(values, list) else [values.get(column.name)] * rows
    return pl.Series(column.name, given, dtype=_DTYPES[column.type])
