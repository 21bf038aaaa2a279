"""Pushes received: chunks that the sender cut, verified as they pass, and the MD5 of every file computed from them.

Called by the route that takes dataset versions. What has filled a pack is kept even if the sender then goes away, so
that the next push need not send it again; a version comes of a push that is complete.
"""

from collections import OrderedDict
from collections.abc import Iterable

from adapters.chunk_store import wire
from adapters.chunk_store.arriving import tree_of
from adapters.chunk_store.chunks import LARGEST, digest_of
from adapters.chunk_store.contents import Contents
from adapters.chunk_store.frames import BadFrame, decode, sliced
from adapters.chunk_store.hashing import HashBeside
from adapters.chunk_store.wire import Kind
from api.errors import TooLarge
from api.uploads import MAX_FIELD_BYTES, BadUpload, Upload
from domain.contents import recipes
from domain.contents.recipes import Part
from domain.datasets.manifest import BadFileName, ManifestEntry, checked_path, listing_of
from domain.errors import Conflict

REMEMBERED = 64 * 2**20
"""Bytes of chunks that stay in memory for the files they are parts of."""


class ContentGone(Conflict):
    """A push relies on something that the store does not have (any more)."""

    code = "content_gone"


class _File:
    """The file whose parts are arriving. Hashing waits for the first new chunk: without one, the whole may be known."""

    def __init__(self, beside: HashBeside) -> None:
        self.parts: list[Part] = []
        self.hashed = 0
        self.hash = beside


class PushReceiver:
    """Takes the bytes of a push. Runs in a thread: it hashes and writes."""

    def __init__(self, contents: Contents, *, max_files: int) -> None:
        self._contents = contents
        self._batch = contents.batch()
        self._max_files = max_files
        self._records = wire.RecordReader()
        self._file = _File(self._contents.hash())
        self._recent: OrderedDict[bytes, bytes] = OrderedDict()
        self._recent_bytes = 0
        self._fresh: set[bytes] = set()
        self._files: dict[str, ManifestEntry] = {}
        self._deferred: dict[str, list[Part]] = {}
        self._known: dict[str, str] = {}
        self._message: str | None = None
        self._complete = False

    def feed(self, data: bytes) -> None:
        try:
            for kind, body in self._records.feed(data):
                self._take(kind, body)
        except (wire.BadRecord, BadFrame) as error:
            raise BadUpload(f"The push is broken: {error}.", where="body", fix="Send it again.") from error
        if self._batch.chunks.ready.packs:
            self._batch.checkpoint()

    def finish(self, data: bytes) -> Upload:
        self.feed(data)
        if self._message is None or self._records.rest:
            raise BadUpload("The body ends before the push does.", where="body", fix="Send it again.")
        self._settle_known()
        self._settle_deferred()
        entries = sorted(self._files.values(), key=lambda entry: entry.path)
        listing = listing_of(entries)
        if listing is not None:
            self._batch.add_listing(listing)
        self._batch.keep()
        self._complete = True
        return Upload(entries, {"message": self._message})

    def close(self) -> None:
        if not self._complete:
            self._batch.discard()

    def _take(self, kind: Kind, body: memoryview) -> None:
        if self._message is not None:
            raise wire.BadRecord("something behind its end")
        if kind is Kind.FRAME:
            self._take_frame(body)
        elif kind is Kind.PARTS:
            self._take_parts(body)
        elif kind is Kind.END:
            self._end_file(self._path(bytes(body)))
        elif kind is Kind.KNOWN:
            digest, path = wire.read_known(body)
            self._known[self._path(path)] = digest
        elif kind is not Kind.MESSAGE:
            raise wire.BadRecord(f"a record of the kind {kind.value!r}, which is for the way back")
        elif len(body) > MAX_FIELD_BYTES:
            raise TooLarge(f"The message is longer than {MAX_FIELD_BYTES} bytes.", where="message")
        else:
            self._message = bytes(body).decode(errors="replace").replace("\x00", "")

    def _take_frame(self, body: memoryview) -> None:
        encoding, parts, stored = wire.read_frame(body)
        data, sizes = decode(stored, encoding), [part.size for part in parts]
        if sum(sizes) != len(data) or max(sizes) > LARGEST:
            raise wire.BadRecord("a frame that does not hold what it says")
        pieces = sliced(data, sizes)
        for part, chunk in zip(parts, pieces, strict=True):
            if digest_of(chunk) != part.digest:
                raise wire.BadRecord(f"the chunk {part.digest.hex()} arrived with other bytes")
            self._recent[part.digest] = chunk
            self._recent_bytes += len(chunk)
        self._fresh.update(part.digest for part in parts)
        self._batch.chunks.add_encoded(encoding, stored, parts, pieces)
        while self._recent_bytes > REMEMBERED:
            self._recent_bytes -= len(self._recent.popitem(last=False)[1])

    def _take_parts(self, body: memoryview) -> None:
        try:
            parts = recipes.unpack(body)
        except ValueError as error:
            raise wire.BadRecord(str(error)) from error
        self._file.parts += parts
        if any(part.digest in self._fresh for part in parts):
            self._hash(self._file)

    def _end_file(self, path: str) -> None:
        file, self._file = self._file, _File(self._contents.hash())
        if file.parts and not file.hashed:
            self._deferred[path] = file.parts
            return
        self._hash(file)
        self._add(path, file)

    def _hash(self, file: _File) -> None:
        """Bring the file's hash up to its last part: from memory, else read from the store."""
        for part, chunk in self._read(file.parts[file.hashed :]):
            if len(chunk) != part.size:
                raise wire.BadRecord(f"the chunk {part.digest.hex()} is not {part.size} bytes long")
            file.hash.update(chunk)
        file.hashed = len(file.parts)

    def _read(self, parts: list[Part]) -> Iterable[tuple[Part, bytes]]:
        stored: list[Part] = []
        for part in parts:
            chunk = self._recent.get(part.digest)
            if chunk is None:
                stored.append(part)
                continue
            yield from self._from_store(stored)
            stored = []
            yield part, chunk
        yield from self._from_store(stored)

    def _from_store(self, parts: list[Part]) -> Iterable[tuple[Part, bytes]]:
        if not parts:
            return
        lacking = self._contents.unknown_chunks({part.digest for part in parts})
        if lacking:
            raise ContentGone(f"The store lacks the chunk {min(lacking).hex()}.", where="body", fix="Send it again.")
        yield from zip(parts, self._contents.stream_parts(parts), strict=True)

    def _add(self, path: str, file: _File) -> None:
        digest = file.hash.hexdigest()
        self._batch.chunks.rely_on(part.digest for part in file.parts if part.digest not in self._fresh)
        self._files[path] = ManifestEntry(path, digest, self._batch.add_content(digest, file.parts))

    def _settle_known(self) -> None:
        sizes = self._contents.sizes(set(self._known.values()))
        for path, digest in self._known.items():
            if digest not in sizes:
                raise ContentGone(f"The store has no content {digest}, the file {path!r}.", where="body")
            self._batch.add_again(digest)
            self._files[path] = ManifestEntry(path, digest, sizes[digest])

    def _settle_deferred(self) -> None:
        """Files of nothing but known chunks: mostly whole contents that are known, whose MD5 need not be computed."""
        trees = {path: tree_of(recipes.pack(parts)) for path, parts in self._deferred.items()}
        digests = self._contents.by_trees(set(trees.values()))
        for path, parts in self._deferred.items():
            if trees[path] in digests:
                size = sum(part.size for part in parts)
                self._batch.add_again(digests[trees[path]])
                self._files[path] = ManifestEntry(path, digests[trees[path]], size)
                continue
            file = _File(self._contents.hash())
            file.parts = parts
            self._hash(file)
            self._add(path, file)

    def _path(self, name: bytes) -> str:
        try:
            path = checked_path(name.decode())
        except UnicodeDecodeError as error:
            raise BadFileName("A file name is not UTF-8.", where="files", fix="Rename the file.") from error
        if path in self._files or path in self._deferred or path in self._known:
            raise BadUpload(f"The file {path!r} was sent twice.", where="files")
        if len(self._files) + len(self._deferred) + len(self._known) >= self._max_files:
            raise TooLarge(f"More than {self._max_files} files at once are not taken.", where="files")
        return path
