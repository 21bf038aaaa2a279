"""Multipart uploads, streamed: each file goes into the store while it arrives. Nothing is held whole.

Called by the route that takes dataset versions. A broken upload leaves nothing.
"""

from asyncio import wrap_future
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from adapters.chunk_store.arriving import ContentBatch, ContentSink
from adapters.chunk_store.contents import Contents
from adapters.object_store.protocol import StoreUnavailable
from api.errors import TooLarge
from domain.datasets.manifest import BadFileName, ManifestEntry, checked_path, listing_of
from domain.errors import Invalid

CHUNK = 2**20
MAX_FIELD_BYTES = 10_000
MAX_FIELDS = 20


class BadUpload(Invalid):
    """The body is not the multipart form it says it is."""

    code = "bad_upload"


@dataclass
class Upload:
    """What a form came to: its files, in the store already, and its text fields."""

    entries: list[ManifestEntry] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


async def receive_upload(request: Request, contents: Contents, *, max_files: int) -> Upload:
    """Read the form of `request` into the store.

    Raises `BadUpload` (not a form, or it breaks off), `BadFileName`, `TooLarge` (more than `max_files` files, or a
    field too long) or `StoreUnavailable`; all that had arrived is then gone.
    """
    _, options = parse_options_header(request.headers.get("content-type"))
    return await receive(request, _Form(contents, options.get(b"boundary", b""), max_files))


class Receiver(Protocol):
    """Takes a body bite by bite, in a thread; `close` comes in any case, and drops what `finish` has not kept."""

    def feed(self, data: bytes) -> None: ...
    def finish(self, data: bytes) -> Upload: ...
    def close(self) -> None: ...


async def receive(request: Request, receiver: Receiver) -> Upload:
    """Stream the body of `request` into the receiver."""
    try:
        # One thread hashes and writes what has arrived while the next bite arrives.
        with ThreadPoolExecutor(1) as hand:
            return await _feed(request, receiver, hand)
    except ClientDisconnect as error:
        raise BadUpload("The sender went away before the upload was complete.", where="body") from error
    finally:
        receiver.close()


async def _feed(request: Request, form: Receiver, hand: Executor) -> Upload:
    waiting: list[bytes] = []
    size = 0
    feeding = hand.submit(form.feed, b"")
    async for chunk in request.stream():
        waiting.append(chunk)
        size += len(chunk)
        if size >= CHUNK:  # bigger bites than the network's: each one costs a change of threads
            await wrap_future(feeding)
            feeding = hand.submit(form.feed, b"".join(waiting))
            waiting, size = [], 0
    await wrap_future(feeding)
    return await wrap_future(hand.submit(form.finish, b"".join(waiting)))


class _Form:
    """The state of one form while it is parsed. Everything here runs in a thread: it hashes and writes."""

    def __init__(self, contents: Contents, boundary: bytes, max_files: int) -> None:
        self._batch: ContentBatch | None = contents.batch()
        self._max_files = max_files
        self._upload = Upload()
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        self._name = ""
        self._path: str | None = None
        self._sink: ContentSink | None = None
        self._text = bytearray()
        self._complete = False
        if not boundary:
            raise BadUpload("The multipart form names no boundary.", where="Content-Type")
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._take_header_name,
                    "on_header_value": self._take_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._open_part,
                    "on_part_data": self._take_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise BadUpload(f"The boundary is refused: {error}.", where="Content-Type") from error

    def feed(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise BadUpload(f"The multipart form is broken: {error}.", where="body") from error
        except OSError as error:
            raise StoreUnavailable(f"The store does not take the upload: {error}.", where="store") from error

    def finish(self, data: bytes) -> Upload:
        self.feed(data)
        if not self._complete:
            raise BadUpload("The body ends before its last part does.", where="body", fix="Send it again.")
        batch, entries = self._open_batch(), self._upload.entries
        listing = listing_of(entries)
        if listing is not None:
            batch.add_listing(listing)
        batch.keep()
        self._batch = None
        return self._upload

    def close(self) -> None:
        """Drop what has arrived, unless all of it has."""
        if self._batch is not None:
            self._batch.discard()
            self._batch = None

    def _open_batch(self) -> ContentBatch:
        assert self._batch is not None  # noqa: S101  # closed only after the last byte
        return self._batch

    def _begin_part(self) -> None:
        self._disposition = b""
        self._text.clear()

    def _take_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _take_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def _open_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise BadUpload("A part of the form has no name.", where="Content-Disposition")
        self._name = options[b"name"].decode(errors="replace")
        if b"filename" not in options:
            self._path = None
            self._refuse_field()
            return
        if len(self._upload.entries) >= self._max_files:
            raise TooLarge(f"More than {self._max_files} files at once are not taken.", where="files")
        self._path = checked_path(_text_of(options[b"filename"]))
        self._sink = self._open_batch().sink()

    def _refuse_field(self) -> None:
        if self._name in self._upload.fields:
            raise BadUpload(f"The field {self._name!r} was sent twice.", where=self._name)
        if len(self._upload.fields) >= MAX_FIELDS:
            raise TooLarge(f"More than {MAX_FIELDS} fields are not taken.", where="body")

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is not None:
            self._sink.write(data[start:end])
            return
        if len(self._text) + end - start > MAX_FIELD_BYTES:
            raise TooLarge(f"The field {self._name!r} is longer than {MAX_FIELD_BYTES} bytes.", where=self._name)
        self._text += data[start:end]

    def _end_part(self) -> None:
        if self._path is None or self._sink is None:
            # Postgres keeps no NUL in text.
            self._upload.fields[self._name] = self._text.decode(errors="replace").replace("\x00", "")
            return
        sink, self._sink = self._sink, None
        stored = sink.close()
        self._upload.entries.append(ManifestEntry(self._path, stored.md5, stored.size))

    def _end(self) -> None:
        self._complete = True


def _text_of(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise BadFileName("A file name is not UTF-8.", where="files", fix="Rename the file.") from error
