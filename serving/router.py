"""From an HTTP request to a prediction and back: plain ASGI, so that a small request costs little more than its model.

`ServingApp` in `serving.app` owns one; the same object may be mounted under any paths of another application.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Protocol
from uuid import uuid4

import orjson
from starlette.types import Message, Receive, Scope, Send
from uuid_utils import uuid7

from domain.errors import Invalid
from domain.registry.specs import Signature
from serving.errors import (
    BodyTooLarge,
    NoLiveVersion,
    Problem,
    TokenMissing,
    TokenUnknown,
    TooManyRows,
    UnknownPath,
    WrongMethod,
    code_of,
    problem_of,
)
from serving.metrics import ServingMetrics
from serving.protocols import mlflow, plain, v2
from serving.protocols.exchange import Answer, Ask, Reply
from serving.recorder import Recorder
from serving.segments import Recorded
from serving.table import Endpoint, LiveTarget, RouteTable

# A body up to this size for a quick model is answered on the event loop: handing it over would cost more.
_INLINE_BYTES = 16_384


class ProtocolModule(Protocol):
    """What `serving.protocols.plain`, `.mlflow` and `.v2` offer."""

    def read(self, body: bytes, content_type: str, signature: Signature) -> Ask: ...
    def write(self, answer: Answer) -> Reply: ...
    def refuse(self, problem: Problem, request_id: str) -> Reply: ...


class Disconnected(Exception):
    """The client went away while its body was read; there is nobody to answer."""


class Headers:
    """The few headers that matter here, by lower-case name."""

    __slots__ = ("_raw",)

    def __init__(self, scope: Scope) -> None:
        self._raw: dict[bytes, bytes] = dict(scope["headers"])

    def get(self, name: bytes) -> str:
        return self._raw[name].decode("latin-1") if name in self._raw else ""


class Router:
    """Answers `/serve/...` and `/v2/...`. Holds no state of its own beside the parts it is given."""

    def __init__(self, table: RouteTable, recorder: Recorder, metrics: ServingMetrics, *, max_body_bytes: int) -> None:
        self._table = table
        self._recorder = recorder
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

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
                    reply = self._about(rest, scope["method"], headers)
                case _:
                    reply = self._refusal(plain, _nothing_at(scope["path"]), headers)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001 - the edge: every error becomes an answer, none a traceback
            reply = self._refusal(protocol, error, headers)
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
        endpoint = self._authorised(name, headers)
        target = endpoint.choose(headers.get(b"x-routing-key") or None)
        if target is None:
            raise NoLiveVersion(f"Endpoint {name!r} has no live version.", where="endpoint")
        body = await _read_body(receive, headers, self._max_body_bytes)
        question = (protocol, endpoint, target, headers.get(b"content-type"), body)
        try:
            if target.loaded.quick and len(body) <= _INLINE_BYTES:
                return self._answer(*question)
            return await asyncio.get_running_loop().run_in_executor(target.loaded.threads, self._answer, *question)
        except Exception as error:
            self._metrics.requests.labels(name, str(target.version), code_of(error)).inc()
            raise

    def _answer(
        self, protocol: ProtocolModule, endpoint: Endpoint, target: LiveTarget, content_type: str, body: bytes
    ) -> Reply:
        """Decode, predict, record, encode: everything between the last byte in and the first byte out."""
        started = time.perf_counter_ns()
        model = target.loaded.model
        ask = protocol.read(body, content_type, model.signature)
        rows = len(ask.rows)
        if rows > endpoint.settings.max_rows:
            raise TooManyRows(
                f"{rows} rows are more than the {endpoint.settings.max_rows} that {endpoint.name!r} takes at once.",
                where=ask.noun,
                fix="Send several requests.",
            )
        try:
            predictions = model.predict(ask.rows, extra=endpoint.settings.extra_columns)
        except Invalid as error:
            if error.where is not None:  # the encoder speaks of instances; this request may call them otherwise
                error.where = error.where.replace("instances", ask.noun, 1)
            raise
        ids = [str(uuid7()) for _ in range(rows)]
        elapsed = time.perf_counter_ns() - started
        if endpoint.settings.record:
            self._recorder.record(
                Recorded(
                    endpoint=endpoint.name,
                    version=target.version,
                    package=target.loaded.digest,
                    mode="live",
                    signature=model.signature,
                    at=time.time_ns() // 1000,
                    latency_us=elapsed // 1000,
                    ids=ids,
                    rows=ask.rows,
                    predictions=predictions.values,
                    probabilities=predictions.probabilities,
                )
            )
        reply = protocol.write(
            Answer(
                endpoint=endpoint.name,
                version=target.version,
                ids=ids,
                predictions=predictions.values,
                probabilities=predictions.probabilities,
                classes=predictions.classes,
                ask=ask,
            )
        )
        reply.headers.append((b"x-model-version", b"%d" % target.version))
        target.meters.ok.inc()
        target.meters.predictions.inc(rows)
        target.meters.latency.observe(elapsed * 1e-9)
        return reply

    def _about(self, rest: list[str], method: str, headers: Headers) -> Reply:
        """The reading half of Open Inference v2: health and metadata."""
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
                endpoint = self._authorised(name, headers)
                target = endpoint.choose(None)
                if target is None:
                    raise NoLiveVersion(f"Endpoint {name!r} has no live version.", where="endpoint")
                package = target.loaded.model.package
                platform = "onnx_onnxv1" if package.flavor == "onnx" else "mlflow"
                versions = [str(each.version) for each in endpoint.live]
                return v2.describe(name, versions, platform, package.signature)
            case ["models", name, "ready"]:
                ready = bool(self._authorised(name, headers).live)
                return _json(200 if ready else 503, {"name": name, "ready": ready})
            case _:
                raise _nothing_at("/".join(("/v2", *rest)))

    def _authorised(self, name: str, headers: Headers) -> Endpoint:
        """The endpoint, if the caller may use it. Strangers are not told the names of private ones."""
        endpoint = self._table.endpoint(name)
        if endpoint is not None and endpoint.settings.visibility == "public":
            return endpoint
        scheme, _, token = headers.get(b"authorization").partition(" ")
        if scheme.lower() != "bearer" or not token:
            if endpoint is None:
                raise self._table.missing(name, only_public=True)
            raise TokenMissing(
                f"Endpoint {name!r} is private.", where="Authorization", fix="Send Authorization: Bearer TOKEN."
            )
        known = self._table.knows_token(sha256(token.strip().encode()).hexdigest())
        if endpoint is None:
            raise self._table.missing(name, only_public=not known)
        if not known:
            raise TokenUnknown(
                "This token may not predict.", where="Authorization", fix="Use a token with the predict scope."
            )
        return endpoint

    def _refusal(self, protocol: ProtocolModule, error: Exception, headers: Headers) -> Reply:
        problem = problem_of(error)
        request_id = headers.get(b"x-request-id")[:100] or uuid4().hex
        reply = protocol.refuse(problem, request_id)
        reply.headers.append((b"x-request-id", request_id.encode("latin-1")))
        if problem.status == 401:
            reply.headers.append((b"www-authenticate", b"Bearer"))
        if problem.status == 503:
            reply.headers.append((b"retry-after", b"1"))
        return reply


async def _read_body(receive: Callable[[], Awaitable[Message]], headers: Headers, limit: int) -> bytes:
    """The whole body, refused as soon as it is known to be above `limit` bytes."""
    declared = headers.get(b"content-length")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    parts = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _nothing_at(path: str) -> UnknownPath:
    return UnknownPath(f"There is nothing at {path}.", where="path")


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes.", where="body", fix="Send fewer rows per request.")


def _json(status: int, body: object) -> Reply:
    return Reply(status, orjson.dumps(body), [])
