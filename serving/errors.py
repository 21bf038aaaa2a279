"""What can be wrong with a prediction request, and how an exception becomes a `Problem`, which each protocol shapes."""

import logging
from dataclasses import dataclass
from typing import ClassVar

import orjson

from domain.errors import DomainError, Forbidden, Invalid, NotFound, Unavailable

log = logging.getLogger(__name__)

_STATUS_OF_KIND = {"not_found": 404, "conflict": 409, "invalid": 422, "forbidden": 403, "unavailable": 503}


class BadRequest(Invalid):
    """The body cannot be read at all."""

    code = "bad_request"
    status: ClassVar[int] = 400


class BadJson(BadRequest):
    code = "bad_json"


class BadHeader(BadRequest):
    code = "bad_header"


class NotANumber(Invalid):
    code = "not_a_number"


class BadRows(Invalid):
    """The body is readable and is no table of rows that the model takes."""

    code = "bad_rows"


class BadColumns(BadRows):
    """The columns of a table are unnamed, named twice or of different lengths."""

    code = "bad_columns"


class BadTensor(BadRequest):
    """A tensor of Open Inference v2 contradicts itself, or is none that the model takes."""

    code = "bad_tensor"


class WrongMethod(Invalid):
    code = "method_not_allowed"
    status: ClassVar[int] = 405


class WrongContentType(Invalid):
    code = "wrong_content_type"
    status: ClassVar[int] = 415


class BodyTooLarge(Invalid):
    code = "body_too_large"
    status: ClassVar[int] = 413


class BodyTooSlow(Invalid):
    code = "body_too_slow"
    status: ClassVar[int] = 408


class WrongEncoding(Invalid):
    code = "wrong_content_encoding"
    status: ClassVar[int] = 415


class BadEncoding(BadRequest):
    """The body is not what its Content-Encoding says."""

    code = "bad_content_encoding"


class TooManyRows(Invalid):
    code = "too_many_rows"
    status: ClassVar[int] = 413


class TokenMissing(Forbidden):
    code = "token_missing"
    status: ClassVar[int] = 401


class TokenUnknown(Forbidden):
    code = "token_unknown"


class NotInternal(Forbidden):
    code = "not_internal"


class RateLimited(Unavailable):
    """The caller asks too often."""

    code = "rate_limited"
    status: ClassVar[int] = 429

    def __init__(self, message: str, *, fix: str, retry_after_seconds: int) -> None:
        super().__init__(message, fix=fix)
        self.retry_after_seconds = retry_after_seconds


class NoLiveVersion(Unavailable):
    code = "no_live_version"


class TooBusy(Unavailable):
    """As many requests as the endpoint takes are under way, and as many as it lets wait are waiting."""

    code = "too_busy"
    status: ClassVar[int] = 429


class DeadlineExceeded(Unavailable):
    code = "deadline_exceeded"


class Stopping(Unavailable):
    """A stream of rows ends, because the process does; another one takes the rest."""

    code = "stopping"


class ModelFailed(Unavailable):
    """The model did not answer: its process died, hung or raised something unexpected."""

    code = "model_failed"


class VersionNotLive(NotFound):
    """The endpoint answers, but not by the version that was asked for."""

    code = "version_not_live"


class UnknownPath(NotFound):
    code = "unknown_path"


class Disconnected(Exception):
    """The client went away; there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as every protocol needs it: HTTP status, stable code, and what a person should read."""

    status: int
    code: str
    title: str
    detail: str
    where: str | None
    fix: str | None

    @property
    def sentence(self) -> str:
        """All of it in one line, for protocols with a single message field."""
        place = f" (at {self.where})" if self.where else ""
        advice = f" {self.fix}" if self.fix else ""
        return f"{self.detail}{place}{advice}"


def code_of(error: Exception) -> str:
    """The stable code of what an exception becomes, as metrics count it."""
    if isinstance(error, Disconnected):
        return "disconnected"
    return error.code if isinstance(error, DomainError) else "unexpected"


def status_of(error: Exception) -> int:
    """The HTTP status of what an exception becomes; 499 where nobody reads it, as proxies write it down."""
    if isinstance(error, Disconnected):
        return 499
    return getattr(error, "status", _STATUS_OF_KIND[error.kind]) if isinstance(error, DomainError) else 500


def problem_of(error: Exception) -> Problem:
    """The problem an exception stands for; the unexpected is logged here and told to nobody else."""
    if isinstance(error, DomainError):
        title = error.code.replace("_", " ").capitalize()
        return Problem(status_of(error), error.code, title, error.message, error.where, error.fix)
    log.error("unexpected error in a prediction request", exc_info=error)
    return Problem(500, "unexpected", "Unexpected", "Something went wrong here; the log has it.", None, None)


def problem_json(problem: Problem, request_id: str) -> bytes:
    """RFC 9457, with our stable `code`, the place in the input and the way out."""
    fields = {
        "type": f"urn:millrace:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "where": problem.where,
        "fix": problem.fix,
        "request_id": request_id,
    }
    return orjson.dumps({name: value for name, value in fields.items() if value is not None})
