"""Contents of the data store as responses: ranges, ETags and names. Called by the routes that hand out bytes."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from adapters.chunk_store.contents import Contents
from domain.datasets.manifest import ManifestEntry

FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "The bytes of the file."},
    206: {"content": {"application/octet-stream": {}}, "description": "The range that `Range` asks for."},
    304: {"description": "As the `If-None-Match` says; the ETag is the MD5 of the file."},
    416: {"description": "The file has no such range."},
}
"""What `file_response` answers, for the description of a route."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


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
    asked = request.headers.get("range") if request.headers.get("if-range", etag) == etag else None
    start, end, status = byte_range(asked, entry.size) if asked else (0, entry.size, 200)
    if status == 416:
        headers["Content-Range"] = f"bytes */{entry.size}"
        return Response(status_code=416, headers=headers)
    headers["Content-Length"] = str(end - start)
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{entry.size}"
    body = _first(contents.stream(entry.md5, start), end - start)  # raises here, while the status can still say so
    return StreamingResponse(body, status, headers=headers, media_type="application/octet-stream")


def byte_range(asked: str, size: int) -> tuple[int, int, int]:
    """Start, end (exclusive) and status of a `Range` (RFC 9110, 14): one range, or the whole where it is none."""
    match = _RANGE.fullmatch(asked.replace(" ", ""))
    if match is None or match.group(1) == match.group(2) == "":
        return 0, size, 200
    first, last = match.groups()
    if first == "":
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
    if last and first and int(last) < int(first):
        return 0, size, 200
    return (start, end, 206) if start < end else (0, 0, 416)


def _first(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """As many bytes of the stream as asked for."""
    for chunk in chunks:
        yield chunk[:count]
        count -= len(chunk)
        if count <= 0:
            return
