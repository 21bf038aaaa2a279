"""Bytes under a digest, in and out, as DVC's client sends and asks for them. Called by the routes of the remote.

Nothing is held whole but what is small; large objects pass in bites, between the event loop and one thread.
"""

import asyncio
from asyncio import wrap_future
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from anyio import to_thread
from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from adapters.chunk_store.arriving import WrongDigest
from adapters.chunk_store.contents import Contents
from adapters.object_store.protocol import StoreUnavailable
from api.downloads import byte_range
from api.errors import TooLarge
from api.uploads import BadUpload
from domain.datasets.manifest import StoredContent, md5_of

T = TypeVar("T")

BITE = 2**20
# Up to here an object is one message: a client that only asked whether it exists has read it all, and its
# connection lives on.
SMALL = 2**17
# A larger one is sent when the client has not gone after its headers: it asks for existence with a GET, too.
PAUSE_SECONDS = 0.01


async def receive_object(request: Request, contents: Contents, *, md5: str, then: Callable[[StoredContent], T]) -> T:
    """Read the body of `request` into the store, and do what follows, in the same thread.

    Raises `WrongDigest` (not the bytes of this MD5), `BadUpload` (it breaks off) or `StoreUnavailable`; nothing is
    left of it then.
    """
    stream = request.stream()
    start = bytearray()
    try:
        async for chunk in stream:
            start += chunk
            if len(start) >= BITE:
                break
        else:
            return await to_thread.run_sync(_take_whole, contents, bytes(start), md5, then)
        sink = await to_thread.run_sync(contents.sink)
        with ThreadPoolExecutor(1) as hand:  # hashes and writes what has arrived while the next bite arrives
            try:
                writing = hand.submit(sink.write, bytes(start))
                waiting = bytearray()
                async for chunk in stream:
                    waiting += chunk
                    if len(waiting) >= BITE:
                        await wrap_future(writing)
                        writing = hand.submit(sink.write, bytes(waiting))
                        waiting.clear()
                await wrap_future(writing)
                await wrap_future(hand.submit(sink.write, bytes(waiting)))
            except BaseException:
                # In the same thread, so after what it still writes.
                await asyncio.shield(wrap_future(hand.submit(sink.abort)))
                raise
            return await wrap_future(hand.submit(lambda: then(sink.close(md5))))
    except ClientDisconnect as error:
        raise BadUpload("The sender went away before the object was complete.", where="body") from error
    except OSError as error:
        raise StoreUnavailable(f"The store does not take the object: {error}.", where="store") from error


async def receive_listing(request: Request, *, most: int) -> bytes:
    """The body of `request`, whole. Raises `TooLarge` above `most` bytes, or `BadUpload`."""
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > most:
                raise TooLarge(f"The listing of a folder has at most {most} bytes.", where="body")
    except ClientDisconnect as error:
        raise BadUpload("The sender went away before the listing was complete.", where="body") from error
    return bytes(data)


def _take_whole(contents: Contents, data: bytes, md5: str, then: Callable[[StoredContent], T]) -> T:
    if md5_of(data) != md5:
        raise WrongDigest(md5, md5_of(data))
    return then(contents.add(data))


class ObjectResponse(Response):
    """The bytes of an object, or a range of them; nothing but the headers for HEAD.

    `small` are the bytes, where they have been read already; else they are read from `contents` as they are sent.
    """

    def __init__(self, digest: str, size: int, *, contents: Contents, small: bytes | None = None) -> None:
        super().__init__()
        self._digest = digest
        self._size = size
        self._contents = contents
        self._small = small

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = {name: value for name, value in scope["headers"] if name in {b"range", b"if-range"}}
        etag = f'"{self._digest}"'
        start, end, status = 0, self._size, 200
        if b"range" in asked and asked.get(b"if-range", etag.encode()) == etag.encode():
            start, end, status = byte_range(asked[b"range"].decode("latin-1"), self._size)
        headers = {
            "content-type": "application/octet-stream",
            "content-length": str(end - start),
            "accept-ranges": "bytes",
            "etag": etag,
            "cache-control": "private, max-age=31536000, immutable",
        }
        if status == 206:
            headers["content-range"] = f"bytes {start}-{end - 1}/{self._size}"
        elif status == 416:
            headers["content-range"] = f"bytes */{self._size}"
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        if scope["method"] == "HEAD" or start == end:
            await send({"type": "http.response.body", "body": b""})
        elif self._small is not None:
            await send({"type": "http.response.body", "body": self._small[start:end]})
        else:
            await self._stream(receive, send, start, end)

    async def _stream(self, receive: Receive, send: Send, start: int, end: int) -> None:
        leaving = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait({leaving}, timeout=PAUSE_SECONDS)
            if leaving.done():
                return
            stored = await to_thread.run_sync(self._contents.open, self._digest)
            with stored:
                await to_thread.run_sync(stored.seek, start)
                while start < end and not leaving.done():
                    data = await to_thread.run_sync(stored.read, min(BITE, end - start))
                    if not data:
                        raise StoreUnavailable(f"The store holds {start} bytes of {end}.", where=self._digest)
                    start += len(data)
                    await send({"type": "http.response.body", "body": data, "more_body": start < end})
        finally:
            leaving.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
