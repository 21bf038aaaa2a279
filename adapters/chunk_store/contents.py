"""`Contents`: bytes by their MD5, as DVC names them, on top of chunks. The door of this package."""

import io
import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime
from hashlib import md5
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from blake3 import blake3

from adapters.chunk_store.batch import Batch, Ready
from adapters.chunk_store.chunks import Chunker
from adapters.chunk_store.packs import PackFile, pack_key
from adapters.chunk_store.reader import ChunkReader
from adapters.database import Database
from adapters.object_store.protocol import ObjectMissing, ObjectStore
from domain.access.actor import PLATFORM
from domain.contents import queries, recipes, service
from domain.contents.recipes import Part
from domain.datasets.manifest import StoredContent
from domain.db import ReadSession, WriteSession
from domain.errors import Invalid

BITE = 2**20


class WrongDigest(Invalid):
    """The bytes that arrived have another MD5 than they were announced with."""

    code = "wrong_md5"

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"The bytes have the MD5 {found}, not {expected}.", where="body", fix="Send them again.")


class Contents:
    """The content-addressed part of the data store."""

    def __init__(self, store: ObjectStore, database: Database, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._database = database
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="chunks")
        self._reader = ChunkReader(store, self._reading, self._pool)
        self._gathering = threading.Lock()
        self._recording = threading.Lock()
        self._waiting: list[_Waiting] = []

    def batch(self) -> "ContentBatch":
        """For many contents at once: they become readable together, when it is kept."""
        return ContentBatch(self, Batch(self._store, self._reading, self._reader, self._pool))

    def sink(self) -> "ContentSink":
        """For one content as it arrives."""
        return self.batch().sink(alone=True)

    def add(self, data: bytes) -> StoredContent:
        return self.add_stream(io.BytesIO(data))

    def add_file(self, path: Path) -> StoredContent:
        with path.open("rb") as file:
            return self.add_stream(file)

    def add_stream(self, source: BinaryIO) -> StoredContent:
        with self.batch() as batch:
            return batch.add_stream(source)

    def put_listing(self, data: bytes) -> str:
        """Keep DVC's listing of a folder; its digest, with `.dir`."""
        with self.batch() as batch:
            return batch.add_listing(data)

    def exists(self, digest: str) -> bool:
        return bool(self.sizes([digest]))

    def sizes(self, digests: Collection[str]) -> dict[str, int]:
        """The size in bytes of each of these that is there."""
        with self._reading() as session:
            return queries.sizes_of(session, digests)

    def refuse_missing(self, digests: Collection[str]) -> None:
        """Raises `ObjectMissing` unless all of these are there."""
        lacking = set(digests) - self.sizes(digests).keys()
        if lacking:
            raise _missing(min(lacking))

    def size(self, digest: str) -> int:
        """Raises `ObjectMissing`, as all that read do."""
        size = self.sizes([digest]).get(digest)
        if size is None:
            raise _missing(digest)
        return size

    def open(self, digest: str) -> BinaryIO:
        """A readable, seekable stream."""
        return cast("BinaryIO", io.BufferedReader(_Reader(self._parts(digest), self._reader), BITE))

    def read(self, digest: str) -> bytes:
        return b"".join(self.stream(digest))

    def stream(self, digest: str, start: int = 0) -> Iterator[bytes]:
        """The bytes from `start` on, chunk by chunk; a chunk is verified before it is handed out."""
        return _from(self._parts(digest), self._reader, start)

    def many(self, digests: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Whole contents in no particular order, for small ones: a few requests for all of them."""
        with self._reading() as session:
            found = queries.recipes_of(session, list(digests))
        lacking = next((digest for digest in digests if digest not in found), None)
        if lacking is not None:
            raise _missing(lacking)
        for window in _by_size({digest: recipes.unpack(recipe) for digest, recipe in found.items()}):
            chunks = self._reader.chunks({part.digest for parts in window.values() for part in parts})
            for digest, parts in window.items():
                yield digest, b"".join(chunks[part.digest] for part in parts)

    def fetch(self, digest: str, path: Path) -> None:
        stream = self.stream(digest)
        with path.open("wb") as file:
            for chunk in stream:
                file.write(chunk)

    def unknown_chunks(self, digests: Collection[bytes]) -> set[bytes]:
        """Those of the chunks that the store does not have."""
        with self._reading() as session:
            return set(digests) - queries.known_chunks(session, digests)

    def chunks(self, digests: Collection[bytes]) -> dict[bytes, bytes]:
        """These chunks, by their digests."""
        return self._reader.chunks(digests)

    def stream_parts(self, parts: Sequence[Part]) -> Iterator[bytes]:
        """These chunks in order."""
        return self._reader.stream(parts)

    def by_trees(self, trees: Collection[bytes]) -> dict[bytes, str]:
        """The MD5s of the contents that are known, by the BLAKE3 of their recipes (`tree_of`)."""
        with self._reading() as session:
            return queries.contents_by_tree(session, trees)

    def record(self, ready: Ready) -> None:
        """Make what has been packed findable. When it is refused its packs are taken back.

        Not so when the commit itself fails: without an answer it may have happened, and what it names must stay. A pack
        that no row names is deleted by a collection.
        """
        committing = False
        try:
            with WriteSession(self._database.writes, clock=self._clock, actor=PLATFORM) as session:
                service.record(
                    session,
                    packs=ready.packs,
                    chunks=ready.chunks,
                    contents=ready.contents,
                    relied_on=sorted(ready.relied_on - {row["digest"] for row in ready.chunks}),
                    again=sorted(ready.again),
                )
                committing = True
                session.commit()
        except BaseException:
            if not committing:
                for pack in ready.packs:
                    self._store.delete(pack_key(pack["id"]))
            raise

    def commit(self, batch: Batch) -> None:
        """Seal and record a batch. Small ones that come at the same time share a pack and a transaction."""
        frames = batch.small()
        if frames is None:
            self.record(batch.seal())
            return
        mine = _Waiting(batch)
        with self._gathering:
            self._waiting.append(mine)
        with self._recording:  # whoever gets in first works for all that wait
            if not mine.done:
                with self._gathering:
                    taken, self._waiting = self._waiting, []
                self._commit_together(taken)
        if mine.error is not None:
            raise mine.error

    def _commit_together(self, taken: list["_Waiting"]) -> None:
        try:
            if len(taken) > 1 and self._merged(taken):
                return
            for one in taken:  # alone, or each for itself to find the one that cannot be recorded
                try:
                    self.record(one.batch.seal())
                except Exception as error:  # noqa: BLE001 - handed to the thread that waits for it
                    one.error = error
        finally:
            for one in taken:
                one.done = True

    def _merged(self, taken: list["_Waiting"]) -> bool:
        """One pack for all of them; False, with nothing recorded, when that did not work."""
        ready = Ready()
        frames = [frame for one in taken for frame in one.batch.small() or []]
        for one in taken:
            ready.contents += one.batch.ready.contents
            ready.relied_on |= one.batch.ready.relied_on
            ready.again |= one.batch.ready.again
        try:
            if frames:
                pack = PackFile(self._store)
                for frame in frames:
                    pack.add(frame)
                ready.packs.append(pack.seal())
                ready.chunks += pack.chunks
            self.record(ready)
        except Exception:  # noqa: BLE001 - each is tried alone next, and says what is wrong
            return False
        return True

    def _parts(self, digest: str) -> list[Part]:
        with self._reading() as session:
            content = queries.find_content(session, digest)
            if content is None:
                raise _missing(digest)
            return recipes.unpack(content.recipe)

    def _reading(self) -> AbstractContextManager[ReadSession]:
        return ReadSession(self._database.reads, autoflush=False, expire_on_commit=False)


class _Waiting:
    """A batch that waits for its turn, or for somebody to take it along."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.done = False
        self.error: Exception | None = None


class ContentBatch:
    """Contents that become readable together: as a context at its end, or not at all after an error."""

    def __init__(self, contents: Contents, batch: Batch) -> None:
        self._contents = contents
        self.chunks = batch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.keep()
        else:
            self.discard()

    def sink(self, *, alone: bool = False) -> "ContentSink":
        """For one content of the batch; `alone`: closing it keeps the batch."""
        return ContentSink(self, alone=alone)

    def add_stream(self, source: BinaryIO) -> StoredContent:
        sink = self.sink()
        while data := source.read(BITE):
            sink.write(data)
        return sink.close()

    def add_listing(self, data: bytes) -> str:
        digest = f"{md5(data, usedforsecurity=False).hexdigest()}.dir"
        chunker = Chunker()
        self.add_content(digest, [self.chunks.add(chunk) for chunk in [*chunker.feed(data), *chunker.finish()]])
        return digest

    def add_content(self, digest: str, parts: list[Part]) -> None:
        """A whole by its chunks, which are in the batch or relied on."""
        recipe = recipes.pack(parts)
        size = sum(part.size for part in parts)
        self.chunks.add_content({"digest": digest, "size": size, "recipe": recipe, "tree": tree_of(recipe)})

    def add_again(self, digest: str) -> None:
        """A whole that is in the store."""
        self.chunks.ready.again.add(digest)

    def keep(self) -> None:
        """Make the contents readable, all of them or none."""
        try:
            self._contents.commit(self.chunks)
        except BaseException:
            self.chunks.discard()
            raise

    def checkpoint(self) -> None:
        """Record what has arrived, so that a sender who comes back need not send it again."""
        self._contents.record(self.chunks.seal())

    def discard(self) -> None:
        self.chunks.discard()


class ContentSink:
    """Takes the bytes of one content as they arrive: `close` files them under their MD5, `abort` leaves nothing."""

    def __init__(self, batch: ContentBatch, *, alone: bool) -> None:
        self._batch = batch
        self._alone = alone
        self._hash = md5(usedforsecurity=False)
        self._size = 0
        self._chunker = Chunker()
        self._parts: list[Part] = []

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._size += len(data)
        self._parts += [self._batch.chunks.add(chunk) for chunk in self._chunker.feed(data)]

    def close(self, expect: str | None = None) -> StoredContent:
        """Raises `WrongDigest`, with nothing kept, unless the bytes have the MD5 `expect`."""
        stored = StoredContent(self._hash.hexdigest(), self._size)
        if expect is not None and expect != stored.md5:
            self.abort()
            raise WrongDigest(expect, stored.md5)
        self._parts += [self._batch.chunks.add(chunk) for chunk in self._chunker.finish()]
        self._batch.add_content(stored.md5, self._parts)
        if self._alone:
            self._batch.keep()
        return stored

    def abort(self) -> None:
        if self._alone:
            self._batch.discard()


class _Reader(io.RawIOBase):
    """A content as a stream. A seek starts a new read where it goes."""

    def __init__(self, parts: list[Part], reader: ChunkReader) -> None:
        super().__init__()
        self._parts = parts
        self._chunks = reader
        self._size = sum(part.size for part in parts)
        self._at = 0
        self._coming: Iterator[bytes] | None = None
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if not self._rest and self._at < self._size:
            if self._coming is None:
                self._coming = _from(self._parts, self._chunks, self._at)
            self._rest = memoryview(next(self._coming))
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._at += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if target < 0:
            raise ValueError(f"a position of {target}")
        if target != self._at:
            self._at, self._coming, self._rest = target, None, memoryview(b"")
        return target

    def tell(self) -> int:
        return self._at


def tree_of(recipe: bytes) -> bytes:
    """The BLAKE3 of a recipe."""
    return blake3(recipe).digest()


def _from(parts: list[Part], reader: ChunkReader, start: int) -> Iterator[bytes]:
    first = 0
    while first < len(parts) and start >= parts[first].size:
        start -= parts[first].size
        first += 1
    for chunk in reader.stream(parts[first:]):
        yield chunk[start:] if start else chunk
        start = 0


def _by_size(contents: dict[str, list[Part]], most: int = 8 * 2**20) -> Iterator[dict[str, list[Part]]]:
    """Some contents at a time, as many as fit into `most` bytes."""
    window: dict[str, list[Part]] = {}
    size = 0
    for digest, parts in contents.items():
        mine = sum(part.size for part in parts)
        if window and size + mine > most:
            yield window
            window, size = {}, 0
        window[digest] = parts
        size += mine
    if window:
        yield window


def _missing(digest: str) -> ObjectMissing:
    return ObjectMissing(f"The store has no content {digest}.", where=digest)
