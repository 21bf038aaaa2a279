"""MLflow's own server below `/mlflow`, behind our tokens: pages, REST, artifacts and traces, passed on as streams."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from html import escape
from typing import Annotated, Any, Final

import httpx
import structlog
from fastapi import APIRouter, Request, Response, Security
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from fastapi.routing import APIRoute
from fastapi.security import SecurityScopes
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from adapters.mlflow_server import MlflowServer, TrackingAway
from api.deps import authorize, secret_of
from api.errors import CODES, status_of
from api.measurements import stream
from api.mlflow_paths import checked, chooses_place, is_file, refuse_foreign_place, scope_of
from api.origins import refuse_cross_origin
from domain.access.actor import Actor, Scope
from domain.access.origins import COOKIE
from domain.access.service import identify
from domain.errors import DomainError

log = structlog.get_logger(__name__)

PREFIX: Final = "/mlflow"
# What belongs to one connection (RFC 9110, 7.6.1), and what an HTTP library works out by itself.
_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    }
)  # fmt: skip
# Ours, not MLflow's: who the caller is, and where it came from. The origin has been judged here.
_KEPT_HERE: Final = frozenset(
    {"authorization", "cookie", "expect", "forwarded", "host", "origin", "referer", "x-request-id", "x-real-ip"}
)
_NOT_GIVEN_BACK: Final = frozenset({"date", "location", "server", "set-cookie", "vary", "x-frame-options"})
# MLflow's pages style themselves as they run, and show artifacts from memory in frames of their own.
_UI_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; media-src 'self' data: blob:; worker-src 'self' blob:; frame-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_FILE_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


class _PageRoute(APIRoute):
    """Tells a browser in a page what it tells programs as problem+json."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_explain(request: Request) -> Response:
            try:
                return await handle(request)
            except (DomainError, HTTPException) as error:
                if request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
                    raise
                return _page(error)

        return handle_or_explain


router = APIRouter(prefix=PREFIX, include_in_schema=False, route_class=_PageRoute)


@dataclass(frozen=True)
class Visit:
    """A request by somebody who may make it; `path` is below the prefix, decoded and checked."""

    actor: Actor
    scope: Scope
    path: str


def admit(scopes: SecurityScopes, request: Request) -> Visit:
    """Who asks, and whether they may: a thread and one read transaction, before MLflow hears of it."""
    runtime = request.app.state.runtime
    told = secret_of(request)
    secret = told or request.cookies.get(COOKIE)
    if not secret:
        raise HTTPException(
            401, "MLflow is behind Millrace's tokens: set MLFLOW_TRACKING_TOKEN, or sign in to the dashboard."
        )
    with runtime.reading() as session:
        actor = identify(session, secret, now=runtime.clock())
    if actor is None:
        raise HTTPException(401, "The token is unknown, expired or revoked.")
    path = checked(request.path_params.get("path", ""), request.scope.get("raw_path") or b"")
    scope = scope_of(request.method, path)
    if told is None:
        refuse_cross_origin(request)
    return Visit(authorize(SecurityScopes([*scopes.scopes, scope]), actor), scope, path)


Visiting = Annotated[Visit, Security(admit, scopes=[Scope.READ])]
Changing = Annotated[Visit, Security(admit, scopes=[Scope.WRITE])]


@router.get("")
def to_the_pages(_: Visiting) -> Response:
    return RedirectResponse(f"{PREFIX}/")


# MLflow takes its longer questions by POST: whether one writes its path says (`mlflow_paths`), and `admit` asks.
@router.api_route("/{path:path}", methods=["GET", "HEAD", "POST"])
async def pass_on(visit: Visiting, request: Request) -> Response:
    return await _pass_on(visit, request)


@router.api_route("/{path:path}", methods=["PUT", "PATCH", "DELETE"])
async def pass_change_on(visit: Changing, request: Request) -> Response:
    return await _pass_on(visit, request)


async def _pass_on(visit: Visit, request: Request) -> Response:
    """The answer of MLflow, as it arrives."""
    server: MlflowServer = request.app.state.mlflow
    body: bytes | AsyncIterator[bytes] | None = _body(request)
    try:
        if body is not None and chooses_place(visit.path):
            body = await request.body()
            refuse_foreign_place(body)
        answer = await server.send(
            request.method,
            visit.path,
            query=request.scope["query_string"].decode("latin-1"),
            headers=_headers_for_mlflow(request),
            body=body,
        )
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    if visit.scope == Scope.WRITE:
        log.info(
            "mlflow_write", actor=visit.actor.name, method=request.method, path=visit.path, status=answer.status_code
        )
    try:
        headers = _headers_for_caller(server, visit, answer)
    except DomainError:
        await answer.aclose()
        raise
    response = StreamingResponse(stream(answer), answer.status_code)
    response.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return response


def _body(request: Request) -> AsyncIterator[bytes] | None:
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    return request.stream() if has_body else None


def _headers_for_mlflow(request: Request) -> dict[str, str]:
    named = {name.strip().lower() for name in request.headers.get("connection", "").split(",")}
    dropped = _HOP | _KEPT_HERE | named
    return {
        name: value
        for name, value in request.headers.items()
        if name not in dropped and not name.startswith(("x-forwarded-", "sec-fetch-"))
    }


def _headers_for_caller(server: MlflowServer, visit: Visit, answer: httpx.Response) -> list[tuple[str, str]]:
    named = {name.strip().lower() for name in answer.headers.get("connection", "").split(",")}
    dropped = _HOP | _NOT_GIVEN_BACK | named
    headers = [
        (name.lower(), value)
        for name, value in answer.headers.multi_items()
        if name.lower() not in dropped and not name.lower().startswith("access-control-")
    ]
    location = answer.headers.get("location")
    if location is not None:
        below = server.public_path(location, asked=visit.path)
        if below is None:
            raise TrackingAway("MLflow sends to a place that is not its own.", where="mlflow")
        headers.append(("location", f"{PREFIX}/{below}"))
    headers.append(("cross-origin-resource-policy", "same-origin"))
    if is_file(visit.path):
        headers.append(("content-security-policy", _FILE_POLICY))
        if "content-disposition" not in answer.headers:
            headers.append(("content-disposition", "attachment"))
    else:
        headers.append(("content-security-policy", _UI_POLICY))
    return headers


def _page(error: DomainError | HTTPException) -> HTMLResponse:
    if isinstance(error, DomainError):
        status, code, text, fix = status_of(type(error)), error.code, error.message, error.fix
    else:
        status, code, text, fix = error.status_code, CODES.get(error.status_code, "error"), str(error.detail), None
    title = code.replace("_", " ").capitalize()
    said = "".join(f"<p>{escape(line)}</p>" for line in (text, fix) if line)
    return HTMLResponse(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<h1>{escape(title)}</h1>{said}<p><a href="/">To the dashboard</a></p></html>',
        status,
    )
