"""`DatasetCache`: tables of this machine's workers as mapped Arrow files, so that only the first job on one parses it.

A folder that all worker processes share. What is in it may be lost or damaged at any time: it is made again.

- `KEY.arrow` is whole and sealed (`ml.arrow_files`): it appears by a rename and never changes. Its access time says
  when it was last used. Evicting unlinks it; whoever has it mapped keeps it until they let go.
- `KEY.part` is a file in the making, and the lock of whoever makes it: the others wait on it. The kernel lets go of
  the lock when its process dies, so that a part nobody holds is left over.
- `.room` is the lock under which files are evicted and renamed into place.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import structlog

from ml.arrow_files import DamagedTable, FileState, least_bytes, map_sealed, write_sealed

log = structlog.get_logger(__name__)

# Of the layout of a table in the cache, and of how `ml.frames` reads one: a new number makes all of them anew.
SCHEMA = 1


def cache_key(digest: str, table_format: str) -> str:
    """The name of a table: equal only for what parses to equal rows. Another Polars may read another type."""
    return f"{digest}-{table_format}-{SCHEMA}-{pl.__version__}"


class DatasetCache:
    """Tables by key, at most `limit` bytes of them in `folder`; the least recently used go first. 0 keeps none."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._verified: set[FileState] = set()

    def table(self, key: str, parse: Callable[[], pl.LazyFrame]) -> pl.LazyFrame:
        """The table under `key`, mapped; when it is not there, what `parse` gives, which is then kept.

        Of several that ask for a table that is not there, one parses and the others wait. A cache that cannot be used
        (the disk is full, the folder cannot be written) is a warning in the log, and costs a parse. Raises what
        `parse` raises.
        """
        if self._limit <= 0:
            return parse()
        place = self._folder / f"{key}.arrow"
        kept = self._find(place)
        if kept is not None:
            return kept
        with self._making(place) as part:
            if part is None:
                return parse()
            # Somebody else may have made it while we waited.
            kept = self._find(place)
            return self._keep(parse(), part, place) if kept is None else kept

    def _find(self, place: Path) -> pl.LazyFrame | None:
        try:
            frame, state = map_sealed(place, trusted=self._verified)
            # The access time alone: the time of change is part of what makes the file a known one.
            os.utime(place, ns=(time.time_ns(), state.modified))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except DamagedTable as error:
            log.warning("dataset_cache_damaged", file=place.name, error=str(error))
            _discard(place)
            return None
        except OSError as error:
            log.warning("dataset_cache_unreadable", file=place.name, error=str(error))
            return None
        self._verified.add(state)
        return frame.lazy()

    def _keep(self, frame: pl.LazyFrame, part: Path, place: Path) -> pl.LazyFrame:
        """Write the table, make room, put it in place, and give it as it is found there; or give it as it was."""
        try:
            if least_bytes(frame) > self._limit:
                log.info("dataset_cache_too_small", file=place.name, limit=self._limit)
                return frame
            written = write_sealed(frame, part)
            if part.stat().st_size > self._limit:
                log.info("dataset_cache_too_small", file=place.name, limit=self._limit)
                return frame
            with _locked(self._folder / ".room"):
                self._sweep()
                self._evict(self._limit - part.stat().st_size)
                part.replace(place)
            self._verified.add(written)
        except OSError as error:
            log.warning("dataset_cache_not_written", file=place.name, error=str(error))
            return frame
        kept = self._find(place)
        return frame if kept is None else kept

    @contextmanager
    def _making(self, place: Path) -> Iterator[Path | None]:
        """The file to write in place of `place`, ours alone while inside; None when it cannot be had."""
        part = place.with_suffix(".part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = _hold(part)
        except OSError as error:
            log.warning("dataset_cache_unavailable", folder=str(self._folder), error=str(error))
            yield None
            return
        try:
            yield part
        finally:
            if _is_at(lock, part):  # it was not put in place
                _discard(part)
            os.close(lock)

    def _evict(self, room: int) -> None:
        """Unlink the least recently used tables until the rest fits into `room`."""
        used = []
        for path in self._folder.glob("*.arrow"):
            try:
                stat = path.stat()
            except FileNotFoundError:  # found damaged by somebody else
                continue
            used.append((stat.st_atime_ns, path, stat.st_size))
        total = sum(size for _, _, size in used)
        for _, path, size in sorted(used):
            if total <= room:
                return
            _discard(path)
            total -= size
            log.info("dataset_cache_evicted", file=path.name, bytes=size)

    def _sweep(self) -> None:
        """Remove the parts of processes that died."""
        for path in self._folder.glob("*.part"):
            try:
                lock = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(lock, path):
                    _discard(path)
            except BlockingIOError:
                pass
            finally:
                os.close(lock)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _hold(path: Path) -> int:
    """An open file at `path` whose lock is ours. One that was renamed or removed while we waited is not it any more."""
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_at(lock, path):
                return lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _discard(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("dataset_cache_not_removed", file=path.name, error=str(error))
