"""What the things on a server have in common: their last known state, read when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from millrace.errors import Problem

if TYPE_CHECKING:
    from millrace.client import Client

T = TypeVar("T")


class Thing(Generic[T]):
    """Attributes that are not its own are those of `data`: `version.rows` is `version.data.rows`."""

    def __init__(self, client: Client, data: T | None = None) -> None:
        self.client = client
        self._data = data

    @property
    def data(self) -> T:
        """As it was last read."""
        if self._data is None:
            self._data = self._read()
        return self._data

    @data.setter
    def data(self, data: T) -> None:
        self._data = data

    def refresh(self) -> Self:
        """Read it again."""
        self._data = self._read()
        return self

    def _read(self) -> T:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what notebooks and copy look for is not worth a request
            raise AttributeError(name)
        return getattr(self.data, name)

    def __dir__(self) -> list[str]:
        known = vars(self._data) if hasattr(self._data, "__dict__") else getattr(self._data, "__slots__", ())
        return [*super().__dir__(), *known]


@contextmanager
def near(what: str, name: str, known: Callable[[], list[str]]) -> Iterator[None]:
    """When there is no such name, says which are near it."""
    try:
        yield
    except Problem as problem:
        if problem.status != 404 or problem.fix:
            raise
        try:
            names = known()
        except Problem:
            raise problem from None
        if name not in names:
            matches = get_close_matches(name, names, n=3) or sorted(names)[:5]
            listed = ", ".join(map(repr, matches))
            problem.fix = f"Did you mean {listed}?" if matches else f"There are no {what} yet."
        raise
