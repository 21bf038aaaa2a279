"""`Contents`: bytes by their MD5, as DVC names them, on top of chunks. The door of this package."""

import io
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from adapters.chunk_store.arriving import BITE, ContentBatch, ContentSink, WrongDigest
from adapters.chunk_store.batch import Batch
from adapters.chunk_store.hashing import HashBeside
from adapters.chunk_store.reader import ChunkReader
from adapters.chunk_store.recording import Recorder
from adapters.chunk_store.streams import ContentReader, bytes_from
from adapters.database import Database
from adapters.object_store.protocol import ObjectMissing, ObjectStore
from domain.contents import queries, recipes
from domain.contents.recipes import Part
from domain.datasets.manifest import StoredContent
from domain.db import ReadSession


class Contents:
    """The content-addressed part of the data store."""

    def __init__(self, store: ObjectStore, database: Database, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._database = database
        self._pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="chunks")
        # Apart from the pool that compresses: a hash that waited for a turn there would hold up its content.
        self._hashing = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="md5")
        self._reader = ChunkReader(store, self._reading, self._pool)
        self._recorder = Recorder(store, database, clock)

    def batch(self) -> ContentBatch:
        """For many contents at once: they become readable together, when it is kept."""
        return ContentBatch(self._recorder, Batch(self._store, self._reading, self._reader, self._pool), self.hash)

    def hash(self) -> HashBeside:
        """For the MD5 of one content as it arrives."""
        return HashBeside(self._hashing)

    def sink(self) -> ContentSink:
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
        """Raises `ObjectMissing` unless all of these are there, or lie whole in the store and can be taken in."""
        for digest in sorted(set(digests) - self.sizes(digests).keys()):
            self._take_in(digest)

    def size(self, digest: str) -> int:
        """Raises `ObjectMissing`, as all that read do."""
        self.refuse_missing([digest])
        return self.sizes([digest])[digest]

    def open(self, digest: str) -> BinaryIO:
        """A readable, seekable stream."""
        return cast("BinaryIO", io.BufferedReader(ContentReader(self._parts(digest), self._reader), BITE))

    def read(self, digest: str) -> bytes:
        return b"".join(self.stream(digest))

    def stream(self, digest: str, start: int = 0) -> Iterator[bytes]:
        """The bytes from `start` on, chunk by chunk; a chunk is verified before it is handed out."""
        return bytes_from(self._parts(digest), self._reader, start)

    def many(self, digests: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Whole contents in no particular order, for small ones: a few requests for all of them."""
        self.refuse_missing(digests)
        with self._reading() as session:
            found = queries.recipes_of(session, list(digests))
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

    def alike(self, marks: Mapping[bytes, tuple[int, int]]) -> dict[bytes, tuple[bytes, bytes]]:
        """For chunks by their fingerprints: the chunk that each may be a difference from, its digest and its bytes."""
        return self._reader.alike(marks)

    def stream_parts(self, parts: Sequence[Part]) -> Iterator[bytes]:
        """These chunks in order."""
        return self._reader.stream(parts)

    def by_trees(self, trees: Collection[bytes]) -> dict[bytes, str]:
        """The MD5s of the contents that are known, by the BLAKE3 of their recipes (`tree_of`)."""
        with self._reading() as session:
            return queries.contents_by_tree(session, trees)

    def _parts(self, digest: str) -> list[Part]:
        found = self._recipe(digest)
        if found is None:
            self._take_in(digest)
            found = self._recipe(digest)
        if found is None:
            raise _missing(digest)
        return recipes.unpack(found)

    def _recipe(self, digest: str) -> bytes | None:
        with self._reading() as session:
            content = queries.find_content(session, digest)
            return None if content is None else content.recipe

    def _take_in(self, digest: str) -> None:
        """Make a content of a file that lies whole in the store, as DVC lays it out and this store once did.

        It is read once, when it is first asked for, and stays where it is. Raises `ObjectMissing` where there is none,
        `WrongDigest` when it is not what its name says.
        """
        try:
            with self._store.open(f"files/md5/{digest[:2]}/{digest[2:]}") as file, self.batch() as batch:
                found = batch.add_listing(file.read()) if digest.endswith(".dir") else batch.add_stream(file).md5
                if found != digest:
                    raise WrongDigest(digest, found)
        except ObjectMissing as error:
            raise _missing(digest) from error

    def _reading(self) -> AbstractContextManager[ReadSession]:
        return ReadSession(self._database.reads, autoflush=False, expire_on_commit=False)


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
