"""Around every request: an id, a log line, counters, a body limit, headers for browsers. Plain ASGI: streams pass."""

import re
import time
from uuid import uuid4

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters.chunk_store.wire import MEDIA_TYPE
from adapters.settings import Settings
from api.errors import TooLarge, problem
from api.mlflow_paths import takes_file

log = structlog.get_logger(__name__)
# Asked every few seconds by supervisors and load balancers.
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


_UPLOADS = ("multipart/form-data", MEDIA_TYPE)


class RequestMetrics:
    """Counts and durations of requests by route template."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.count = Counter(
            "millrace_requests", "HTTP requests.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "millrace_request_seconds", "Duration of HTTP requests.", ["method", "route"], registry=self.registry
        )


class Envelope:
    """The request id (taken over or made), the log line, the metrics and the security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _ID.match(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500
        started = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.update(_SECURITY_HEADERS)
                if headers.get("content-type", "").startswith("text/html") and not scope["path"].startswith("/docs"):
                    headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            finally:
                seconds = time.perf_counter() - started
                route = getattr(scope.get("route"), "path", "(none)")
                metrics: RequestMetrics = scope["app"].state.requests
                metrics.count.labels(scope["method"], route, status).inc()
                metrics.seconds.labels(scope["method"], route).observe(seconds)
                say = log.debug if scope["path"] in _PROBES else log.info
                say("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1000, 1))


class BodyLimit:
    """Refuses bodies larger than the settings allow while they arrive. Uploads and pushes have a larger limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        settings: Settings = scope["app"].state.runtime.settings
        limit = settings.max_upload_bytes if _takes_files(scope, headers) else settings.max_body_bytes
        taken = 0
        too_large = TooLarge(f"The body is larger than {limit} bytes.", where="body", fix="Send less at once.")
        declared = headers.get("content-length", "0")
        if declared.isascii() and declared.isdigit() and int(declared) > limit:
            response = problem(
                Request(scope), 413, too_large.code, too_large.message, where=too_large.where, fix=too_large.fix
            )
            await response(scope, receive, send)
            return

        async def receive_within_limit() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise too_large
            return message

        await self._app(scope, receive_within_limit, send)


def _takes_files(scope: Scope, headers: Headers) -> bool:
    """Whether the body is an upload: files of a version (a form or a push), an object of DVC's client, an artifact."""
    if scope["path"].startswith("/dvc/"):
        return scope["method"] in {"PUT", "POST"}
    if scope["path"].startswith("/mlflow/"):
        return takes_file(scope["method"], scope["path"].removeprefix("/mlflow/"))
    return scope["path"].endswith("/versions") and headers.get("content-type", "").startswith(_UPLOADS)
