"""What can go wrong, each with one sentence and the next step: every error of this package is a `MillraceError`."""

import httpx


class MillraceError(Exception):
    """`message` is for a person; `where` is the place in the input; `fix` is the next step."""

    def __init__(self, message: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.message = message
        self.where = where
        self.fix = fix
        super().__init__(message)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.message}{place}" + (f" {self.fix}" if self.fix else "")


class Misuse(MillraceError):
    """What was asked cannot be sent at all."""


class Unreachable(MillraceError):
    """No server answers, or the connection broke."""


class JobFailed(MillraceError):
    """A job that was waited for did not succeed; `job_id` and `state` tell which and how it ended."""

    def __init__(self, message: str, *, job_id: str, state: str, where: str | None, fix: str | None) -> None:
        super().__init__(message, where=where, fix=fix)
        self.job_id = job_id
        self.state = state


class Problem(MillraceError):
    """The server said no (RFC 9457): the HTTP `status`, and a `code` that stays the same for programs to read."""

    def __init__(
        self, message: str, *, status: int, code: str, where: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(message, where=where, fix=fix)
        self.status = status
        self.code = code


def problem_of(response: httpx.Response) -> Problem:
    """What a refusal says, its body read; the HTTP status alone where something else than Millrace answered."""
    try:
        body = response.json()
    except ValueError:
        body = None
    status = response.status_code
    if not isinstance(body, dict) or not (body.get("detail") or body.get("title")):
        message = f"{response.request.url} answered {status} {response.reason_phrase}."
        return Problem(message, status=status, code="unknown", fix="Is this the address of a Millrace server?")
    fix = body.get("fix")
    if fix is None and status == httpx.codes.UNAUTHORIZED:
        fix = "Pass token= to millrace.connect, or set MILLRACE_TOKEN: `millrace tokens create` makes one."
    return Problem(
        str(body.get("detail") or body["title"]),
        status=status,
        code=str(body.get("code") or "unknown"),
        where=body.get("where"),
        fix=fix,
    )
