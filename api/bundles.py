"""Many files in one response, as records of `adapters.chunk_store.wire`: the bytes of each, and then its path."""

from collections.abc import Iterator, Sequence

from adapters.chunk_store import wire
from adapters.chunk_store.contents import Contents
from adapters.chunk_store.wire import Kind
from domain.datasets.manifest import ManifestEntry

SMALL = 2**20
"""Files up to this size are read many at a time."""
TOGETHER = 8 * 2**20
"""Bytes of small files that are read at once."""


def bundle(contents: Contents, entries: Sequence[ManifestEntry]) -> Iterator[bytes]:
    """The files in the order of the entries. Raises `ObjectMissing` now, and not in the middle of an answer."""
    contents.refuse_missing({entry.md5 for entry in entries})
    return _records(contents, entries)


def _records(contents: Contents, entries: Sequence[ManifestEntry]) -> Iterator[bytes]:
    for group in _groups(entries):
        if group[0].size > SMALL:
            for chunk in contents.stream(group[0].md5):
                yield wire.record(Kind.DATA, chunk)
            yield wire.record(Kind.END, group[0].path.encode())
            continue
        found = dict(contents.many({entry.md5 for entry in group}))
        yield b"".join(
            part
            for entry in group
            for part in (wire.record(Kind.DATA, found[entry.md5]), wire.record(Kind.END, entry.path.encode()))
        )


def _groups(entries: Sequence[ManifestEntry]) -> Iterator[list[ManifestEntry]]:
    """Large files alone, small ones as many as are read at once."""
    group: list[ManifestEntry] = []
    size = 0
    for entry in entries:
        if group and (entry.size > SMALL or size + entry.size > TOGETHER):
            yield group
            group, size = [], 0
        if entry.size > SMALL:
            yield [entry]
            continue
        group.append(entry)
        size += entry.size
    if group:
        yield group
