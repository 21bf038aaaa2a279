"""Contents on their way in: `ContentSink` takes the bytes of one, `ContentBatch` makes many readable together."""

from collections.abc import Callable
from hashlib import md5
from typing import BinaryIO, Self

from blake3 import blake3

from adapters.chunk_store.batch import Batch
from adapters.chunk_store.chunks import Chunker
from adapters.chunk_store.hashing import HashBeside
from adapters.chunk_store.recording import Recorder
from domain.contents import recipes
from domain.contents.recipes import Part
from domain.datasets.manifest import StoredContent
from domain.errors import Invalid

BITE = 2**20


class WrongDigest(Invalid):
    """The bytes that arrived have another MD5 than they were announced with."""

    code = "wrong_md5"

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"The bytes have the MD5 {found}, not {expected}.", where="body", fix="Send them again.")


class ContentBatch:
    """Contents that become readable together: as a context at its end, or not at all after an error."""

    def __init__(self, recorder: Recorder, batch: Batch, new_hash: Callable[[], HashBeside]) -> None:
        self._recorder = recorder
        self.chunks = batch
        self.new_hash = new_hash

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

    def add_content(self, digest: str, parts: list[Part]) -> int:
        """A whole by its chunks, which are in the batch or relied on; its size."""
        recipe = recipes.pack(parts)
        size = sum(part.size for part in parts)
        self.chunks.add_content({"digest": digest, "size": size, "recipe": recipe, "tree": tree_of(recipe)})
        return size

    def add_again(self, digest: str) -> None:
        """A whole that is in the store."""
        self.chunks.ready.again.add(digest)

    def keep(self) -> None:
        """Make the contents readable, all of them or none."""
        try:
            self._recorder.commit(self.chunks)
        except BaseException:
            self.chunks.discard()
            raise

    def checkpoint(self) -> None:
        """Record what has arrived, so that a sender who comes back need not send it again."""
        self._recorder.record(self.chunks.seal())

    def discard(self) -> None:
        self.chunks.discard()


class ContentSink:
    """Takes the bytes of one content as they arrive: `close` files them under their MD5, `abort` leaves nothing."""

    def __init__(self, batch: ContentBatch, *, alone: bool) -> None:
        self._batch = batch
        self._alone = alone
        self._hash = batch.new_hash()
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


def tree_of(recipe: bytes) -> bytes:
    """The BLAKE3 of a recipe."""
    return blake3(recipe).digest()
