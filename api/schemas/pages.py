"""A page of anything."""

from collections.abc import Callable
from typing import Generic, TypeVar

from pydantic import BaseModel

from domain.pages import Page

T = TypeVar("T")
R = TypeVar("R")


class PageRead(BaseModel, Generic[T]):
    """`next_cursor` is given as `cursor` to read on; null on the last page."""

    items: list[T]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page[R], read: Callable[[R], T]) -> "PageRead[T]":
        return cls(items=[read(row) for row in page.items], next_cursor=page.next_cursor)
