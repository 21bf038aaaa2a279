"""What routes ask for: the runtime, who is asking, a session of the right kind, a page, preconditions."""

from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from anyio import Semaphore
from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer, SecurityScopes
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.exceptions import HTTPException

from adapters.runtime import Runtime
from api.origins import refuse_cross_origin
from domain.access.actor import Actor, Scope
from domain.access.origins import COOKIE
from domain.access.service import identify
from domain.db import ReadSession, WriteSession
from domain.errors import Forbidden, Stale
from domain.pages import PageRequest

MOST_ROWS = 500
"""Of one page."""
bearer = HTTPBearer(auto_error=False, description="A token made by `POST /api/v1/tokens`.")
cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, description="The dashboard's session, set by `POST /api/v1/session`."
)


class MissingScope(Forbidden):
    code = "missing_scope"


def get_runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]


def get_actor(
    request: Request,
    runtime: RuntimeDep,
    header: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    session_cookie: Annotated[str | None, Depends(cookie)],
) -> Actor:
    """Who holds the token of this request; 401 when it has none, or one that is not good (any more)."""
    secret = header.credentials if header else session_cookie
    if not secret:
        raise HTTPException(401, "This needs a token: send `Authorization: Bearer TOKEN`.")
    with runtime.reading() as session:
        actor = identify(session, secret, now=runtime.clock())
    if actor is None:
        raise HTTPException(401, "The token is unknown, expired or revoked.")
    if header is None:
        refuse_cross_origin(request)
    return actor


def secret_of(request: Request) -> str | None:
    """The token in the `Authorization` header as DVC's client sends it: as a bearer token, or as a basic password."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip() or None
    if kind.lower() == "basic":
        try:
            return b64decode(value, validate=True).decode().partition(":")[2] or None
        except ValueError:
            return None
    return None


def authorize(scopes: SecurityScopes, actor: Annotated[Actor, Depends(get_actor)]) -> Actor:
    """The actor, if it has the scopes the route names."""
    for scope in scopes.scopes:
        if Scope(scope) not in actor.scopes:
            raise MissingScope(
                f"{actor.name} ({actor.role}) does not have the scope {scope!r}.",
                where="token",
                fix="Ask an admin for a token of another role.",
            )
    return actor


Reader = Annotated[Actor, Security(authorize, scopes=[Scope.READ])]
Writer = Annotated[Actor, Security(authorize, scopes=[Scope.WRITE])]
Approver = Annotated[Actor, Security(authorize, scopes=[Scope.APPROVE])]
Admin = Annotated[Actor, Security(authorize, scopes=[Scope.ADMIN])]


async def take_write_turn(request: Request) -> AsyncIterator[None]:
    """Let a few requests write at a time, and the others wait without a thread.

    A write holds its locks until its answer has been made, which takes a thread: if all threads waited for the locks,
    nobody could let go of them.
    """
    turns: Semaphore = request.app.state.write_turns
    async with turns:
        yield


def get_write_session(
    request: Request,
    runtime: RuntimeDep,
    actor: Annotated[Actor, Depends(get_actor)],
    _: Annotated[None, Depends(take_write_turn, scope="function")],
) -> Iterator[WriteSession]:
    with runtime.transaction(actor, request_id=request.state.request_id) as session:
        yield session


def get_read_session(runtime: RuntimeDep) -> Iterator[ReadSession]:
    with runtime.reading() as session:
        yield session


# scope="function": the commit happens before the response is sent, so a failing commit is an error to the client.
WriteDep = Annotated[WriteSession, Depends(get_write_session, scope="function")]
ReadDep = Annotated[ReadSession, Depends(get_read_session, scope="function")]


def get_page(
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows of a page.")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="The `next_cursor` of the page before.")] = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


PageDep = Annotated[PageRequest, Depends(get_page)]


def get_idempotency_key(
    actor: Annotated[Actor, Depends(get_actor)],
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(max_length=100, description="The same key starts the work once.")
    ] = None,
) -> str | None:
    """A job key that is the same for the same caller, route and header; None without the header."""
    return f"{actor.name}:{request.url.path}:{idempotency_key}"[:200] if idempotency_key else None


IdempotencyKey = Annotated[str | None, Depends(get_idempotency_key)]
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description="The ETag read before; 412 when it is no longer current.")
]


def check_if_match(if_match: str | None, revision: int, *, what: str) -> None:
    """Raise Stale unless the caller saw this revision (or did not ask)."""
    if if_match is not None and if_match.strip() not in {f'"{revision}"', "*"}:
        raise Stale(
            f"{what} is at revision {revision} and you have {if_match}.",
            where="If-Match",
            fix="Read it again and repeat your change.",
        )
