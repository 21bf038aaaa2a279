"""Open Inference v2 over gRPC beside HTTP: in the same event loop, on the same table, behind the same admission.

Needs the extra `grpc`; `serving.main` imports this when a port is asked for.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote
from uuid import uuid4

import grpc
import orjson
from google.protobuf.message import DecodeError
from starlette.types import Scope

from serving.errors import BadRequest, Problem, VersionNotLive, problem_of
from serving.protocols.grpc_v2 import Inference, InferRequest
from serving.protocols.inference_messages import PACKAGE, SERVICE, message
from serving.requests import Headers
from serving.router import Router
from serving.streaming import whole

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


def _model(request: Any) -> list[str]:
    return ["models", request.name, *(["versions", request.version] if request.version else [])]


# What the other calls say is what these paths below `/v2` say.
_ABOUT: Final[dict[str, Callable[[Any], list[str]]]] = {
    "ServerLive": lambda request: ["health", "live"],
    "ServerReady": lambda request: ["health", "ready"],
    "ServerMetadata": lambda request: [],
    "ModelReady": lambda request: [*_model(request), "ready"],
    "ModelMetadata": _model,
}


@asynccontextmanager
async def grpc_server(router: Router, address: str, *, max_message_bytes: int) -> AsyncIterator[int]:
    """Answers at `address` (host:port) while inside; gives the port."""
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", max_message_bytes), ("grpc.max_send_message_length", -1)]
    )
    server.add_generic_rpc_handlers((_handlers(router),))
    port = server.add_insecure_port(address)
    await server.start()
    try:
        yield port
    finally:
        await server.stop(_STOP_SECONDS)


def _handlers(router: Router) -> grpc.GenericRpcHandler:
    table = {
        name: grpc.unary_unary_rpc_method_handler(
            _about(router, path, message(f"{name}Response")),
            request_deserializer=message(f"{name}Request").FromString,
            response_serializer=message(f"{name}Response").SerializeToString,
        )
        for name, path in _ABOUT.items()
    }
    table["ModelInfer"] = grpc.unary_unary_rpc_method_handler(_infer(router))  # bytes in, bytes out
    return grpc.method_handlers_generic_handler(f"{PACKAGE}.{SERVICE}", table)


def _infer(router: Router) -> Callable[[bytes, grpc.aio.ServicerContext], Awaitable[bytes]]:
    async def infer(body: bytes, context: grpc.aio.ServicerContext) -> bytes:
        scope = _scope(context, "POST")
        try:
            request = _decoded(body)
            name, version = request.model_name, request.model_version or None
            reply = await router.predict(Inference(request), name, scope, Headers(scope), whole(body), version=version)
        except Exception as error:
            await _refuse(error, scope, context)
            raise
        context.set_trailing_metadata(tuple((name.decode(), value.decode()) for name, value in reply.headers))
        return reply.body

    return infer


def _about(
    router: Router, path: Callable[[Any], list[str]], response: Any
) -> Callable[[Any, grpc.aio.ServicerContext], Awaitable[Any]]:
    names = set(response.DESCRIPTOR.fields_by_name)

    async def about(request: Any, context: grpc.aio.ServicerContext) -> Any:
        scope = _scope(context, "GET")
        try:
            said = orjson.loads((await router.about(path(request), scope, Headers(scope))).body)
        except VersionNotLive as error:
            if names == {"ready"}:
                return response(ready=False)
            await _refuse(error, scope, context)
            raise
        except Exception as error:
            await _refuse(error, scope, context)
            raise
        return response(**{name: value for name, value in said.items() if name in names})

    return about


def _decoded(body: bytes) -> Any:
    try:
        return InferRequest.FromString(body)
    except DecodeError as error:
        raise BadRequest("The message is no ModelInferRequest.", where="message") from error


def _scope(context: grpc.aio.ServicerContext, method: str) -> Scope:
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
    return {"type": "http", "method": method, "path": "", "headers": headers, "client": client}


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
