"""What an error of a store's library means. botocore's, aiohttp's, google's and azure's have no ancestor in common."""

import errno
from collections.abc import Iterator
from enum import Enum
from typing import Any

from adapters.object_store.backend import PartsLost
from domain.errors import DomainError


class Trouble(Enum):
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    FULL = "full"
    SHORT = "short"  # a range past the end
    PASSING = "passing"
    LASTING = "lasting"


_STATUS = {
    401: Trouble.FORBIDDEN,
    403: Trouble.FORBIDDEN,
    404: Trouble.MISSING,
    408: Trouble.PASSING,
    416: Trouble.SHORT,
    425: Trouble.PASSING,
    429: Trouble.PASSING,
    501: Trouble.LASTING,
    505: Trouble.LASTING,
    507: Trouble.FULL,
}
# Codes in the body that say more than the status.
_CODES = {
    "ExpiredToken": Trouble.FORBIDDEN,
    "InvalidToken": Trouble.FORBIDDEN,
    "InvalidRange": Trouble.SHORT,
    "RequestTimeout": Trouble.PASSING,
    "SlowDown": Trouble.PASSING,
    "XMinioStorageFull": Trouble.FULL,
    "QuotaExceeded": Trouble.FULL,
    "storageQuotaExceeded": Trouble.FULL,
    "rateLimitExceeded": Trouble.PASSING,  # Drive says it with a 403
    "userRateLimitExceeded": Trouble.PASSING,
}
# Said before any request is made, so that there is no status. By name: these libraries may not be installed.
_NO_CREDENTIALS = {
    "ClientAuthenticationError",
    "CredentialRetrievalError",
    "CredentialUnavailableError",
    "DefaultCredentialsError",
    "MalformedError",
    "NoCredentialsError",
    "PartialCredentialsError",
    "ProfileNotFound",
    "RefreshError",
    "TokenRetrievalError",
}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_OURS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, ImportError)


def trouble_of(error: BaseException) -> Trouble:
    """What to make of it: the first of the error and its causes that says anything clear decides."""
    if isinstance(error, DomainError | PartsLost):
        return Trouble.LASTING
    for each in _causes(error):
        if clear := _by_answer(each) or _by_type(each):
            return clear
    return Trouble.LASTING if isinstance(error, _OURS) else Trouble.PASSING


def _by_answer(error: BaseException) -> Trouble | None:
    """By what the store answered."""
    status = _status(error)
    if said := _CODES.get(_code(error) or "") or _STATUS.get(status or 0):
        return said
    if status is None or status < 400:
        return None
    return Trouble.PASSING if status >= 500 else Trouble.LASTING


def _by_type(error: BaseException) -> Trouble | None:
    """By what went wrong before there was an answer."""
    if type(error).__name__ in _NO_CREDENTIALS:
        return Trouble.FORBIDDEN
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError):
        return Trouble.MISSING
    if isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno == errno.EROFS):
        return Trouble.FORBIDDEN
    if isinstance(error, OSError) and error.errno in _FULL:
        return Trouble.FULL
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What it was raised from first: translations (s3fs makes an OSError of a ClientError) lose the status."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None and cause not in chain:
        chain.append(cause)
    return reversed(chain)


def _status(error: BaseException) -> int | None:
    """The HTTP status, wherever the library keeps it."""
    named: Any = error
    response = getattr(named, "response", None)  # botocore: a dict
    if isinstance(response, dict):
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return found if isinstance(found, int) else None
    for found in (
        getattr(named, "status_code", None),  # azure, googleapiclient
        getattr(named, "status", None),  # aiohttp
        getattr(named, "code", None),  # gcsfs
    ):
        if isinstance(found, int) or (isinstance(found, str) and found.isdigit()):
            return int(found)
    return None


def _code(error: BaseException) -> str | None:
    named: Any = error
    response = getattr(named, "response", None)
    if isinstance(response, dict):
        code = response.get("Error", {}).get("Code")
        return code if isinstance(code, str) else None
    details = getattr(named, "error_details", None)  # googleapiclient: a list of dicts
    if isinstance(details, list) and details and isinstance(details[0], dict):
        return details[0].get("reason")
    code = getattr(named, "error_code", None)  # azure
    return code if isinstance(code, str) else None
