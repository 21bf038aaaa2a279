"""The remote's folders, listed as WebDAV does (RFC 4918, PROPFIND): what `dvc gc -c` needs and plain HTTP cannot say.

DVC's HTTP client has no way to list a remote, so it cannot collect there; its WebDAV client has. Listed is what was
pushed, and nothing that only a version has: that is not DVC's to delete.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response, Security
from fastapi.security import SecurityScopes

from api.routers.dvc import DatasetName, visit_of
from domain.access.actor import Scope
from domain.datasets import remote
from domain.datasets.queries import get_dataset
from domain.db import ReadSession

router = APIRouter(prefix="/dvc/{dataset}", include_in_schema=False)
OBJECTS = "files/md5"
_BELOW = re.compile(rf"{OBJECTS}/([0-9a-f]{{2}})(?:/([0-9a-f]{{30}}(?:\.dir)?))?")


@dataclass(frozen=True)
class Resource:
    """A folder (`size` is None) or an object, by its path below the remote."""

    path: str
    size: int | None = None
    pushed_at: datetime | None = None


def list_folder(scopes: SecurityScopes, request: Request, dataset: DatasetName, path: str = "") -> list[Resource]:
    """The resource at `path`, and what is in it."""
    with request.app.state.runtime.reading() as session:
        visit_of(session, scopes, request, dataset)
        home = get_dataset(session, dataset)
        found = list(_resources(session, home.id, path.strip("/")))
    if not found:
        raise remote.UnknownObject(f"The remote of {dataset!r} has nothing at {path[:80]!r}.", where="path")
    return found


Listing = Annotated[list[Resource], Security(list_folder, scopes=[Scope.READ])]
Depth = Annotated[str, Header(max_length=20)]


@router.api_route("", methods=["PROPFIND"])
@router.api_route("/{path:path}", methods=["PROPFIND"])
def propfind(dataset: DatasetName, found: Listing, depth: Depth = "0") -> Response:
    """The resource; with `Depth: 1` also what is in it. Deeper is for the client to ask."""
    shown = found if depth == "1" else found[:1]
    parts = "".join(_described(f"/dvc/{dataset}/{resource.path}", resource) for resource in shown)
    body = f'<?xml version="1.0" encoding="utf-8"?>\n<d:multistatus xmlns:d="DAV:">{parts}</d:multistatus>'
    return Response(body, 207, media_type="application/xml")


def _resources(session: ReadSession, dataset_id: str, path: str) -> Iterator[Resource]:
    """The resource itself first; nothing where there is none."""
    if path in {"", "files"}:
        yield Resource(path)
        yield Resource("files" if path == "" else OBJECTS)
    elif path == OBJECTS:
        yield Resource(path)
        yield from (Resource(f"{OBJECTS}/{prefix}") for prefix in remote.prefixes_of(session, dataset_id))
    elif match := _BELOW.fullmatch(path):
        prefix, rest = match.groups()
        pushed = remote.pushed_under(session, dataset_id, prefix + (rest or ""))
        if rest is None and pushed:
            yield Resource(path)
        for one in pushed:
            if rest is None or one.digest == prefix + rest:
                yield Resource(f"{OBJECTS}/{one.digest[:2]}/{one.digest[2:]}", one.size, one.pushed_at)


def _described(href: str, resource: Resource) -> str:
    """One `response` of the answer. Paths are hex digits, fixed words and a checked name: nothing to escape."""
    if resource.size is None:
        properties = "<d:resourcetype><d:collection/></d:resourcetype>"
    else:
        properties = f"<d:resourcetype/><d:getcontentlength>{resource.size}</d:getcontentlength>"
    if resource.pushed_at is not None:
        properties += f"<d:getlastmodified>{format_datetime(resource.pushed_at, usegmt=True)}</d:getlastmodified>"
    found = f"<d:propstat><d:prop>{properties}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
    return f"<d:response><d:href>{href}</d:href>{found}</d:response>"
