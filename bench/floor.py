"""The floor that `bench.predict` measures against: a bare ASGI application around one ONNX session, and nothing else.

It parses the rows, builds the arrays, runs the model, and answers labels and probabilities. No validation, no routing,
no ids, no record, no access. `BENCH_PACKAGE` names the folder of the package.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from domain.registry.specs import Package
from ml.encoding import NUMBERS, STRINGS
from ml.models import ONNX_FILE, PACKAGE_FILE, open_session

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


def build() -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    folder = Path(os.environ["BENCH_PACKAGE"])
    signature = Package.model_validate_json((folder / PACKAGE_FILE).read_bytes()).signature
    session = open_session((folder / ONNX_FILE).read_bytes())
    numbers = [column.name for column in signature.inputs if column.type != "string"]
    strings = [column.name for column in signature.inputs if column.type == "string"]
    classes = signature.classes
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
        feeds = {
            NUMBERS: np.array([[row[name] for name in numbers] for row in rows], dtype=np.float32),
            STRINGS: np.array([[row[name] for name in strings] for row in rows], dtype=object),
        }
        probabilities = session.run(outputs, feeds)[0]
        labels = [classes[best] for best in probabilities.argmax(axis=1).tolist()]
        answer = orjson.dumps(
            {"predictions": labels, "probabilities": probabilities}, option=orjson.OPT_SERIALIZE_NUMPY
        )
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return app
