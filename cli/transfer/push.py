"""A push: files cut into chunks, and those the server lacks sent to it. Memory stays flat, however large the files."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from os import cpu_count
from typing import Any

from adapters.chunk_store import wire
from adapters.chunk_store.chunks import SMALLEST, cut_file, digest_of
from adapters.chunk_store.frames import Encoding, encode
from adapters.chunk_store.wire import Kind
from cli.client import Client, ClientError, is_local
from cli.transfer.ahead import ahead
from cli.transfer.listing import files_of
from cli.transfer.tree import LocalFile, Memory

WINDOW = 16 * 2**20
"""Bytes of chunks about which the server is asked at once, or so many chunks:"""
WINDOW_CHUNKS = 8_000
SHARED = 128 * 2**10
"""Bytes of small chunks that go as one frame."""

Ask = Callable[[Sequence[bytes]], bytes]


@dataclass(frozen=True)
class Pushed:
    """The version that a push came to, and how many bytes of chunks had to be sent for it."""

    version: dict[str, Any]
    sent: int


def push(
    client: Client,
    name: str,
    files: Sequence[LocalFile],
    *,
    message: str,
    memory: Memory | None = None,
    on_read: Callable[[int], None] = lambda _: None,
) -> Pushed:
    """Make the files the next version of dataset `name`; those the memory knows are not read."""
    known = memory.unchanged(files) if memory else {}
    try:
        pushed = _push(client, name, files, known, message=message, on_read=on_read)
    except ClientError as error:
        if error.code != "content_gone" or not known:
            raise
        pushed = _push(client, name, files, {}, message=message, on_read=on_read)
    if memory is not None:
        digests = {file["path"]: file["md5"] for file in files_of(client, pushed.version)}
        memory.keep((file, digests[file.name]) for file in files if file.name in digests)
    return pushed


def _push(
    client: Client,
    name: str,
    files: Sequence[LocalFile],
    known: dict[str, str],
    *,
    message: str,
    on_read: Callable[[int], None],
) -> Pushed:
    def ask(digests: Sequence[bytes]) -> bytes:
        return client.ask("datasets", name, "missing-chunks", body=b"".join(digests))

    # On this machine the network is faster than compression, which the server then does.
    push = _Push(ask, compress=not is_local(client.url), on_read=on_read)
    records = ahead(push.records(files, known, message))
    version = client.push("datasets", name, "versions", records=records, media_type=wire.MEDIA_TYPE)
    return Pushed(version, push.sent)


class _Push:
    """The records of a push, to be sent as they are asked for. `sent` counts the bytes of chunks that had to go."""

    def __init__(self, ask: Ask, *, compress: bool, on_read: Callable[[int], None]) -> None:
        self._ask = ask
        self._compress = compress
        self._on_read = on_read
        self._pool = ThreadPoolExecutor(cpu_count())
        self._there: set[bytes] = set()
        self._chunks: dict[bytes, bytes] = {}
        self._size = 0
        self._tail = bytearray()
        self.sent = 0

    def records(self, files: Iterable[LocalFile], known: dict[str, str], message: str) -> Iterator[bytes]:
        """Everything, in pieces. `known` are the MD5s of files, by name, that need not be read."""
        for file in files:
            if file.name in known:
                self._tail += wire.known(known[file.name], file.name)
                self._on_read(file.size)
            else:
                yield from self._file(file)
            if self._size >= WINDOW or len(self._chunks) >= WINDOW_CHUNKS:
                yield from self._flush()
        yield from self._flush()
        yield wire.record(Kind.MESSAGE, message.encode())

    def _file(self, file: LocalFile) -> Iterator[bytes]:
        parts: list[tuple[bytes, int]] = []
        for chunk in _chunks_of(file, self._on_read):
            digest = digest_of(chunk)
            parts.append((digest, len(chunk)))
            if digest not in self._there and digest not in self._chunks:
                self._chunks[digest] = chunk
                self._size += len(chunk)
            if self._size >= WINDOW:
                self._tail += wire.parts(parts)
                parts = []
                yield from self._flush()
        if parts:
            self._tail += wire.parts(parts)
        self._tail += wire.record(Kind.END, file.name.encode())

    def _flush(self) -> Iterator[bytes]:
        """The chunks that are missing over there, then what is made of them."""
        if self._chunks:
            answers = self._ask(list(self._chunks))
            missing = [item for item, lacks in zip(self._chunks.items(), answers, strict=True) if lacks]
            self.sent += sum(len(chunk) for _, chunk in missing)
            each = self._pool.map if self._compress else map
            yield from each(self._framed, _grouped(missing))
            self._there.update(self._chunks)
            self._chunks, self._size = {}, 0
        tail, self._tail = bytes(self._tail), bytearray()
        if tail:
            yield tail

    def _framed(self, group: list[tuple[bytes, bytes]]) -> bytes:
        data = b"".join(chunk for _, chunk in group)
        encoding, stored = encode(data) if self._compress else (Encoding.RAW, data)
        return wire.frame(encoding, [(digest, len(chunk)) for digest, chunk in group], stored)


def _chunks_of(file: LocalFile, on_read: Callable[[int], None]) -> Iterator[bytes]:
    """The file's chunks. Raises ClientError when it is not as large as it was when it was looked at."""
    read = 0

    def count(size: int) -> None:
        nonlocal read
        read += size
        on_read(size)

    try:
        with FileIO(file.path) as stream:  # a Path each costs as much as the read
            if file.size <= SMALLEST:
                data = stream.read(SMALLEST + 1)
                count(len(data))
                if data:
                    yield data
            else:
                yield from cut_file(stream, count)
    except OSError as error:
        raise ClientError(f"{file.path} cannot be read: {error.strerror}.") from error
    if read != file.size:
        raise ClientError(f"{file.path} changed while it was being sent.", fix="Send it again.")


def _grouped(chunks: list[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    """Small chunks together, larger ones alone."""
    group: list[tuple[bytes, bytes]] = []
    size = 0
    for item in chunks:
        if len(item[1]) >= SMALLEST:
            yield [item]
            continue
        if size + len(item[1]) > SHARED:
            yield group
            group, size = [], 0
        group.append(item)
        size += len(item[1])
    if group:
        yield group
