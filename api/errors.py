"""Errors as RFC 9457 problem+json with a stable `code`. Installed once by `api.main`."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from starlette.exceptions import HTTPException

from domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Stale, Unavailable, said_of

log = structlog.get_logger(__name__)

STATUS: list[tuple[type[DomainError], int]] = [
    (Stale, 412),
    (NotFound, 404),
    (Conflict, 409),
    (Invalid, 422),
    (Forbidden, 403),
    (Unavailable, 503),
]
CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    503: "unavailable",
}


class FieldError(BaseModel):
    """One thing wrong with the input: `where` is a path such as `body.checks.2.max`."""

    where: str
    message: str


class Problem(BaseModel):
    """RFC 9457. `code` is stable for programs; `detail`, `where` and `fix` are for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    where: str | None = None
    fix: str | None = None
    errors: list[FieldError] = []
    request_id: str | None = None


class TooLarge(Invalid):
    """The body is larger than the server takes: HTTP 413."""

    code = "too_large"


def problem(request: Request, status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    """The response for an error; `more` may carry `where`, `fix` and `errors`."""
    body = Problem(
        type=f"urn:millrace:problem:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        code=code,
        detail=detail,
        request_id=getattr(request.state, "request_id", None),
        **more,
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": "2"} if status == 503 else None
    return JSONResponse(body.model_dump(exclude_none=True), status, headers, "application/problem+json")


def status_of(error: type[DomainError]) -> int:
    if issubclass(error, TooLarge):
        return 413
    return next((status for kind, status in STATUS if issubclass(error, kind)), 500)


def _domain_error(request: Request, error: DomainError) -> JSONResponse:
    return problem(request, status_of(type(error)), error.code, error.message, where=error.where, fix=error.fix)


def _validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    found = [FieldError(where=".".join(map(str, one["loc"])), message=said_of(one)) for one in error.errors()]
    first = found[0]
    return problem(request, 422, "invalid_request", f"{first.where}: {first.message}", where=first.where, errors=found)


def _http_error(request: Request, error: HTTPException) -> JSONResponse:
    return problem(request, error.status_code, CODES.get(error.status_code, "error"), str(error.detail))


def _integrity_error(request: Request, error: IntegrityError) -> JSONResponse:
    log.warning("integrity_error", error=str(error.orig))
    return problem(
        request, 409, "conflict", "Somebody made the same change at the same moment.", fix="Read it again and retry."
    )


def _data_error(request: Request, error: DataError) -> JSONResponse:
    log.warning("data_error", error=str(error.orig))
    return problem(
        request, 422, "unstorable_value", "A value is too long or too large, or has a character that cannot be kept."
    )


def _database_error(request: Request, error: DBAPIError) -> JSONResponse:
    log.error("database_error", error=str(error.orig))
    return problem(
        request, 503, "database_unavailable", "The database does not answer right now.", fix="Try again in a moment."
    )


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected_error", exc_info=error, path=request.url.path)
    return problem(
        request, 500, "unexpected", "Something went wrong on the server; the log has it under the request id."
    )


def install(app: FastAPI) -> None:
    """Answer every error of the app as problem+json."""
    handlers: dict[type[Exception], Any] = {
        DomainError: _domain_error,
        RequestValidationError: _validation_error,
        HTTPException: _http_error,
        IntegrityError: _integrity_error,
        DataError: _data_error,
        OperationalError: _database_error,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
