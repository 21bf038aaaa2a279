"""Files of the data store as responses: ranges, ETags and names. Called by the route of a version's content."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from adapters.object_store.contents import Contents
from domain.datasets.manifest import ManifestEntry

_CHUNK = 2**20


def file_response(request: Request, contents: Contents, entry: ManifestEntry) -> Response:
    """The bytes of `entry`, streamed. A store on this machine answers ranges too; other stores send the whole file."""
    etag = f'"{entry.md5}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(PurePosixPath(entry.path).name, safe='')}",
    }
    if etag in (request.headers.get("if-none-match") or ""):
        return Response(status_code=304, headers=headers)
    local = contents.local_path(entry.md5)
    if local is not None and local.is_file():
        return FileResponse(local, headers=headers, media_type="application/octet-stream")
    stored = contents.open(entry.md5)  # raises here, while the status can still say so

    def chunks() -> Iterator[bytes]:
        with stored:
            while chunk := stored.read(_CHUNK):
                yield chunk

    headers["Content-Length"] = str(entry.size)
    return StreamingResponse(chunks(), headers=headers, media_type="application/octet-stream")
