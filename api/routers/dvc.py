"""The remote that DVC's own client pushes to and pulls from: `dvc remote add m http://HOST/dvc/DATASET`.

Paths are the client's (`files/md5/ab/cdef…`), not the API's. A folder of 10,000 files is 20,000 small requests, so one
trip to the database admits the caller and finds the object.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Request, Response, Security
from fastapi.security import SecurityScopes
from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException

from adapters.chunk_store.arriving import WrongDigest
from adapters.runtime import Runtime
from api.deps import authorize, secret_of
from api.errors import TooLarge
from api.objects import SMALL, ObjectResponse, receive_listing, receive_object
from domain.access.actor import Actor, Scope
from domain.datasets import remote
from domain.datasets.dvc import parse_listing
from domain.datasets.manifest import StoredContent, md5_of
from domain.datasets.queries import get_dataset
from domain.datasets.service import DatasetExists, refuse_archived
from domain.datasets.specs import NAME_PATTERN
from domain.db import ReadSession

router = APIRouter(prefix="/dvc/{dataset}/files/md5", include_in_schema=False)
OBJECT = "/{prefix}/{rest}"
DatasetName = Annotated[str, Path(pattern=NAME_PATTERN)]
# What one file of a listing takes at most: a path (six bytes for each of JSON's escapes), an MD5, and the keys.
_LISTED_BYTES = 6 * 512 + 100


@dataclass(frozen=True)
class Visit:
    """A request to the remote by somebody who may make it. `size` is None where the dataset has no such object.

    `listing` is the object itself where it is made from a version's files.
    """

    runtime: Runtime
    actor: Actor
    request_id: str
    dataset: str
    place: remote.Place | None
    digest: str
    size: int | None
    listing: bytes | None = None


@dataclass(frozen=True)
class Greeting:
    """Who the token belongs to, and what it may do here."""

    dataset: str
    exists: bool
    actor: str
    may_push: bool


def greet(scopes: SecurityScopes, request: Request, dataset: DatasetName) -> Greeting:
    with request.app.state.runtime.reading() as session:
        actor, place = visit_of(session, scopes, request, dataset)
    return Greeting(dataset, place is not None, actor.name, Scope.WRITE in actor.scopes)


def admit(
    *,
    scopes: SecurityScopes,
    request: Request,
    dataset: DatasetName,
    prefix: Annotated[str, Path(pattern=r"^[0-9a-f]{2}$")],
    rest: Annotated[str, Path(pattern=r"^[0-9a-f]{30}(\.dir)?$")],
) -> Visit:
    """Who asks, for which object, and whether the dataset has it: one thread, one read transaction."""
    runtime: Runtime = request.app.state.runtime
    with runtime.reading() as session:
        digest = prefix + rest
        actor, place = visit_of(session, scopes, request, dataset, digest)
        size, listing = (None, None) if place is None else _find(session, runtime, place, digest)
    return Visit(runtime, actor, request.state.request_id, dataset, place, digest, size, listing)


Reading = Annotated[Visit, Security(admit, scopes=[Scope.READ])]
Writing = Annotated[Visit, Security(admit, scopes=[Scope.WRITE])]


@router.api_route(OBJECT, methods=["GET", "HEAD"])
async def get_object(visit: Reading, request: Request) -> Response:
    """The bytes of an object of the dataset, or a range of them; 404 when it was not pushed to it."""
    if visit.size is None:
        raise remote.UnknownObject(f"{visit.dataset!r} has no object {visit.digest}.", where="path")
    contents, small = visit.runtime.contents, visit.listing
    if small is None and visit.size <= SMALL and request.method == "GET":
        small = await to_thread.run_sync(contents.read, visit.digest)
    return ObjectResponse(visit.digest, visit.size, contents=contents, small=small)


@router.api_route(OBJECT, methods=["POST", "PUT"])
async def push_object(visit: Writing, request: Request) -> Response:
    """Take an object, if it is what its path says. The first push makes the dataset.

    The listing of a folder (`.dir`) is taken when all that it names is there.
    """
    if visit.place is not None and visit.place.archived:
        await to_thread.run_sync(_refuse_archived, visit)
    if visit.digest.endswith(".dir"):
        data = await receive_listing(request, most=visit.runtime.settings.max_upload_files * _LISTED_BYTES)
        new = await to_thread.run_sync(_take_listing, visit, data)
    else:
        new = await receive_object(request, visit.runtime.contents, md5=visit.digest, then=partial(_record, visit))
    return Response(status_code=201 if new else 200)


@router.delete(OBJECT, status_code=204)
def delete_object(visit: Writing) -> Response:
    """Forget that the object was pushed. Versions that have it keep it; else its bytes go with the next collection."""
    gone = False
    if visit.place is not None:
        with visit.runtime.transaction(visit.actor, request_id=visit.request_id) as session:
            gone = remote.forget_push(session, dataset_id=visit.place.id, digest=visit.digest)
    if not gone and visit.size is None:
        raise remote.UnknownObject(f"{visit.dataset!r} has no object {visit.digest}.", where="path")
    return Response(status_code=204)


@router.get("")
def get_remote(greeting: Annotated[Greeting, Security(greet, scopes=[Scope.READ])]) -> Greeting:
    """What a person asks to see whether a token is good; the client asks it before a fetch, and does not read it."""
    return greeting


def _find(session: ReadSession, runtime: Runtime, place: remote.Place, digest: str) -> tuple[int | None, bytes | None]:
    """The size of the object, and the object itself where it has to be made from a version's files."""
    if place.size is not None or not digest.endswith(".dir") or not remote.has_version(session, place.id, digest):
        return place.size, None
    if runtime.contents.exists(digest):
        return runtime.contents.size(digest), None
    listing = remote.listing_of(session, place.id, digest)
    return (None, None) if listing is None else (len(listing), listing)


def visit_of(
    session: ReadSession, scopes: SecurityScopes, request: Request, dataset: str, digest: str = ""
) -> tuple[Actor, remote.Place | None]:
    """The caller, and the dataset; 401 or 403 for somebody who may not be here."""
    secret = secret_of(request)
    if not secret:
        raise HTTPException(
            401,
            f"The remote of {dataset!r} needs a token: `dvc remote modify --local REMOTE auth basic`, any `user`, and "
            "the token as `password`.",
        )
    now = request.app.state.runtime.clock()
    actor, place = remote.visit(session, secret=secret, now=now, name=dataset, digest=digest)
    if actor is None:
        raise HTTPException(401, "The token is unknown, expired or revoked.")
    return authorize(scopes, actor), place


def _refuse_archived(visit: Visit) -> None:
    """Say no before the bytes are sent, not after."""
    with visit.runtime.reading() as session:
        refuse_archived(get_dataset(session, visit.dataset))


def _take_listing(visit: Visit, data: bytes) -> bool:
    found = f"{md5_of(data)}.dir"
    if found != visit.digest:
        raise WrongDigest(visit.digest, found)
    listed = parse_listing(data)
    most = visit.runtime.settings.max_upload_files
    if len(listed) > most:
        raise TooLarge(f"The folder has {len(listed)} files; more than {most} are not taken.", where="body")
    with visit.runtime.reading() as session:
        remote.refuse_incomplete(session, visit.place.id if visit.place else "", listed)
    visit.runtime.contents.put_listing(data)
    return _record(visit, StoredContent(found, len(data)))


def _record(visit: Visit, stored: StoredContent) -> bool:
    """The object exists now; True when it is new to the dataset."""
    try:
        return _record_once(visit, stored)
    except (IntegrityError, DatasetExists):  # two first pushes made the dataset at the same moment
        return _record_once(visit, stored)


def _record_once(visit: Visit, stored: StoredContent) -> bool:
    with visit.runtime.transaction(visit.actor, request_id=visit.request_id) as session:
        place = visit.place or remote.open_dataset(session, visit.dataset)
        return remote.record_push(session, dataset_id=place.id, digest=visit.digest, size=stored.size)
