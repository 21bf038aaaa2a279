"""From an HTTP request to a prediction and back: plain ASGI, so that a small request costs little more than its model.

`ServingApp` in `serving.app` owns one; the same object may be mounted under any paths of another application.
"""

import asyncio
from uuid import uuid4

import orjson
from starlette.types import Receive, Scope, Send

from serving.access import authorised
from serving.answering import Answering, ProtocolModule
from serving.errors import (
    NoLiveVersion,
    UnknownPath,
    VersionNotLive,
    WrongMethod,
    code_of,
    problem_of,
)
from serving.metrics import ServingMetrics
from serving.protocols import mlflow, plain, v2
from serving.protocols.exchange import Reply
from serving.requests import Disconnected, Headers, read_body
from serving.streaming import stream, streams
from serving.table import Endpoint, LiveTarget, RouteTable

# A body up to this size for a quick model is answered on the event loop: handing it over would cost more.
_INLINE_BYTES = 16_384


class Router:
    """Answers `/serve/...` and `/v2/...`. Holds no state of its own beside the parts it is given."""

    def __init__(
        self, table: RouteTable, answering: Answering, metrics: ServingMetrics, *, max_body_bytes: int
    ) -> None:
        self._table = table
        self._answering = answering
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
        endpoint = authorised(self._table, name, headers)
        target = _some_version(endpoint, headers.get(b"x-routing-key") or None, version)
        body = await read_body(receive, headers, self._max_body_bytes)
        question = (protocol, endpoint, target, headers.get(b"content-type"), body)
        try:
            if target.loaded.quick and len(body) <= _INLINE_BYTES:
                return self._answering.answer(*question)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(target.loaded.threads, self._answering.answer, *question)
        except Exception as error:
            self._metrics.requests.labels(name, str(target.version), code_of(error)).inc()
            raise

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
                endpoint = authorised(self._table, name, headers)
                version = rest[3] if len(rest) == 4 else None
                return _json(200, v2.metadata(endpoint, _some_version(endpoint, version=version)))
            case ["models", name, "ready"]:
                ready = bool(authorised(self._table, name, headers).live)
                return _json(200 if ready else 503, {"name": name, "ready": ready})
            case ["models", name, "versions", version, "ready"]:
                _some_version(authorised(self._table, name, headers), version=version)
                return _json(200, {"name": name, "ready": True})
            case _:
                raise _nothing_at("/".join(("/v2", *rest)))

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
