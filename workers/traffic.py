"""Recorded predictions as tables: the segments of an endpoint and their rows. For monitoring, datasets and lineage."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import polars as pl

from adapters.object_store.protocol import ObjectInfo, ObjectMissing, ObjectStore
from domain.errors import NotFound
from domain.monitoring.windows import Segment, time_of_id
from ml.frames import rows_as_json

PREFIX = "predictions"
SHADOWS = "shadows"
SUFFIX = ".parquet"
# The column of a compacted segment that says which segment a row was recorded in.
PART_OF = "segment"
_ANSWER = ["id", "at", "version", "mode", "latency_us", "prediction"]
_HOURS_LISTED_ALONE = timedelta(hours=72)


class PredictionUnknown(NotFound):
    code = "unknown_prediction"


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
    for folder in _folders(
        f"{home}/{endpoint}", time_of_id(since_id or ""), time_of_id(until_id or "") or datetime.now(UTC)
    ):
        for info in store.list(folder):
            segment = segment_of(info)
            if since_id is None or segment.last_id >= since_id:
                yield segment


def segment_of(info: ObjectInfo) -> Segment:
    """What the key of a segment tells."""
    first, last, rows, *version = name_of(info.key).split("_")
    return Segment(info.key, first, last, int(rows), datetime.fromtimestamp(info.modified, UTC), bool(version))


def name_of(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(SUFFIX)


def id_at(moment: datetime) -> str:
    """The lowest UUIDv7 of a moment (RFC 9562)."""
    return str(UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62)))


def time_of(segment: Segment) -> datetime:
    """When the last of its predictions was made."""
    return time_of_id(segment.last_id) or segment.written_at


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


def find_prediction(store: ObjectStore, endpoints: Iterable[str], prediction_id: str) -> pl.DataFrame:
    """The recorded row of one prediction; segments are named by the ids they span, so one or two are read.

    Raises PredictionUnknown.
    """
    for name in endpoints:
        segments = list_segments(store, name, since_id=prediction_id, until_id=prediction_id)
        keys = [one.key for one in segments if one.first_id <= prediction_id <= one.last_id]
        rows = read_segments(store, keys)
        found = rows.filter(pl.col("id") == prediction_id) if not rows.is_empty() else rows
        if not found.is_empty():
            return found
    raise PredictionUnknown(
        f"No recorded prediction has the id {prediction_id!r}.",
        where="prediction_id",
        fix="Recording takes about a second; then try again.",
    )


def newest_predictions(store: ObjectStore, endpoint: str, *, limit: int) -> list[dict[str, Any]]:
    """The newest recorded answers as JSON has them, newest first, without what was asked.

    Looks back an hour, then three days, then at all there is: the price of a busy endpoint is its last segments.
    """
    segments: list[Segment] = []
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for since in (this_hour - timedelta(hours=1), this_hour - timedelta(hours=70), None):
        # From a full hour on: no segment holds answers of two hours, so none left out has newer ones than those read.
        segments = list(list_segments(store, endpoint, since_id=first_id_at(since) if since else None))
        if sum(segment.rows for segment in segments) >= limit:
            break
    newest: dict[str, dict[str, Any]] = {}
    for segment in sorted(segments, key=lambda one: one.last_id, reverse=True):
        if len(newest) == limit and segment.last_id < min(newest):
            break
        rows = _read(store, segment.key, _ANSWER).select(_ANSWER).top_k(limit, by="id")
        found = rows_as_json(rows.with_columns(pl.col("at").dt.to_string("%Y-%m-%dT%H:%M:%S%.6f%:z")))
        newest = dict(sorted((newest | {row["id"]: row for row in found}).items(), reverse=True)[:limit])
    return list(newest.values())


def read_segments(store: ObjectStore, keys: Iterable[str]) -> pl.DataFrame:
    """Rows of these segments in the order of their ids, each once.

    Columns as `serving.segments` writes them; `inputs` structs of different versions are brought to one type by
    filling what a version does not know with nulls. Empty without columns when there are no keys. A segment that has
    been compacted is found in what it became part of. Raises ObjectMissing for one that is gone.
    """
    tables = [_read(store, key) for key in keys]
    if not tables:
        return pl.DataFrame()
    prefix = "inputs."
    flat = [
        table.with_columns(table["inputs"].struct.unnest().select(pl.all().name.prefix(prefix)).get_columns()).drop(
            "inputs", PART_OF, strict=False
        )
        for table in tables
    ]
    # Between the writing of a compacted segment and the deletion of its parts there are two copies of a row.
    rows = pl.concat(flat, how="diagonal_relaxed").unique("id").sort("id")
    names = [name for name in rows.columns if name.startswith(prefix)]
    inputs = rows.select(names).rename(lambda name: name.removeprefix(prefix)).to_struct("inputs")
    return rows.drop(names).with_columns(inputs)


def _read(store: ObjectStore, key: str, columns: list[str] | None = None) -> pl.DataFrame:
    try:
        return pl.read_parquet(BytesIO(store.get(key)), columns=columns)
    except ObjectMissing:
        found = _compacted(store, key)
        if found is None:
            raise
        return found


def _compacted(store: ObjectStore, key: str) -> pl.DataFrame | None:
    """The rows of a segment that became part of another one since its key was read."""
    name = name_of(key)
    first, last, _, *version = name.split("_")
    mine = pl.col("id").is_between(pl.lit(first), pl.lit(last))
    # Parts keep their own name; what was compacted itself is all there is of its version between its ids.
    mine &= pl.col("version") == int(version[0].removeprefix("v")) if version else pl.col(PART_OF) == name
    tables = []
    for info in store.list(key.rpartition("/")[0]):
        segment = segment_of(info)
        if segment.compacted and segment.first_id <= last and segment.last_id >= first:
            tables.append(pl.scan_parquet(BytesIO(store.get(info.key))).filter(mine).collect())
    found = [table for table in tables if table.height]
    return pl.concat(found) if found else None
