"""The HTTP clients below everything: a refusal becomes a `Problem`, silence becomes `Unreachable`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import httpx

from millrace.errors import MillraceError, Unreachable, problem_of
from millrace.rest.models import Problem as ProblemRead

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
TIMEOUT = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)

T = TypeVar("T")


class Http(httpx.Client):
    """Synchronous; the generated functions use it too."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        with reachable(request.url):
            response = super().send(request, **options)
            if response.is_success:
                return response
            response.read()
        response.close()
        raise problem_of(response)


# What it leaves open belongs to one event loop: so nothing stays open, and `asyncio.run` may come again.
ASYNC_LIMITS = httpx.Limits(max_keepalive_connections=0)


class AsyncHttp(httpx.AsyncClient):
    """The same for the generated `asyncio` functions."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        with reachable(request.url):
            response = await super().send(request, **options)
            if response.is_success:
                return response
            await response.aread()
        await response.aclose()
        raise problem_of(response)


@contextmanager
def reachable(url: httpx.URL) -> Iterator[None]:
    """Says in one sentence that nobody answers at `url`."""
    server = url.copy_with(raw_path=b"/")
    try:
        yield
    except httpx.ConnectError as error:
        fix = "Start one with `millrace up`, or name another: millrace.connect(url), MILLRACE_URL."
        raise Unreachable(f"No server answers at {server}: {error}.", fix=fix) from error
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise Unreachable(f"The connection to {server} broke: {reason}.", fix="Try again.") from error


def is_local(url: str) -> bool:
    """Whether it is on this machine: no proxy stands between, and the token of this machine is for it."""
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def as_written(kind: type[T], body: Mapping[str, object]) -> T:
    """A body of a generated function that goes as it is: the server says what is wrong with it, and where.

    `kind.from_dict` would leave out what it does not know, and with it every slip of the pen.
    """
    return cast(T, _AsWritten(body))


class _AsWritten:
    def __init__(self, body: Mapping[str, object]) -> None:
        self._body = body

    def to_dict(self) -> dict[str, object]:
        return dict(self._body)


def answer(found: T | ProblemRead | None) -> T:
    """What a generated function brought back: a refusal has been raised by then, so only the answer is left."""
    if found is None or isinstance(found, ProblemRead):
        raise MillraceError(
            "The server answered in a way that this SDK does not know.", fix="Install the SDK of the server's version."
        )
    return found
