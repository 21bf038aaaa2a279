"""From an HTTP request to a prediction and back: plain ASGI, so that a small request costs little more than its model.

`ServingApp` in `serving.app` owns one; the same object may be mounted under any paths of another application.
"""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias
from uuid import uuid4

import orjson
from starlette.types import Receive, Scope, Send

from domain.deployments.traffic import live_targets
from domain.errors import DomainError, NotFound
from serving.access import Access
from serving.admission import Place, deadline_seconds, refuse_late, too_late
from serving.answering import INLINE_BYTES, Answering, ProtocolModule
from serving.errors import (
    Disconnected,
    NoLiveVersion,
    UnknownPath,
    VersionNotLive,
    WrongMethod,
    problem_of,
)
from serving.metrics import ServingMetrics
from serving.protocols import mlflow, plain, v2
from serving.protocols.exchange import Reply
from serving.requests import Bodies, Headers, while_connected
from serving.streaming import stream, streams
from serving.table import Endpoint, LiveTarget, RouteTable
from serving.trials import Drawn

Question: TypeAlias = tuple[ProtocolModule, Endpoint, LiveTarget, str, bytes]


class _Asked(NamedTuple):
    """A request that has come in. `deadline` is a time of `time.monotonic`."""

    protocol: ProtocolModule
    endpoint: Endpoint
    content_type: str
    body: bytes
    receive: Receive
    deadline: float
    place: Place


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
                case ["serve", name, "predict"] if streams(headers):
                    await stream(self.predict, name, scope, receive, send, goes_on=lambda: self._table.ready)
                    return
                case ["serve", name, "predict"]:
                    reply = await self.predict(plain, name, scope, headers, receive)
                # MLflow's client of deployments asks below `endpoints`.
                case ["serve", name, "invocations"] | ["serve", "endpoints", name, "invocations"]:
                    protocol = mlflow
                    reply = await self.predict(mlflow, name, scope, headers, receive)
                case ["serve", name, "ping" | "health" | "version" as what]:
                    protocol = mlflow
                    ready = await self.about(["models", name, "ready"], scope, headers)
                    reply = mlflow.probe(what, live=ready.status == 200)
                case ["v2", "models", name, "infer"] | ["v2", "models", name, "versions", _, "infer"]:
                    protocol = v2.Inference(
                        headers.get(b"inference-header-content-length"), headers.get(b"accept-encoding")
                    )
                    version = parts[4] if len(parts) == 6 else None
                    reply = await self.predict(protocol, name, scope, headers, receive, version=version)
                case ["v2", *rest]:
                    protocol = v2.Inference()
                    reply = await self.about(rest, scope, headers)
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

    async def predict(
        self,
        protocol: ProtocolModule,
        name: str,
        scope: Scope,
        headers: Headers,
        receive: Receive,
        *,
        version: str | None = None,
    ) -> Reply:
        if scope["method"] != "POST":
            raise WrongMethod(f"{scope['method']} means nothing here.", where="method", fix="Use POST.")
        try:
            endpoint = self._access.admitted(name, headers, scope)
            gate = endpoint.gate
            key = headers.get(b"x-routing-key") or None
            # Without one it is refused before its body is read.
            target = None if endpoint.cold else _some_version(endpoint, key, version)
            body = await self._bodies.read(receive, headers)
            now = time.monotonic()
            deadline = now + deadline_seconds(endpoint.settings, headers)
            if not gate.take(endpoint.settings, now):
                await gate.enter(endpoint.settings, deadline, receive)
                endpoint, target = self._table.endpoint(name) or endpoint, None  # it may have been switched meanwhile
        except DomainError as error:
            # Names that people make up are no labels.
            if error.kind != NotFound.kind or isinstance(error, VersionNotLive):
                self._metrics.erred(name, None, error)
            raise
        content_type = headers.get(b"content-type")
        if target is not None and target.loaded.quick and endpoint.trial is None and len(body) <= INLINE_BYTES:
            try:  # what most requests are, by the shortest way
                return self._answer_here((protocol, endpoint, target, content_type, body), None, deadline)
            finally:
                gate.leave()
        place = Place(gate)
        try:
            if endpoint.cold:
                endpoint, target = await self._warmed(endpoint, deadline), None
            target = target or self._drawn(endpoint, key, version)
            asked = _Asked(protocol, endpoint, content_type, body, receive, deadline, place)
            if endpoint.trial is None or version is not None:
                return await self._answer_by(target, None, asked)
            return await endpoint.trial.answer(target, key, partial(self._answer_by, asked=asked), deadline)
        finally:
            place.leave()

    def _drawn(self, endpoint: Endpoint, key: str | None, version: str | None) -> LiveTarget:
        """The target of a request that has waited; meanwhile there may be none any more."""
        try:
            return _some_version(endpoint, key, version)
        except DomainError as error:
            self._metrics.erred(endpoint.name, None, error)
            raise

    async def _answer_by(self, target: LiveTarget, drawn: Drawn | None, asked: _Asked) -> Reply:
        """The reply by one version, its errors counted."""
        question = (asked.protocol, asked.endpoint, target, asked.content_type, asked.body)
        if target.loaded.quick and len(asked.body) <= INLINE_BYTES:
            return self._answer_here(question, drawn, asked.deadline)
        try:
            if target.loaded.batched is not None:
                work = self._answering.answer_batched(
                    *question, model=target.loaded.batched, deadline=asked.deadline, drawn=drawn
                )
                reply = await while_connected(asked.receive, work)
            else:
                reply = await self._answer_aside(question, drawn, asked)
            refuse_late(asked.deadline)
        except Exception as error:
            self._metrics.erred(asked.endpoint.name, target.version, error)
            raise
        return reply

    def _answer_here(self, question: Question, drawn: Drawn | None, deadline: float) -> Reply:
        """The same at once, on the event loop."""
        try:
            reply = self._answering.answer(*question, drawn=drawn)
            refuse_late(deadline)
        except Exception as error:
            self._metrics.erred(question[1].name, question[2].version, error)
            raise
        return reply

    async def _answer_aside(self, question: Question, drawn: Drawn | None, asked: _Asked) -> Reply:
        """The same in a thread."""
        target = question[2]
        answer = partial(_unless_late, asked.deadline, partial(self._answering.answer, *question, drawn=drawn))
        work = asyncio.get_running_loop().run_in_executor(target.loaded.threads, answer)
        asked.place.keep_until(work)  # it cannot be stopped
        await asyncio.wait((work,), timeout=asked.deadline - time.monotonic())
        if not work.done():
            raise too_late()
        return work.result()

    async def _warmed(self, endpoint: Endpoint, deadline: float) -> Endpoint:
        """A cold endpoint as it is once it has been loaded, with a version that answers."""
        try:
            loading = self._table.warm(endpoint.name)
            if loading is not None:
                await asyncio.wait((asyncio.wrap_future(loading),), timeout=deadline - time.monotonic())
                if not loading.done():
                    raise too_late()
            found = self._table.endpoint(endpoint.name) or endpoint
            _some_version(found)
        except DomainError as error:
            self._metrics.erred(endpoint.name, None, error)
            raise
        return found

    async def about(self, rest: list[str], scope: Scope, headers: Headers) -> Reply:
        """The reading half of Open Inference v2: health and metadata, by the path below `/v2`."""
        if scope["method"] not in ("GET", "HEAD"):
            raise WrongMethod(f"{scope['method']} means nothing here.", where="method", fix="Use GET.")
        match rest:
            case [] | [""]:
                return _json(200, v2.SERVER)
            case ["health", "live"]:
                return _json(200, {"live": True})
            case ["health", "ready"]:
                return _json(200 if self._table.ready else 503, {"ready": self._table.ready})
            case ["models", name] | ["models", name, "versions", _]:
                endpoint = await self._warm(name, scope, headers)
                target = _some_version(endpoint, version=rest[3] if len(rest) == 4 else None)
                versions = [str(each.version) for each in endpoint.live]
                return _json(200, v2.metadata(name, versions, target.loaded.model.package))
            case ["models", name, "ready"]:
                endpoint = self._access.authorised(name, headers, scope)
                ready = bool(endpoint.live or (endpoint.cold and live_targets(endpoint.routes.targets)))
                return _json(200 if ready else 503, {"name": name, "ready": ready})
            case ["models", name, "versions", version, "ready"]:
                _some_version(await self._warm(name, scope, headers), version=version)
                return _json(200, {"name": name, "ready": True})
            case _:
                raise _nothing_at("/".join(("/v2", *rest)))

    async def _warm(self, name: str, scope: Scope, headers: Headers) -> Endpoint:
        """An endpoint that is asked about, loaded."""
        endpoint = self._access.authorised(name, headers, scope)
        if endpoint.cold:
            endpoint = await self._warmed(endpoint, time.monotonic() + endpoint.settings.deadline_ms / 1000)
        return endpoint

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


def _unless_late(deadline: float, answer: Callable[[], Reply]) -> Reply:
    """The answer, if anybody still waits for it when a thread is free."""
    refuse_late(deadline)
    return answer()


def _some_version(endpoint: Endpoint, key: str | None = None, version: str | None = None) -> LiveTarget:
    """The target for a request, which may name its version."""
    target = endpoint.choose(key)
    if target is None:
        raise NoLiveVersion(f"Endpoint {endpoint.name!r} has no live version.", where="endpoint")
    if version is None:
        return target
    for each in endpoint.live:
        if str(each.version) == version:
            return each
    answering = ", ".join(str(each.version) for each in endpoint.live)
    raise VersionNotLive(
        f"Endpoint {endpoint.name!r} does not answer by version {version[:40]!r}, but by {answering}.", where="version"
    )


def _nothing_at(path: str) -> UnknownPath:
    return UnknownPath(f"There is nothing at {path}.", where="path")


def _json(status: int, body: object) -> Reply:
    return Reply(status, orjson.dumps(body), [])
