"""Decode, predict, record, encode: everything between the last byte in and the first byte out."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, Protocol

from uuid_utils import uuid7

from domain.errors import Invalid
from domain.registry.specs import Signature
from ml.models import Predictions
from serving.batcher import Batching
from serving.errors import Problem, TooManyRows
from serving.protocols.exchange import Answer, Ask, Reply
from serving.python_model import PythonModel, Question
from serving.recorder import Recorder
from serving.segments import Recorded
from serving.table import Endpoint, LiveTarget

# A body up to this size is worth no thread: handing it over would cost more.
INLINE_BYTES: Final = 16_384


class ProtocolModule(Protocol):
    """What `serving.protocols.plain`, `.mlflow` and `.v2` offer."""

    def read(self, body: bytes, content_type: str, signature: Signature) -> Ask: ...
    def write(self, answer: Answer) -> Reply: ...
    def refuse(self, problem: Problem, request_id: str) -> Reply: ...


class Answering:
    """Answers bodies: decode, predict, finish. What happens in this process may happen in any thread."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def answer(
        self, protocol: ProtocolModule, endpoint: Endpoint, target: LiveTarget, content_type: str, body: bytes
    ) -> Reply:
        """The reply to one body, by one version. Raises what the request or the model is refused for."""
        started = time.perf_counter_ns()
        ask = _decode(protocol, endpoint, target, content_type, body)
        with _called(ask.noun):
            predictions = target.loaded.model.predict(ask.rows, extra=endpoint.settings.extra_columns)
        return self._finish(protocol, endpoint, target, ask=ask, predictions=predictions, started=started)

    async def answer_batched(
        self,
        protocol: ProtocolModule,
        endpoint: Endpoint,
        target: LiveTarget,
        content_type: str,
        body: bytes,
        *,
        model: PythonModel,
        deadline: float,
    ) -> Reply:
        """The same by a model that is `batched`. `deadline` is a time of `time.monotonic`; cancelling withdraws it."""
        started = time.perf_counter_ns()
        settings = endpoint.settings

        def read() -> tuple[Ask, Question]:
            ask = _decode(protocol, endpoint, target, content_type, body)
            with _called(ask.noun):
                return ask, model.encode(ask.rows, extra=settings.extra_columns)

        here = partial(asyncio.get_running_loop().run_in_executor, target.loaded.threads)
        small = len(body) <= INLINE_BYTES
        ask, question = read() if small else await here(read)
        batching = Batching(settings.max_batch, settings.max_delay_ms / 1000)
        predictions = await model.answer(question, batching, deadline)
        finish = partial(self._finish, protocol, endpoint, target, ask=ask, predictions=predictions, started=started)
        return finish() if small else await here(finish)

    def _finish(
        self,
        protocol: ProtocolModule,
        endpoint: Endpoint,
        target: LiveTarget,
        *,
        ask: Ask,
        predictions: Predictions,
        started: int,
    ) -> Reply:
        """Records the answer and writes it."""
        rows = len(ask.rows)
        ids = [str(uuid7()) for _ in range(rows)]
        elapsed = time.perf_counter_ns() - started
        if endpoint.settings.record:
            self._recorder.record(
                Recorded(
                    endpoint=endpoint.name,
                    version=target.version,
                    package=target.loaded.digest,
                    mode="live",
                    signature=target.loaded.model.signature,
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


def _decode(protocol: ProtocolModule, endpoint: Endpoint, target: LiveTarget, content_type: str, body: bytes) -> Ask:
    ask = protocol.read(body, content_type, target.loaded.model.signature)
    rows, most = len(ask.rows), endpoint.settings.max_rows
    if rows > most:
        raise TooManyRows(
            f"{rows} rows are more than the {most} that {endpoint.name!r} takes at once.",
            where=ask.noun,
            fix="Send several requests.",
        )
    return ask


@contextmanager
def _called(noun: str) -> Iterator[None]:
    """The encoder speaks of instances; this request may call them otherwise."""
    try:
        yield
    except Invalid as error:
        if error.where is not None:
            error.where = error.where.replace("instances", noun, 1)
        raise
