"""From an HTTP request to a prediction and back: plain ASGI, so that a small request costs little more than its model.

`ServingApp` in `serving.app` owns one; the same object may be mounted under any paths of another application.
"""

import asyncio
import time
from functools import partial
from uuid import uuid4

import orjson
from starlette.types import Receive, Scope, Send

from serving.access import authorised
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
from serving.requests import Disconnected, Headers, read_body
from serving.table import Endpoint, LiveTarget, RouteTable
from serving.trials import Drawn

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
        endpoint = authorised(self._table, name, headers)
        key = headers.get(b"x-routing-key") or None
        target = endpoint.choose(key)
        if target is None:
            raise NoLiveVersion(f"Endpoint {name!r} has no live version.", where="endpoint")
        body = await read_body(receive, headers, self._max_body_bytes)
        ask = partial(
            self._answer_by,
            protocol=protocol,
            endpoint=endpoint,
            content_type=headers.get(b"content-type"),
            body=body,
        )
        if endpoint.trial is None:
            return await ask(target, None)
        deadline = time.monotonic() + endpoint.settings.deadline_ms / 1000
        return await endpoint.trial.answer(target, key, ask, deadline)

    async def _answer_by(
        self,
        target: LiveTarget,
        drawn: Drawn | None,
        *,
        protocol: ProtocolModule,
        endpoint: Endpoint,
        content_type: str,
        body: bytes,
    ) -> Reply:
        """The reply by one version, its errors counted."""
        answer = partial(self._answering.answer, protocol, endpoint, target, content_type, body, drawn=drawn)
        try:
            if target.loaded.quick and len(body) <= _INLINE_BYTES:
                return answer()
            return await asyncio.get_running_loop().run_in_executor(target.loaded.threads, answer)
        except Exception as error:
            self._metrics.requests.labels(endpoint.name, str(target.version), code_of(error)).inc()
            raise

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
                endpoint = authorised(self._table, name, headers)
                target = endpoint.choose(None)
                if target is None:
                    raise NoLiveVersion(f"Endpoint {name!r} has no live version.", where="endpoint")
                package = target.loaded.model.package
                platform = "onnx_onnxv1" if package.flavor == "onnx" else "mlflow"
                versions = [str(each.version) for each in endpoint.live]
                return v2.describe(name, versions, platform, package.signature)
            case ["models", name, "ready"]:
                ready = bool(authorised(self._table, name, headers).live)
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
        if problem.status == 503:
            reply.headers.append((b"retry-after", b"1"))
        return reply


def _nothing_at(path: str) -> UnknownPath:
    return UnknownPath(f"There is nothing at {path}.", where="path")


def _json(status: int, body: object) -> Reply:
    return Reply(status, orjson.dumps(body), [])
