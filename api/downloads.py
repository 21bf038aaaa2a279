"""Contents of the data store as responses: ranges, ETags and names. Called by the routes that hand out bytes."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from adapters.chunk_store.contents import Contents
from domain.datasets.manifest import ManifestEntry

_RANGE = re.compile(r"^bytes=(\d{1,18})?-(\d{1,18})?$")


def file_response(request: Request, contents: Contents, entry: ManifestEntry) -> Response:
    """The bytes of `entry`, streamed, or one range of them (RFC 9110, 14.2)."""
    etag = f'"{entry.md5}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(PurePosixPath(entry.path).name, safe='')}",
    }
    if etag in (request.headers.get("if-none-match") or ""):
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range", "") if request.headers.get("if-range", etag) == etag else ""
    start, end = span(asked, entry.size) or (0, entry.size)
    if start >= end and entry.size:
        headers["Content-Range"] = f"bytes */{entry.size}"
        return Response(status_code=416, headers=headers)
    headers["Content-Length"] = str(end - start)
    partial = _RANGE.match(asked) is not None
    if partial:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{entry.size}"
    body = _first(contents.stream(entry.md5, start), end - start)  # raises here, while the status can still say so
    return StreamingResponse(body, 206 if partial else 200, headers=headers, media_type="application/octet-stream")


def span(asked: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last of a `Range` header; None for what is no single range of bytes."""
    match = _RANGE.match(asked)
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if first is None:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _first(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """As many bytes of the stream as asked for."""
    for chunk in chunks:
        yield chunk[:count]
        count -= len(chunk)
        if count <= 0:
            return
