"""Decode, predict, record, encode: everything between the last byte in and the first byte out."""

import time
from typing import Protocol

from uuid_utils import uuid7

from domain.errors import Invalid
from domain.registry.specs import Signature
from serving.errors import Problem, TooManyRows
from serving.protocols.exchange import Answer, Ask, Reply
from serving.recorder import Recorder
from serving.segments import Recorded
from serving.table import Endpoint, LiveTarget
from serving.trials import Drawn


class ProtocolModule(Protocol):
    """What `serving.protocols.plain`, `.mlflow` and `.v2` offer."""

    def read(self, body: bytes, content_type: str, signature: Signature) -> Ask: ...
    def write(self, answer: Answer) -> Reply: ...
    def refuse(self, problem: Problem, request_id: str) -> Reply: ...


class Answering:
    """Answers bodies, from the event loop or from any thread."""

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
        if drawn is not None:
            drawn.answered(ask, predictions, ids[0], elapsed // 1000)
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
