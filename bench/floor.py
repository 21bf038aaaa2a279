"""The floor that `bench.predict` measures against: a bare ASGI application around one ONNX session, and nothing else.

No validation, no routing, no ids, no record. `BENCH_MODEL` names the file, `BENCH_COLUMNS` its columns in order.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from ml.encoding import NUMBERS
from ml.models import open_session

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


def build() -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    session = open_session(Path(os.environ["BENCH_MODEL"]).read_bytes())
    columns = os.environ["BENCH_COLUMNS"].split(",")
    outputs = [session.get_outputs()[-1].name]

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        rows = orjson.loads(body)["instances"]
        numbers = np.array([[row[name] for name in columns] for row in rows], dtype=np.float32)
        answer = orjson.dumps({"predictions": session.run(outputs, {NUMBERS: numbers})[0].reshape(-1).tolist()})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return app
