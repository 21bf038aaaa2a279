"""Stands in for MLflow's server: remembers what it was asked, over real HTTP, and answers as a test tells it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True)
class Asked:
    """One request; of a large body only the size is kept."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    size: int


@dataclass
class Upstream:
    """An ASGI application. `answer` makes the response from the request."""

    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], Response] = lambda asked: JSONResponse({"path": asked.path})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body, size = bytearray(), 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                body += chunk if size < 100_000 else b""
        except ClientDisconnect:
            return
        self.asked.append(
            Asked(
                method=request.method,
                path=scope["raw_path"].decode(),
                query=scope["query_string"].decode(),
                headers=dict(request.headers),
                body=bytes(body),
                size=size,
            )
        )
        await self.answer(self.asked[-1])(scope, receive, send)
