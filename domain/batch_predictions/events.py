"""What batch predictions come to. The subject is `batch-predictions/{id}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class BatchPredicted(Event):
    """`bad_rows` got no answer; `dataset` and `number` are the version that holds the others."""

    batch_id: str
    model: str
    version: int
    dataset: str
    number: int
    rows: int
    bad_rows: int
