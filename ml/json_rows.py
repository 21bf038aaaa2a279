"""Rows of JSON straight to the arrays of a model, when they are as they should be. For serving, through `ml.models`.

Decoding and checking are one pass of a decoder that is made for the signature. It takes nothing that
`Encoder.encode_rows` would refuse, and gives what that gives; whatever it does not take is read again there, with care.
"""

from collections.abc import Callable
from itertools import chain
from operator import attrgetter
from typing import Annotated, Any, Final

import msgspec
import numpy as np

from domain.registry.specs import InputColumn, Signature
from ml.encoding import EXACT, Encoder, Feeds

_WHOLE: Final = Annotated[int, msgspec.Meta(ge=-int(EXACT), le=int(EXACT))]
_NUMBER: Final = Annotated[float, msgspec.Meta(ge=-EXACT, le=EXACT)]
_TYPES: Final[dict[str, Any]] = {"integer": _WHOLE, "number": _NUMBER, "boolean": bool, "string": str}


class JsonRows:
    """The decoder of one signature."""

    def __init__(self, signature: Signature, encoder: Encoder) -> None:
        columns = {column.name: column for column in signature.inputs}
        self._encoder = encoder
        numbers = [f"n{index}" for index in range(len(encoder.number_names))]
        texts = [f"t{index}" for index in range(len(encoder.string_names))]
        names = dict(zip(numbers + texts, encoder.number_names + encoder.string_names, strict=True))
        fields = [(field, _type(columns[name])) for field, name in names.items()]
        # Rows live for the length of a call and refer to nothing that refers to them: the collector need not look.
        row = msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)
        self._decoder = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
        self._numbers, self._texts = _values_of(numbers), _values_of(texts)
        self._null_text = any(columns[name].nullable for name in encoder.string_names)

    @staticmethod
    def can_read(signature: Signature) -> bool:
        """Times, and numbers that stand for categories, are read value by value, which the encoder does as well."""
        return all(column.type in _TYPES and not column.category for column in signature.inputs)

    def encode(self, rows: bytes | msgspec.Raw) -> Feeds | None:
        """Feeds for a JSON array of rows; None when there are none, or anything about them is unusual."""
        try:
            decoded = self._decoder.decode(rows)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return None
        if not decoded:
            return None
        texts = self._texts(decoded)
        if self._null_text:
            missing = self._encoder.missing
            texts = [missing if text is None else text for text in texts]
        # A null among the numbers becomes NaN here.
        numbers = np.array(self._numbers(decoded), dtype=np.float32)
        return self._encoder.feeds(len(decoded), numbers, np.array(texts, dtype=object))


def _values_of(fields: list[str]) -> Callable[[list[Any]], list[Any]]:
    """A function that gives the values of these fields, row after row, in one list."""
    if not fields:
        return lambda rows: []
    get = attrgetter(*fields)
    if len(fields) == 1:
        return lambda rows: list(map(get, rows))
    return lambda rows: list(chain.from_iterable(map(get, rows)))


def _type(column: InputColumn) -> Any:
    kind = _TYPES[column.type]
    return kind | None if column.nullable else kind
