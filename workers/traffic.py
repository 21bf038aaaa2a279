"""Recorded predictions as tables: the segments of an endpoint and their rows. For monitoring, datasets and lineage."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from io import BytesIO

import polars as pl

from adapters.object_store.protocol import ObjectStore
from domain.monitoring.windows import Segment

PREFIX = "predictions"
SUFFIX = ".parquet"


def list_segments(store: ObjectStore, endpoint: str, *, since_id: str | None = None) -> Iterator[Segment]:
    """Segments of an endpoint whose last prediction came after the one named (all of them when None), by hour."""
    for info in store.list(f"{PREFIX}/{endpoint}"):
        name = info.key.rpartition("/")[2].removesuffix(SUFFIX)
        first, last, rows = name.split("_")
        if since_id is None or last > since_id:
            yield Segment(info.key, first, last, int(rows), datetime.fromtimestamp(info.modified, UTC))


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
