"""`FsspecStore`: a store that is somewhere else. Retries, errors, ranges and transfers in parts are alike for all."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from io import BufferedReader, BytesIO
from pathlib import Path
from traceback import format_exception
from typing import BinaryIO, TypeVar, cast

from adapters.object_store.appearing import appearing
from adapters.object_store.backend import MIB, Backend, Found, PartsLost
from adapters.object_store.credentials import Scrubber
from adapters.object_store.keys import INCOMING, checked_key, checked_range
from adapters.object_store.parallel import all_of, batches
from adapters.object_store.protocol import (
    ObjectInfo,
    ObjectMissing,
    Range,
    StoreDamaged,
    StoreForbidden,
    StoreFull,
    StoreUnavailable,
)
from adapters.object_store.ranges import RangedFile, Span, spans
from adapters.object_store.retries import Patience
from adapters.object_store.troubles import Trouble, trouble_of
from domain.errors import DomainError

T = TypeVar("T")
_PAGE = 1000
_PIECE = 8 * MIB  # of a fetch
_AHEAD = 4 * MIB  # what an opened object reads at a time
_SEEN_FOR_SECONDS = 60.0
_MOST_SAID = 300


class FsspecStore:
    """The objects below a prefix of a backend."""

    def __init__(self, backend: Backend, prefix: str, *, patience: Patience, scrubber: Scrubber) -> None:
        self._backend = backend
        self._folder = f"{prefix}/" if prefix else ""
        self._patience = patience
        self._scrubber = scrubber
        self._seen_until = 0.0

    def get(self, key: str) -> bytes:
        name = self._name(key)
        return self._ask(key, lambda: self._backend.read(name))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        checked_range(key, start, length)
        return self._read(key, start, length)

    def get_ranges(self, wanted: Sequence[Range]) -> list[bytes]:
        for each in wanted:
            checked_range(*each)
        found = [b""] * len(wanted)

        def read(span: Span) -> None:
            content = self._read(span.key, span.start, span.end - span.start)
            for place in span.covers:
                offset, length = wanted[place][1] - span.start, wanted[place][2]
                found[place] = content[offset : offset + length]

        all_of(read, spans(wanted), at_once=self._backend.parallel)
        return found

    def open(self, key: str) -> BinaryIO:
        """Large objects are read as they are asked for: one that is replaced meanwhile gives bytes of both."""
        size = self.info(key).size
        if size <= _AHEAD:
            return BytesIO(self.get(key))
        raw = RangedFile(lambda start, length: self._read(key, start, length), size)
        return cast("BinaryIO", BufferedReader(raw, _AHEAD))

    def exists(self, key: str) -> bool:
        try:
            self.info(key)
        except ObjectMissing:
            return False
        return True

    def info(self, key: str) -> ObjectInfo:
        name = self._name(key)
        return self._described(self._ask(key, lambda: self._backend.info(name)))

    def fetch(self, key: str, path: Path) -> None:
        before = self.info(key)
        with appearing(path) as unfinished:
            if before.size <= _PIECE:
                unfinished.write_bytes(self.get(key))
                return

            def piece(start: int) -> None:
                data = self._read(key, start, min(_PIECE, before.size - start))
                with unfinished.open("r+b") as file:
                    file.seek(start)
                    file.write(data)

            all_of(piece, range(0, before.size, _PIECE), at_once=self._backend.parallel)
            if self.info(key) != before:
                raise StoreUnavailable(f"{key!r} was replaced while it was fetched.", where=key, fix="Fetch it again.")

    def put(self, key: str, data: bytes) -> None:
        name = self._name(key)
        if len(data) > 2 * self._backend.part_size:
            view = memoryview(data)
            self._put_parts(key, len(data), lambda offset, size: bytes(view[offset : offset + size]))
        else:
            self._ask(key, lambda: self._backend.put(name, data), of_object=False)

    def upload(self, path: Path, key: str) -> None:
        checked_key(key)
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= self._backend.part_size:
                self.put(key, file.read())
            else:
                self._put_parts(key, size, lambda offset, size: os.pread(file.fileno(), size, offset))

    def delete(self, key: str) -> None:
        self.delete_many([key])

    def delete_many(self, keys: Iterable[str]) -> None:
        """Not in one stroke: one that fails leaves some of them, and doing it again is harmless."""

        def delete(some: Sequence[str]) -> None:
            names = [*map(self._name, some)]
            self._ask(some[0], lambda: self._backend.delete(names))

        all_of(delete, batches(keys, self._backend.delete_batch), at_once=self._backend.parallel)

    def local_path(self, key: str) -> Path | None:
        if key != INCOMING:
            checked_key(key)
        return None

    def _put_parts(self, key: str, size: int, read: Callable[[int, int], bytes]) -> None:
        """In parts, several at once, and visible when all are there; if one fails for good, none stays."""
        for _ in range(self._patience.attempts):
            try:
                self._try_parts(key, size, read)
            except PartsLost:
                continue
            return
        raise StoreUnavailable(f"Others write {key!r} all the time: it never came to be whole.", where=key)

    def _try_parts(self, key: str, size: int, read: Callable[[int, int], bytes]) -> None:
        backend, name = self._backend, self._name(key)
        part_size = max(backend.part_size, -(-size // backend.most_parts))
        part_size = -(-part_size // MIB) * MIB
        parts = self._ask(key, lambda: backend.begin(name, size), of_object=False)

        def send(offset: int) -> None:
            wanted = min(part_size, size - offset)
            data = read(offset, wanted)
            if len(data) != wanted:
                raise OSError(f"The file that goes to {key!r} became shorter while it was read.")
            self._ask(key, lambda: parts.put(offset // part_size, offset, data), of_object=False)

        try:
            all_of(send, range(0, size, part_size), at_once=1 if backend.parts_in_order else backend.parallel)
            self._ask(key, parts.complete, of_object=False)
        except BaseException:
            with suppress(Exception):  # the store may be away; what went wrong first is what counts
                self._patience.insist(parts.abort)
            raise

    def _read(self, key: str, start: int, length: int) -> bytes:
        if not length:
            self.info(key)
            return b""
        name = self._name(key)
        data = self._ask(key, lambda: self._backend.read(name, start, length))
        if len(data) != length:
            raise _short(key, f"bytes {start} to {start + length}")
        return data

    def _page(self, key: str, folder: str, after: str | None) -> tuple[list[Found], str | None]:
        return self._ask(key, lambda: self._backend.page(folder, after, _PAGE), of_object=False)

    def _ask(self, key: str, act: Callable[[], T], *, of_object: bool = True) -> T:
        """What `act` gives. `of_object`: that something is missing can only mean the object."""
        try:
            answer = self._patience.insist(act)
        except (DomainError, PartsLost):
            raise
        except Exception as error:  # noqa: BLE001 - the libraries' errors have no ancestor in common
            told = self._told(key, error, of_object=of_object)
            whole = "".join(format_exception(error))  # it goes to logs with the error that it caused
            raise told from (error if self._scrubber.clean(whole) == whole else None)
        return answer

    def _told(self, key: str, error: Exception, *, of_object: bool) -> DomainError:
        where, trouble = self._backend.where, trouble_of(error)
        said = " ".join(self._scrubber.clean(f"{type(error).__name__}: {error}").split())[:_MOST_SAID]
        if trouble is Trouble.MISSING:
            if of_object and self._is_there(key):
                return ObjectMissing(f"The store has no object {key!r}.", where=key)
            return StoreUnavailable(f"The store at {where} is not there: {said}", where=key)
        if trouble is Trouble.FORBIDDEN:
            message = f"The store at {where} refuses {key!r}: {said}"
            return StoreForbidden(message, where=key, fix=f"Check {self._backend.settings}.")
        if trouble is Trouble.SHORT:
            return _short(key, "what was asked for")
        if trouble is Trouble.FULL:
            return StoreFull(f"The store at {where} has no room for {key!r}: {said}", where=key, fix="Make room in it.")
        return StoreUnavailable(f"The store at {where} did not answer for {key!r}: {said}", where=key)

    def _is_there(self, key: str) -> bool:
        """Whether the bucket is. One that is gone must not read as an empty one; asked at most once a minute."""
        if time.monotonic() >= self._seen_until:
            try:
                self._patience.insist(lambda: self._backend.page(self._folder, None, 1))
            except Exception as error:  # noqa: BLE001 - as above
                if trouble_of(error) is Trouble.MISSING:
                    return False
                raise self._told(key, error, of_object=False) from None
            self._seen_until = time.monotonic() + _SEEN_FOR_SECONDS
        return True

    def _name(self, key: str) -> str:
        return f"{self._folder}{checked_key(key)}"

    def _described(self, found: Found) -> ObjectInfo:
        return ObjectInfo(found.name.removeprefix(self._folder), found.size, found.modified)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        prefix = prefix.removesuffix("/")
        folder = f"{self._name(prefix)}/" if prefix else self._folder
        after: str | None = None
        while True:
            found, after = self._page(prefix, folder, after)
            yield from map(self._described, found)
            if after is None:
                return


def _short(key: str, what: str) -> StoreDamaged:
    return StoreDamaged(f"{key!r} in the store is shorter than it must be: it does not have {what}.", where=key)
