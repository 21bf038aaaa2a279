"""Open Inference v2 over gRPC beside HTTP: in the same event loop, on the same table, behind the same admission.

Needs the extra `grpc`; `serving.main` imports this when a port is asked for.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote
from uuid import uuid4

import grpc
from google.protobuf.message import DecodeError
from starlette.types import Scope

from serving.errors import BadRequest, Problem, problem_of
from serving.protocols import v2
from serving.protocols.grpc_v2 import Inference, InferRequest
from serving.protocols.inference_messages import PACKAGE, SERVICE, message
from serving.requests import Headers, whole
from serving.router import Router
from serving.table import RouteTable

_STOP_SECONDS: Final = 5.0
_CODES: Final = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}
Verb = Callable[[Any, Scope], Awaitable[dict[str, Any]]]


@asynccontextmanager
async def grpc_server(router: Router, table: RouteTable, address: str, *, max_message_bytes: int) -> AsyncIterator[int]:
    """Answers at `address` (host:port) while inside; gives the port."""
    service = _Service(router, table)
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.max_send_message_length", -1),
        ]
    )
    server.add_generic_rpc_handlers((service.handlers(),))
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(_STOP_SECONDS)


class _Service:
    def __init__(self, router: Router, table: RouteTable) -> None:
        self._router = router
        self._table = table

    def handlers(self) -> grpc.GenericRpcHandler:
        verbs: dict[str, Verb] = {
            "ServerLive": self._server_live,
            "ServerReady": self._server_ready,
            "ServerMetadata": self._server_metadata,
            "ModelReady": self._model_ready,
            "ModelMetadata": self._model_metadata,
        }
        table = {
            name: grpc.unary_unary_rpc_method_handler(
                _answering(verb, message(f"{name}Response")),
                request_deserializer=message(f"{name}Request").FromString,
                response_serializer=message(f"{name}Response").SerializeToString,
            )
            for name, verb in verbs.items()
        }
        table["ModelInfer"] = grpc.unary_unary_rpc_method_handler(self._infer)  # bytes in, bytes out
        return grpc.method_handlers_generic_handler(f"{PACKAGE}.{SERVICE}", table)

    async def _server_live(self, request: Any, scope: Scope) -> dict[str, Any]:
        return {"live": True}

    async def _server_ready(self, request: Any, scope: Scope) -> dict[str, Any]:
        return {"ready": self._table.ready}

    async def _server_metadata(self, request: Any, scope: Scope) -> dict[str, Any]:
        return v2.SERVER

    async def _model_ready(self, request: Any, scope: Scope) -> dict[str, Any]:
        live = (await self._router.warm(request.name, scope, Headers(scope))).live
        versions = {str(each.version) for each in live}
        return {"ready": request.version in versions if request.version else bool(live)}

    async def _model_metadata(self, request: Any, scope: Scope) -> dict[str, Any]:
        return v2.metadata(await self._router.warm(request.name, scope, Headers(scope)), request.version or None)

    async def _infer(self, body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        scope = _scope(context)
        try:
            request = _decoded(body)
            scope["path"] = f"/v2/models/{request.model_name}/infer"
            reply = await self._router.predict(
                Inference(request), request.model_name, scope, Headers(scope), whole(body),
                version=request.model_version or None,
            )  # fmt: skip
        except Exception as error:
            await _refuse(error, scope, context)
            raise
        context.set_trailing_metadata(tuple((name.decode(), value.decode()) for name, value in reply.headers))
        return reply.body


def _answering(verb: Verb, response: Any) -> Callable[[Any, grpc.aio.ServicerContext], Awaitable[Any]]:
    async def answer(request: Any, context: grpc.aio.ServicerContext) -> Any:
        scope = _scope(context)
        try:
            return response(**await verb(request, scope))
        except Exception as error:
            await _refuse(error, scope, context)
            raise

    return answer


def _decoded(body: bytes) -> Any:
    try:
        return InferRequest.FromString(body)
    except DecodeError as error:
        raise BadRequest("The message is no ModelInferRequest.", where="message") from error


def _scope(context: grpc.aio.ServicerContext) -> Scope:
    """The call as the router knows requests: its metadata as headers, its deadline as the one asked for."""
    headers = [
        (name.encode(), value if isinstance(value, bytes) else value.encode())
        for name, value in context.invocation_metadata() or ()
    ]
    left = context.time_remaining()
    if left is not None:
        headers.append((b"x-request-timeout-ms", b"%d" % max(1, left * 1000)))
    # A peer is written as kind, address in brackets or not, and port, with colons between.
    host, _, port = unquote(context.peer()).partition(":")[2].rpartition(":")
    client = (host.strip("[]"), int(port)) if port.isdecimal() else None
    return {"type": "http", "method": "POST", "path": "", "headers": headers, "client": client}


async def _refuse(error: Exception, scope: Scope, context: grpc.aio.ServicerContext) -> None:
    """Ends the call by the status that an error stands for, our code and what to do about it beside it."""
    problem = problem_of(error)
    request_id = Headers(scope).get(b"x-request-id")[:100] or uuid4().hex
    trailing = [("code", problem.code), ("x-request-id", request_id)]
    if problem.status in (429, 503):
        trailing.append(("retry-after", str(getattr(error, "retry_after_seconds", 1))))
    await context.abort(status_code(problem), problem.sentence, tuple(trailing))


def status_code(problem: Problem) -> grpc.StatusCode:
    if problem.code == "deadline_exceeded":
        return grpc.StatusCode.DEADLINE_EXCEEDED
    return _CODES.get(problem.status, grpc.StatusCode.INVALID_ARGUMENT)
