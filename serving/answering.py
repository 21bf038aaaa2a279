"""Decode, predict, record, encode: everything between the last byte in and the first byte out."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from random import random
from typing import Final, Protocol

import orjson
from uuid_utils import uuid7

from domain.errors import Invalid
from domain.registry.specs import Signature
from ml.models import OnnxModel, Predictions
from serving.batcher import Batching
from serving.engine import RowModel
from serving.errors import Problem, TooManyRows
from serving.protocols.exchange import Answer, Ask, Reply
from serving.python_model import PythonModel, Question
from serving.recorder import Recorder
from serving.segments import Recorded
from serving.table import Endpoint, LiveTarget
from serving.trials import Drawn

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
        self,
        protocol: ProtocolModule,
        endpoint: Endpoint,
        target: LiveTarget,
        content_type: str,
        body: bytes,
        *,
        drawn: Drawn | None = None,
    ) -> Reply:
        """The reply to one body, by one version. Raises what the request or the model is refused for.

        In a trial a request that counts is `drawn`, and hears what came of it.
        """
        started = time.perf_counter_ns()
        ask = protocol.read(body, content_type, target.loaded.model.signature)
        predictions, plain = _predict(endpoint, target.loaded.model, ask)
        return self._finish(
            protocol, endpoint, target, drawn, ask=ask, predictions=predictions, plain=plain, started=started
        )

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
        drawn: Drawn | None = None,
    ) -> Reply:
        """The same by a model that is `batched`. `deadline` is a time of `time.monotonic`; cancelling withdraws it."""
        started = time.perf_counter_ns()
        settings = endpoint.settings

        def read() -> tuple[Ask, Question]:
            ask = protocol.read(body, content_type, model.signature)
            _bound(len(ask.rows), endpoint, ask)
            with _called(ask.noun):
                return ask, model.encode(ask.rows, extra=settings.extra_columns)

        here = partial(asyncio.get_running_loop().run_in_executor, target.loaded.threads)
        small = len(body) <= INLINE_BYTES
        ask, question = read() if small else await here(read)
        batching = Batching(settings.max_batch, settings.max_delay_ms / 1000)
        predictions = await model.answer(question, batching, deadline)
        finish = partial(
            self._finish, protocol, endpoint, target, drawn, ask=ask, predictions=predictions, started=started
        )
        return finish() if small else await here(finish)

    def _finish(
        self,
        protocol: ProtocolModule,
        endpoint: Endpoint,
        target: LiveTarget,
        drawn: Drawn | None,
        *,
        ask: Ask,
        predictions: Predictions,
        started: int,
        plain: bool = False,
    ) -> Reply:
        """Records the answer and writes it."""
        settings = endpoint.settings
        model = target.loaded.model
        rows = len(predictions.values)
        ids = [str(uuid7()) for _ in range(rows)]
        elapsed = time.perf_counter_ns() - started
        if drawn is not None:
            drawn.answered(ask, predictions, ids[0], elapsed // 1000)
        sampled = settings.record_share == 1 or random() < settings.record_share  # noqa: S311 - a sample, no secret
        if settings.record and sampled:
            columns = len(model.signature.inputs)
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
                    inputs=bytes(ask.raw)
                    if plain and ask.raw is not None
                    else orjson.dumps(ask.rows, option=orjson.OPT_SERIALIZE_NUMPY),
                    has_extra=not plain and max(map(len, ask.rows)) > columns,
                    redact=tuple(settings.redact),
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
        target.meters.answered(rows, elapsed * 1e-9)
        return reply


def _predict(endpoint: Endpoint, model: RowModel, ask: Ask) -> tuple[Predictions, bool]:
    """The predictions; and whether the rows were plain: JSON of exactly the columns that the model has."""
    if ask.raw is not None and isinstance(model, OnnxModel):
        feeds = model.encode_json(ask.raw)
        if feeds is not None:
            _bound(len(next(iter(feeds.values()))), endpoint, ask)
            return model.run(feeds), True
    rows = ask.rows
    _bound(len(rows), endpoint, ask)
    with _called(ask.noun):
        return model.predict(rows, extra=endpoint.settings.extra_columns), False


def _bound(rows: int, endpoint: Endpoint, ask: Ask) -> None:
    if rows > endpoint.settings.max_rows:
        raise TooManyRows(
            f"{rows} rows are more than the {endpoint.settings.max_rows} that {endpoint.name!r} takes at once.",
            where=ask.noun,
            fix="Send several requests.",
        )


@contextmanager
def _called(noun: str) -> Iterator[None]:
    """The encoder speaks of instances; this request may call them otherwise."""
    try:
        yield
    except Invalid as error:
        if error.where is not None:
            error.where = error.where.replace("instances", noun, 1)
        raise
