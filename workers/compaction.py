"""Many recorded segments of an hour become one per version; expired ones go. Called by the job that tidies up.

Readers (`workers.traffic`) may come at any moment, and this may be killed at any: what is new is written before
anything old is deleted, rows keep the name of the segment they were recorded in, and a row that is there twice counts
once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import structlog

from adapters.object_store.protocol import ObjectMissing, ObjectStore
from domain.monitoring.windows import Segment
from serving.segments import parquet_bytes
from workers.traffic import PART_OF, PREFIX, SUFFIX, list_segments, name_of, time_of

log = structlog.get_logger(__name__)

# Recorders file what they still hold a moment after the hour, later when the store was away: that is compacted again.
_SETTLED = timedelta(minutes=10)
_HOUR = timedelta(hours=1)


def compact(store: ObjectStore, endpoint: str, *, before_id: str, now: datetime, rows: int = 250_000) -> int:
    """Merges the segments of each hour that is over and lies before `before_id`; returns how many went into others.

    One segment per hour and version, ids ascending; several when they would hold more than `rows`.
    """
    hours: defaultdict[str, list[Segment]] = defaultdict(list)
    for segment in list_segments(store, endpoint):
        hours[segment.key.rpartition("/")[0]].append(segment)
    merged = 0
    for folder, segments in hours.items():
        over = datetime.fromisoformat(f"{folder.rpartition('/')[2]}:00:00+00:00") + _HOUR + _SETTLED <= now
        loose = len(segments) > 1 and not all(one.compacted for one in segments)
        if over and loose and all(one.last_id < before_id for one in segments):
            try:
                merged += _compact_hour(store, folder, segments, rows)
            except (ObjectMissing, pa.ArrowException) as error:  # somebody else is at it, or they do not fit together
                log.warning("hour_not_compacted", folder=folder, problem=str(error))
    return merged


def expire(
    store: ObjectStore, endpoint: str, *, before: datetime, needed: Sequence[tuple[str, str]], home: str = PREFIX
) -> int:
    """Deletes segments whose last prediction is older than `before`, but those that share ids with a `needed` span."""
    gone = [
        segment.key
        for segment in list_segments(store, endpoint, home=home)
        if time_of(segment) < before
        and not any(segment.first_id <= last and segment.last_id >= first for first, last in needed)
    ]
    store.delete_many(gone)
    return len(gone)


def _compact_hour(store: ObjectStore, folder: str, segments: Iterable[Segment], rows: int) -> int:
    growing: defaultdict[int, list[tuple[Segment, pa.Table]]] = defaultdict(list)
    old: set[str] = set()
    new: set[str] = set()
    for segment in sorted(segments, key=lambda one: one.first_id):
        table = _table(store, segment)
        version = table["version"][0].as_py()
        if sum(each.num_rows for _, each in growing[version]) + table.num_rows > rows and growing[version]:
            new.add(_write(store, folder, version, growing.pop(version)))
        growing[version].append((segment, table))
        old.add(segment.key)
    for version, parts in growing.items():
        new.add(_write(store, folder, version, parts))
    store.delete_many(sorted(old - new))
    return len(old - new)


def _table(store: ObjectStore, segment: Segment) -> pa.Table:
    table = pq.read_table(BytesIO(store.get(segment.key)))
    return table if segment.compacted else table.append_column(PART_OF, pa.repeat(name_of(segment.key), len(table)))


def _write(store: ObjectStore, folder: str, version: int, parts: Sequence[tuple[Segment, pa.Table]]) -> str:
    """The key of one segment made of these, each row once."""
    if len(parts) == 1 and parts[0][0].compacted:
        return parts[0][0].key
    table = pa.concat_tables([table for _, table in parts]).combine_chunks().sort_by("id")
    ids = table["id"].combine_chunks()
    repeated = pa.concat_arrays([pa.array([False]), pc.equal(ids[1:], ids[:-1])])
    table = table.filter(pc.invert(repeated))
    key = f"{folder}/{table['id'][0]}_{table['id'][-1]}_{len(table)}_v{version}{SUFFIX}"
    store.put(key, parquet_bytes(table))
    return key
