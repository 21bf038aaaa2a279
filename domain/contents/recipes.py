"""The recipe of a content: its chunks in order, as bytes. Pure.

Per chunk 36 bytes: the BLAKE3 of the chunk and its size (little-endian, 32 bits).
"""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_ENTRY = struct.Struct("<32sI")


class Part(NamedTuple):
    """One chunk of a content: its BLAKE3 and its size in bytes."""

    digest: bytes
    size: int


def pack(parts: Iterable[tuple[bytes, int]]) -> bytes:
    return b"".join(_ENTRY.pack(*part) for part in parts)


def unpack(recipe: bytes | memoryview) -> list[Part]:
    """The chunks of a recipe. Raises ValueError when it is not one."""
    if len(recipe) % _ENTRY.size:
        raise ValueError(f"a recipe has {_ENTRY.size} bytes per chunk, and this one {len(recipe)} in all")
    return list(map(Part._make, _ENTRY.iter_unpack(recipe)))


def digests(recipe: bytes) -> Iterator[bytes]:
    """The digests of a recipe alone, for walks over many of them."""
    for start in range(0, len(recipe), _ENTRY.size):
        yield recipe[start : start + 32]
