"""What goes between the router and a protocol: `Ask` in, `Answer` out, `Reply` as bytes."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from domain.registry.specs import Label

Headers = list[tuple[bytes, bytes]]

# Beyond this many the header of ids would grow past what clients and proxies take.
MAX_HEADER_IDS = 100


class Ask:
    """The rows of a request. `noun` is what the protocol calls them, for the places in errors.

    `raw` is the JSON array of the rows, byte for byte, where they came as one: a model that reads JSON itself takes
    that, and the recorder keeps it. The `rows` are then read when somebody asks for them, by the function given in
    their place, which raises what is wrong with them.
    """

    __slots__ = ("_rows", "id", "noun", "raw")

    def __init__(
        self,
        rows: list[dict[str, Any]] | Callable[[], list[dict[str, Any]]],
        noun: str = "instances",
        id: str | None = None,
        raw: bytes | Raw | None = None,
    ) -> None:
        self._rows = rows
        self.noun = noun
        self.id = id
        self.raw = raw

    @property
    def rows(self) -> list[dict[str, Any]]:
        if callable(self._rows):
            self._rows = self._rows()
        return self._rows


class Answer(NamedTuple):
    """One answer by one version. `probabilities` [rows, classes] in the order of `classes`."""

    endpoint: str
    version: int
    ids: list[str]
    predictions: Sequence[Any]
    probabilities: NDArray[np.float64] | None
    classes: Sequence[Label]
    ask: Ask


class Reply(NamedTuple):
    status: int
    body: bytes
    headers: Headers
    content_type: bytes = b"application/json"


def ids_header(answer: Answer) -> Headers:
    """`X-Prediction-Ids`, where there are few enough for a header."""
    if len(answer.ids) > MAX_HEADER_IDS:
        return []
    return [(b"x-prediction-ids", ",".join(answer.ids).encode())]
