"""A prediction segment: answered requests as one Parquet table. The recorder writes them, monitoring reads them.

An answer is kept as one line of JSON, and lines become a table inside Arrow, which lets go of the interpreter
meanwhile: building the same table from Python objects held requests up for tens of milliseconds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domain.datasets.specs import ColumnType
from domain.registry.specs import Label, Signature

_HOUR_US = 3_600_000_000
# Times stay text while they are lines: Arrow's reader does not take every form of ISO 8601.
_JSON_TYPES: dict[ColumnType, pa.DataType] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "datetime": pa.string(),
}


class Segment(NamedTuple):
    """What all rows of one segment have in common; `hour` counts from 1970, UTC."""

    endpoint: str
    version: int
    package: str
    mode: str
    hour: int
    has_extra: bool


class Recorded(NamedTuple):
    """One answered request of `len(ids)` rows, as it came. `at` is Unix time in microseconds; `ids` ascend."""

    endpoint: str
    version: int
    package: str
    mode: str
    signature: Signature
    at: int
    latency_us: int
    ids: Sequence[str]
    rows: Sequence[dict[str, Any]]
    predictions: Sequence[Any]
    probabilities: NDArray[np.float64] | None

    @property
    def segment(self) -> Segment:
        has_extra = max(map(len, self.rows)) > len(self.signature.inputs)
        return Segment(self.endpoint, self.version, self.package, self.mode, self.at // _HOUR_US, has_extra)


def line(record: Recorded, segment: Segment) -> bytes:
    """The record as one line of JSON."""
    labels = record.signature.task != "regression"
    fields: dict[str, Any] = {
        "id": record.ids,
        "at": record.at,
        "latency_us": record.latency_us,
        "prediction": list(map(label_text, record.predictions)) if labels else record.predictions,
        "inputs": record.rows,
    }
    if record.probabilities is not None:
        fields["probabilities"] = record.probabilities
    if segment.has_extra:
        names = {column.name for column in record.signature.inputs}
        fields["extra"] = [_extra(row, names) for row in record.rows]
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)


def segment_key(segment: Segment, first: str, last: str, rows: int) -> str:
    """Where a segment is filed, named by its first and last id.

    What a candidate said to copies has the ids of the answers that were given, and must not be taken for these.
    """
    hour = datetime.fromtimestamp(segment.hour * 3600, UTC)
    folder = "shadows" if segment.mode == "shadow" else "predictions"
    return f"{folder}/{segment.endpoint}/{hour:%Y-%m-%dT%H}/{first}_{last}_{rows}.parquet"


def segment_bytes(segment: Segment, signature: Signature, lines: bytes) -> bytes:
    """The lines as a Parquet file, one row per prediction.

    Columns: id, at, endpoint, version, package, mode, latency_us, prediction (a number, or the label as text),
    probabilities, inputs (a struct by the signature), extra (JSON of whatever else the row carried).
    Raises pa.ArrowException or ValueError when a value is not of the signature's type.
    """
    requests = _requests(signature, lines)
    request_of_row = pc.list_parent_indices(requests["id"].combine_chunks())
    rows = len(request_of_row)
    ids = _flat(requests["id"])
    columns = {
        "id": ids,
        "at": requests["at"].combine_chunks().take(request_of_row).cast(pa.timestamp("us", "UTC")),
        "endpoint": pa.repeat(segment.endpoint, rows),
        "version": pa.repeat(pa.scalar(segment.version, pa.int64()), rows),
        "package": pa.repeat(segment.package, rows),
        "mode": pa.repeat(segment.mode, rows),
        "latency_us": requests["latency_us"].combine_chunks().take(request_of_row),
        "prediction": _flat(requests["prediction"]),
        "probabilities": _flat(requests["probabilities"])
        if signature.task != "regression"
        else pa.nulls(rows, pa.list_(pa.float64())),
        "inputs": _inputs(_flat(requests["inputs"]), signature),
        "extra": _flat(requests["extra"]) if segment.has_extra else pa.nulls(rows, pa.string()),
    }
    out = BytesIO()
    pq.write_table(pa.table(columns), out, compression="zstd")
    return out.getvalue()


def label_text(label: Label) -> str:
    """A class label as text, the way Polars and JSON write it: `true`, `1`, `1.5`, `cat`."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _requests(signature: Signature, lines: bytes) -> pa.Table:
    try:
        return _parsed(signature, lines)
    except pa.ArrowInvalid:  # 7.0 for an integer, or one beyond 64 bits: the model took it, Arrow does not
        loaded = [orjson.loads(line) for line in lines.splitlines()]
        for request in loaded:
            request["inputs"] = [_integers(row, signature) for row in request["inputs"]]
        return _parsed(signature, b"\n".join(map(orjson.dumps, loaded)))


def _parsed(signature: Signature, lines: bytes) -> pa.Table:
    inputs = pa.struct([(column.name, _JSON_TYPES[column.type]) for column in signature.inputs])
    prediction = pa.float64() if signature.task == "regression" else pa.string()
    schema = pa.schema(
        {
            "id": pa.list_(pa.string()),
            "at": pa.int64(),
            "latency_us": pa.int64(),
            "prediction": pa.list_(prediction),
            "probabilities": pa.list_(pa.list_(pa.float64())),
            "inputs": pa.list_(inputs),
            "extra": pa.list_(pa.string()),
        }
    )
    return pj.read_json(
        pa.BufferReader(lines),
        # One block, because a line must not be longer than a block.
        read_options=pj.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks().flatten()


def _inputs(struct: pa.StructArray, signature: Signature) -> pa.StructArray:
    """The inputs with times as times, in UTC without a zone."""
    arrays = [
        pa.array(map(_moment, struct.field(column.name).to_pylist()), pa.timestamp("us"))
        if column.type == "datetime"
        else struct.field(column.name)
        for column in signature.inputs
    ]
    return pa.StructArray.from_arrays(arrays, names=[column.name for column in signature.inputs])


def _moment(text: str | None) -> datetime | None:
    moment = None if text is None else datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment is not None and moment.tzinfo else moment


def _integers(row: dict[str, Any], signature: Signature) -> dict[str, Any]:
    """The row with whole numbers as integers; one that 64 bits do not hold is recorded as null."""
    whole = {column.name for column in signature.inputs if column.type == "integer" and row[column.name] is not None}
    values = {name: int(value) if name in whole else value for name, value in row.items()}
    return {name: None if name in whole and not -(2**63) <= value < 2**63 else value for name, value in values.items()}


def _extra(row: dict[str, Any], names: set[str]) -> str | None:
    rest = {name: value for name, value in row.items() if name not in names}
    return orjson.dumps(rest).decode() if rest else None
