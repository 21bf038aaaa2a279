"""The five kinds of error the domain raises. A case is a subclass beside the rule that raises it.

Doors translate the kind (HTTP: 404, 409, 422, 403, 503); workers treat the first four as final.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar


class DomainError(Exception):
    """Something was asked that cannot be done.

    `message` says what is wrong in one sentence, `where` names the place in the input
    (a column, a JSON pointer, a file) and `fix` says what to do next.
    """

    kind: ClassVar[str] = "error"
    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.fix = fix


class NotFound(DomainError):
    kind = "not_found"
    code = "not_found"


class Conflict(DomainError):
    kind = "conflict"
    code = "conflict"


class Invalid(DomainError):
    kind = "invalid"
    code = "invalid"


class Forbidden(DomainError):
    kind = "forbidden"
    code = "forbidden"


class Unavailable(DomainError):
    kind = "unavailable"
    code = "unavailable"


class Stale(Conflict):
    """Somebody changed the row since the caller read it (`If-Match` does not hold): HTTP 412."""

    code = "stale"


def unknown(noun: str, name: str, known: Iterable[str]) -> NotFound:
    """The error for a name that does not exist, with near matches among the `known` ones."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.6)
    fix = f"Did you mean {', '.join(repr(match) for match in near)}?" if near else None
    return NotFound(f"There is no {noun} named {name!r}.", where=noun, fix=fix)


def said_of(error: Mapping[str, Any]) -> str:
    """What one of pydantic's errors says, without the words it puts before the message of a validator of ours."""
    return re.sub(r"^(Value error|Assertion failed), ", "", str(error["msg"]))
