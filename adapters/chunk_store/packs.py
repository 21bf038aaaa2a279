"""The format of a pack: magic, frames one behind the other, and a directory at the end that names every chunk in it.

The directory repeats what the database knows, so that a pack can be read, and the index made anew, without it.
"""

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import zstandard

from adapters.chunk_store.frames import BadFrame, Chunk, Encoding, Frame
from adapters.object_store.protocol import ObjectStore, StoreFull, StoreUnavailable
from adapters.object_store.troubles import Trouble, trouble_of
from domain.db import new_id

MAGIC = b"MILLRACE-PACK-1\n"
_TAIL = struct.Struct("<Q16s")
FULL = 64 * 2**20
"""Bytes at which a pack is closed."""


def pack_key(pack_id: str) -> str:
    """Where a pack lies. Ids begin with their time: the end is what spreads them."""
    return f"packs/{pack_id[-2:]}/{pack_id}"


class PackFile:
    """A pack that grows in the scratch folder. `seal` puts it into the store, `discard` forgets it."""

    def __init__(self, store: ObjectStore) -> None:
        self.id = new_id()
        self._store = store
        self._path = Path(tempfile.gettempdir())
        with self._growing():
            handle, name = tempfile.mkstemp(prefix="millrace-pack-", dir=_scratch(store))
            self._path = Path(name)
            self._file: BinaryIO = os.fdopen(handle, "wb")
            self._file.write(MAGIC)
        self.size = len(MAGIC)
        self.chunks: list[dict[str, Any]] = []
        self._loose = False
        self._frames: list[Any] = []

    def add(self, frame: Frame) -> None:
        with self._growing():
            self._file.write(frame.stored)
        skip = 0
        for chunk in frame.chunks:
            self.chunks.append(
                {
                    "digest": chunk.digest,
                    "pack_id": self.id,
                    "offset": self.size,
                    "stored": len(frame.stored),
                    "encoding": int(frame.encoding),
                    "base": frame.base,
                    "skip": skip,
                    "size": chunk.size,
                    "head": chunk.head,
                    "tail": chunk.tail,
                }
            )
            skip += chunk.size
        self._frames.append(_described(frame))
        self._loose |= frame.loose
        self.size += len(frame.stored)

    def seal(self) -> dict[str, Any]:
        """Write the directory, put the pack where it belongs, and give its row."""
        payload = self.size - len(MAGIC)
        directory = zstandard.ZstdCompressor().compress(orjson.dumps(self._frames))
        with self._growing():
            self._file.write(directory)
            self._file.write(_TAIL.pack(len(directory), MAGIC))
        self.size += len(directory) + _TAIL.size
        key = pack_key(self.id)
        try:
            with self._growing(), self._file:
                self._file.flush()
                os.fsync(self._file.fileno())
            target = self._store.local_path(key)
            if target is None:
                self._store.upload(self._path, key)
            else:  # the same disk: a rename instead of a second copy
                with self._growing():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    self._path.replace(target)
        finally:
            self._path.unlink(missing_ok=True)
        return {"id": self.id, "size": self.size, "payload": payload, "loose": self._loose}

    def discard(self) -> None:
        with suppress(OSError):  # what it could not write is of no use now
            self._file.close()
        self._path.unlink(missing_ok=True)

    @contextmanager
    def _growing(self) -> Iterator[None]:
        """Errors of the disk in the store's words."""
        try:
            yield
        except OSError as error:
            kind = StoreFull if trouble_of(error) is Trouble.FULL else StoreUnavailable
            what = f"A pack cannot be written below {self._path.parent}: {error.strerror or error}."
            raise kind(what, where="store", fix="Make room on its disk." if kind is StoreFull else None) from error


def read_directory(file: BinaryIO) -> Iterator[tuple[int, int, Encoding, bytes | None, list[Chunk]]]:
    """Offset, stored size, encoding, base and chunks of every frame of a pack. Raises BadFrame when it is no pack."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL.size))
    tail = file.read(_TAIL.size)
    if len(tail) < _TAIL.size or not tail.endswith(MAGIC):
        raise BadFrame("it does not end as a pack does")
    length, _ = _TAIL.unpack(tail)
    if length > size:
        raise BadFrame("its directory is longer than the pack")
    file.seek(size - _TAIL.size - length)
    try:
        frames = orjson.loads(zstandard.ZstdDecompressor().decompress(file.read(length)))
    except (zstandard.ZstdError, orjson.JSONDecodeError) as error:
        raise BadFrame(f"its directory cannot be read: {error}") from error
    offset = len(MAGIC)
    for stored, encoding, base, chunks in frames:
        yield (
            offset,
            stored,
            Encoding(encoding),
            bytes.fromhex(base) if base else None,
            [Chunk(bytes.fromhex(digest), size, head, tail) for digest, size, head, tail in chunks],
        )
        offset += stored


def _described(frame: Frame) -> list[Any]:
    chunks = [[chunk.digest.hex(), chunk.size, chunk.head, chunk.tail] for chunk in frame.chunks]
    return [len(frame.stored), int(frame.encoding), frame.base.hex() if frame.base else None, chunks]


def _scratch(store: ObjectStore) -> Path | None:
    """Where a pack grows: beside the store when it is local, so that filing it is a rename."""
    beside = store.local_path(".incoming")
    return beside if beside is not None and beside.is_dir() else None
