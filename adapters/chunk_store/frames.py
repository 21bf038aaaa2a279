"""How chunks are stored: as they are, compressed, or as a difference from another chunk. Pure.

A frame holds one chunk, or several small ones that compress better together. A difference is what Zstandard makes of a
chunk with another one as its dictionary (as `zstd --patch-from` does): an edited row costs a few dozen bytes.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import zstandard

# Level 1 of Zstandard with a smaller table: a fifth faster, for 1.5 % more bytes of a csv.
_FAST = zstandard.ZstdCompressionParameters(
    window_log=18,
    chain_log=12,
    hash_log=12,
    search_log=1,
    min_match=6,
    target_length=0,
    strategy=zstandard.STRATEGY_FAST,
    write_content_size=True,
)
DIFFERENCE_LEVEL = 3
LARGEST_FRAME = 2**20
"""Bytes a frame may decode to."""
WORTHWHILE = 0.95
"""What compression must come to, as a share of the bytes; else they are stored as they are."""


class Encoding(IntEnum):
    RAW = 0
    ZSTD = 1
    DIFFERENCE = 2


class BadFrame(ValueError):
    """The stored bytes are not what they are said to be."""


class Chunk(NamedTuple):
    """A chunk inside a frame: its name, its size in bytes, its fingerprints."""

    digest: bytes
    size: int
    head: int | None
    tail: int | None


@dataclass(frozen=True)
class Frame:
    """Stored bytes and the chunks they decode to, one behind the other; `base` names the other side of a difference.

    A loose one is as it arrived, and may come to less.
    """

    stored: bytes
    encoding: Encoding
    base: bytes | None
    chunks: tuple[Chunk, ...]
    loose: bool = False


def encode(data: bytes) -> tuple[Encoding, bytes]:
    """`data` compressed, or as it is where that does not help."""
    packed = _compressor().compress(data)
    return (Encoding.ZSTD, packed) if len(packed) < WORTHWHILE * len(data) else (Encoding.RAW, data)


def encode_difference(data: bytes, base: bytes) -> bytes | None:
    """`data` as a difference from `base`; None where that comes to a quarter of it or more: they are not that alike."""
    dictionary = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    packed = zstandard.ZstdCompressor(level=DIFFERENCE_LEVEL, dict_data=dictionary).compress(data)
    return packed if len(packed) < len(data) // 4 else None


def encode_chunk(chunk: Chunk, data: bytes, base: tuple[bytes, bytes] | None, compressed: bytes | None = None) -> Frame:
    """A frame of one chunk: a difference from `base` (digest and bytes) where they are alike, else by itself.

    `compressed` is what it comes to by itself, where that is known.
    """
    if base is not None:
        difference = encode_difference(data, base[1])
        if difference is not None:
            return Frame(difference, Encoding.DIFFERENCE, base[0], (chunk,))
    encoding, stored = encode(data) if compressed is None else (Encoding.ZSTD, compressed)
    return Frame(stored, encoding, None, (chunk,))


def decode(stored: bytes | memoryview, encoding: int, base: bytes | None = None) -> bytes:
    """The bytes of a frame. Raises BadFrame; a frame that claims to hold more than any frame does is not unpacked."""
    if encoding == Encoding.RAW:
        return bytes(stored)
    try:
        if not 0 <= zstandard.frame_content_size(stored) <= LARGEST_FRAME:
            raise BadFrame("it is no frame of the size that frames have")
        if encoding == Encoding.DIFFERENCE:
            if base is None:
                raise BadFrame("a difference without its base")
            dictionary = zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
            return zstandard.ZstdDecompressor(dict_data=dictionary).decompress(stored)
        return _decompressor().decompress(stored)
    except zstandard.ZstdError as error:
        raise BadFrame(str(error)) from error


def sliced(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """`data` cut into pieces of these sizes."""
    start, pieces = 0, []
    for size in sizes:
        pieces.append(data[start : start + size])
        start += size
    return pieces


_of_thread = threading.local()


def _compressor() -> zstandard.ZstdCompressor:
    """One per thread: they keep their tables, and are not for two threads at once."""
    if not hasattr(_of_thread, "compressor"):
        _of_thread.compressor = zstandard.ZstdCompressor(compression_params=_FAST)
    compressor: zstandard.ZstdCompressor = _of_thread.compressor
    return compressor


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_of_thread, "decompressor"):
        _of_thread.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _of_thread.decompressor
    return decompressor
