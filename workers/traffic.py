"""Recorded predictions as tables: the segments of an endpoint and their rows. For monitoring, datasets and lineage."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import polars as pl

from adapters.object_store.protocol import ObjectStore
from domain.monitoring.windows import Segment
from ml.frames import rows_as_json

PREFIX = "predictions"
SHADOWS = "shadows"
SUFFIX = ".parquet"
_HOURS_LISTED_ALONE = timedelta(hours=72)


def list_segments(
    store: ObjectStore,
    endpoint: str,
    *,
    since_id: str | None = None,
    until_id: str | None = None,
    home: str = PREFIX,
) -> Iterator[Segment]:
    """Segments of an endpoint by hour: those whose last prediction came at or after `since_id`, all when it is None.

    Segments are filed under the hour of their answers and ids tell their time, so hours before `since_id`, and
    with `until_id` those after it, are not listed: the price does not grow with the history. In `SHADOWS` are those of
    what candidates said to copies.
    """
    for folder in _folders(f"{home}/{endpoint}", _time_of(since_id), _time_of(until_id) or datetime.now(UTC)):
        for info in store.list(folder):
            name = info.key.rpartition("/")[2].removesuffix(SUFFIX)
            first, last, rows = name.split("_")
            if since_id is None or last >= since_id:
                yield Segment(info.key, first, last, int(rows), datetime.fromtimestamp(info.modified, UTC))


def _folders(home: str, since: datetime | None, until: datetime) -> list[str]:
    """The folders of the hours from `since` to `until`; the home of all hours when they would be too many."""
    if since is None or until - since > _HOURS_LISTED_ALONE:
        return [home]
    first = since.replace(minute=0, second=0, microsecond=0)
    # One more: an answer is filed a moment after its id was made, which may be in the next hour.
    hours = int((until - first) / timedelta(hours=1)) + 2
    return [f"{home}/{first + timedelta(hours=hour):%Y-%m-%dT%H}" for hour in range(hours)]


def first_id_at(moment: datetime) -> str:
    """The smallest UUIDv7 that could have been made at that moment (to the millisecond)."""
    return str(UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62))


def sent(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """What the callers sent for recorded rows: inputs and whatever else they carried, as JSON has them."""
    inputs = rows_as_json(rows["inputs"].struct.unnest())
    return [(json.loads(extra) if extra else {}) | row for row, extra in zip(inputs, rows["extra"], strict=True)]


def _time_of(prediction_id: str | None) -> datetime | None:
    """When a UUIDv7 was made (RFC 9562: its first 48 bits are milliseconds since 1970); None for any other text."""
    try:
        known = UUID(prediction_id or "")
    except ValueError:
        return None
    return datetime.fromtimestamp((known.int >> 80) / 1000, UTC) if known.version == 7 else None


def read_segments(store: ObjectStore, keys: Iterable[str]) -> pl.DataFrame:
    """Rows of these segments in the order of their ids.

    Columns as `serving.segments` writes them; `inputs` structs of different versions are brought to one type by
    filling what a version does not know with nulls. Empty without columns when there are no keys.
    """
    tables = [pl.read_parquet(BytesIO(store.get(key))) for key in keys]
    if not tables:
        return pl.DataFrame()
    prefix = "inputs."
    flat = [
        table.with_columns(table["inputs"].struct.unnest().select(pl.all().name.prefix(prefix)).get_columns()).drop(
            "inputs"
        )
        for table in tables
    ]
    rows = pl.concat(flat, how="diagonal_relaxed").sort("id")
    names = [name for name in rows.columns if name.startswith(prefix)]
    inputs = rows.select(names).rename(lambda name: name.removeprefix(prefix)).to_struct("inputs")
    return rows.drop(names).with_columns(inputs)
