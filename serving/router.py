"""From an HTTP request to a prediction and back: plain ASGI, so that a small request costs little more than its model.

`ServingApp` in `serving.app` owns one; the same object may be mounted under any paths of another application.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import NoReturn
from uuid import uuid4

import orjson
from starlette.types import Receive, Scope, Send

from domain.deployments.traffic import live_targets
from domain.errors import DomainError, NotFound
from serving.access import Access
from serving.admission import Place, deadline_seconds, too_late
from serving.answering import Answering, ProtocolModule
from serving.errors import (
    NoLiveVersion,
    UnknownPath,
    WrongMethod,
    code_of,
    problem_of,
)
from serving.metrics import ServingMetrics
from serving.protocols import mlflow, plain, v2
from serving.protocols.exchange import Reply
from serving.requests import Bodies, Disconnected, Headers
from serving.table import Endpoint, LiveTarget, RouteTable

Question = tuple[ProtocolModule, Endpoint, LiveTarget, str, bytes]
# A body up to this size for a quick model is answered on the event loop: handing it over would cost more.
_INLINE_BYTES = 16_384


class Router:
    """Answers `/serve/...` and `/v2/...`. Holds no state of its own beside the parts it is given."""

    def __init__(
        self, table: RouteTable, access: Access, answering: Answering, metrics: ServingMetrics, bodies: Bodies
    ) -> None:
        self._table = table
        self._access = access
        self._answering = answering
        self._metrics = metrics
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Finds the protocol by the path below wherever this is mounted, and answers in its shape."""
        mounted_at = scope.get("app_root_path", scope.get("root_path", ""))
        parts = scope["path"].removeprefix(mounted_at).split("/")[1:]
        headers = Headers(scope)
        protocol: ProtocolModule = plain
        try:
            match parts:
                case ["serve", name, "predict"]:
                    reply = await self._predict(plain, name, scope, headers, receive)
                case ["serve", name, "invocations"]:
                    protocol = mlflow
                    reply = await self._predict(mlflow, name, scope, headers, receive)
                case ["v2", "models", name, "infer"]:
                    protocol = v2
                    reply = await self._predict(v2, name, scope, headers, receive)
                case ["v2", *rest]:
                    protocol = v2
                    reply = await self._about(rest, scope, headers)
                case _:
                    reply = self._refusal(plain, _nothing_at(scope["path"]), headers)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001 - the edge: every error becomes an answer, none a traceback
            reply = self._refusal(protocol, error, headers)
        if self._table.draining:  # whoever keeps connections open has time to open the next one elsewhere
            reply.headers.append((b"connection", b"close"))
        await send({
            "type": "http.response.start",
            "status": reply.status,
            "headers": [
                (b"content-type", reply.content_type), (b"content-length", b"%d" % len(reply.body)), *reply.headers
            ],
        })  # fmt: skip
        await send({"type": "http.response.body", "body": reply.body})

    async def _predict(
        self, protocol: ProtocolModule, name: str, scope: Scope, headers: Headers, receive: Receive
    ) -> Reply:
        if scope["method"] != "POST":
            raise WrongMethod(f"{scope['method']} means nothing here.", where="method", fix="Use POST.")
        try:
            endpoint = self._access.admitted(name, headers, scope)
            gate = endpoint.gate
            if not endpoint.live and not endpoint.cold:
                _some_version(endpoint)  # raises: there is none
            body = await self._bodies.read(receive, headers)
            now = time.monotonic()
            deadline = now + deadline_seconds(endpoint.settings, headers)
            if not gate.take(endpoint.settings, now):
                await gate.enter(endpoint.settings, deadline, receive)
                endpoint = self._table.endpoint(name) or endpoint  # it may have been switched while this one waited
        except DomainError as error:
            if error.kind != NotFound.kind:  # names that people make up are no labels
                self._metrics.requests.labels(name, "", error.code).inc()
            raise
        place = Place(gate)
        try:
            if endpoint.cold:
                endpoint = await self._warmed(endpoint, deadline)
            target = _some_version(endpoint, headers.get(b"x-routing-key") or None)
            question = (protocol, endpoint, target, headers.get(b"content-type"), body)
            return await self._answer_by(target, question, place, deadline)
        finally:
            place.leave()

    async def _answer_by(self, target: LiveTarget, question: Question, place: Place, deadline: float) -> Reply:
        """The reply by one version, in time, its errors counted."""
        try:
            if target.loaded.quick and len(question[-1]) <= _INLINE_BYTES:
                reply = self._answering.answer(*question)
            else:
                ask = partial(_unless_late, deadline, self._answering.answer, *question)
                work = asyncio.get_running_loop().run_in_executor(target.loaded.threads, ask)
                place.keep_until(work)  # a thread cannot be stopped
                await asyncio.wait((work,), timeout=deadline - time.monotonic())
                reply = work.result() if work.done() else _late()
            return reply if time.monotonic() <= deadline else _late()
        except Exception as error:
            self._metrics.requests.labels(question[1].name, str(target.version), code_of(error)).inc()
            raise

    async def _warmed(self, endpoint: Endpoint, deadline: float) -> Endpoint:
        """A cold endpoint as it is once it has been loaded, with a version that answers."""
        try:
            loading = self._table.warm(endpoint.name)
            if loading is not None:
                await asyncio.wait((asyncio.wrap_future(loading),), timeout=deadline - time.monotonic())
                if not loading.done():
                    _late()
            found = self._table.endpoint(endpoint.name) or endpoint
            _some_version(found)
        except DomainError as error:
            self._metrics.requests.labels(endpoint.name, "", error.code).inc()
            raise
        return found

    async def _about(self, rest: list[str], scope: Scope, headers: Headers) -> Reply:
        """The reading half of Open Inference v2: health and metadata."""
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            raise WrongMethod(f"{method} means nothing here.", where="method", fix="Use GET.")
        match rest:
            case [] | [""]:
                return _json(200, {"name": "millrace", "version": "2", "extensions": []})
            case ["health", "live"]:
                return _json(200, {"live": True})
            case ["health", "ready"]:
                return _json(200 if self._table.ready else 503, {"ready": self._table.ready})
            case ["models", name]:
                endpoint = self._access.authorised(name, headers, scope)
                if endpoint.cold:
                    endpoint = await self._warmed(endpoint, time.monotonic() + endpoint.settings.deadline_ms / 1000)
                package = _some_version(endpoint).loaded.model.package
                platform = "onnx_onnxv1" if package.flavor == "onnx" else "mlflow"
                versions = [str(each.version) for each in endpoint.live]
                return v2.describe(name, versions, platform, package.signature)
            case ["models", name, "ready"]:
                endpoint = self._access.authorised(name, headers, scope)
                ready = bool(endpoint.live or (endpoint.cold and live_targets(endpoint.routes.targets)))
                return _json(200 if ready else 503, {"name": name, "ready": ready})
            case _:
                raise _nothing_at("/".join(("/v2", *rest)))

    def _refusal(self, protocol: ProtocolModule, error: Exception, headers: Headers) -> Reply:
        problem = problem_of(error)
        request_id = headers.get(b"x-request-id")[:100] or uuid4().hex
        reply = protocol.refuse(problem, request_id)
        reply.headers.append((b"x-request-id", request_id.encode("latin-1")))
        if problem.status == 401:
            reply.headers.append((b"www-authenticate", b"Bearer"))
        if problem.status == 408:  # the rest of the body may still come, and must not be taken for a request
            reply.headers.append((b"connection", b"close"))
        if problem.status in (429, 503):
            reply.headers.append((b"retry-after", b"%d" % getattr(error, "retry_after_seconds", 1)))
        return reply


def _some_version(endpoint: Endpoint, key: str | None = None) -> LiveTarget:
    target = endpoint.choose(key)
    if target is None:
        raise NoLiveVersion(f"Endpoint {endpoint.name!r} has no live version.", where="endpoint")
    return target


def _unless_late(deadline: float, answer: Callable[..., Reply], *question: object) -> Reply:
    """The answer, if anybody still waits for it when a thread is free."""
    return answer(*question) if time.monotonic() <= deadline else _late()


def _late() -> NoReturn:
    raise too_late()


def _nothing_at(path: str) -> UnknownPath:
    return UnknownPath(f"There is nothing at {path}.", where="path")


def _json(status: int, body: object) -> Reply:
    return Reply(status, orjson.dumps(body), [])
