"""A prediction segment: answered requests as one Parquet table. The recorder writes them, monitoring reads them.

An answer is kept as one line of JSON, and lines become a table inside Arrow, which lets go of the interpreter
meanwhile: building the same table from Python objects held requests up for tens of milliseconds.
"""

from collections.abc import Iterator, Sequence
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
from domain.registry.specs import InputColumn, Label, Signature

_HOUR_US = 3_600_000_000
_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")
_MOMENT = pa.timestamp("us")
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
    redact: tuple[str, ...]


class Recorded(NamedTuple):
    """One answered request of `len(ids)` rows, as it came. `at` is Unix time in microseconds; `ids` ascend.

    `inputs` is a JSON array of the rows; `has_extra` tells whether they may hold columns beyond the signature.
    """

    endpoint: str
    version: int
    package: str
    mode: str
    signature: Signature
    at: int
    latency_us: int
    ids: Sequence[str]
    inputs: bytes
    has_extra: bool
    redact: tuple[str, ...]
    predictions: Sequence[Any]
    probabilities: NDArray[np.float64] | None

    @property
    def segment(self) -> Segment:
        hour = self.at // _HOUR_US
        return Segment(self.endpoint, self.version, self.package, self.mode, hour, self.has_extra, self.redact)


def line(record: Recorded) -> bytes:
    """The record as one line of JSON. It holds what is to be redacted; the segment made from it does not."""
    fields: dict[str, Any] = {
        "id": record.ids,
        "at": record.at,
        "latency_us": record.latency_us,
        "prediction": _as_kept(record.predictions, record.signature),
        # Line breaks in valid JSON are white space.
        "inputs": orjson.Fragment(record.inputs.translate(_ONE_LINE)),
    }
    if record.probabilities is not None:
        fields["probabilities"] = record.probabilities
    if record.has_extra:
        names = {column.name for column in record.signature.inputs}
        fields["extra"] = [_extra(row, names, record.redact) for row in orjson.loads(record.inputs)]
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)


def _as_kept(predictions: Sequence[Any], signature: Signature) -> Sequence[Any]:
    if signature.task == "regression" or isinstance(signature.classes[0], str):
        return predictions
    return list(map(label_text, predictions))


def segment_key(segment: Segment, first: str, last: str, rows: int) -> str:
    """Where a segment is filed, named by its first and last id.

    What a candidate said to copies has the ids of the answers that were given, and must not be taken for these.
    """
    hour = datetime.fromtimestamp(segment.hour * 3600, UTC)
    folder = "shadows" if segment.mode == "shadow" else "predictions"
    return f"{folder}/{segment.endpoint}/{hour:%Y-%m-%dT%H}/{first}_{last}_{rows}.parquet"


def segment_files(records: Sequence[Recorded], *, rows: int) -> Iterator[tuple[str, bytes]]:
    """Answers of one segment as Parquet files by their keys, none of more than `rows` rows.

    Raises pa.ArrowException or ValueError when a value is not of the signature's type.
    """
    segment = records[0].segment
    table = segment_table(segment, records[0].signature, b"".join(map(line, records)))
    for start in range(0, len(table), rows):
        part = table.slice(start, rows)
        span = pc.min_max(part["id"]).as_py()
        yield segment_key(segment, span["min"], span["max"], len(part)), parquet_bytes(part)


def parquet_bytes(table: pa.Table) -> bytes:
    out = BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def segment_table(segment: Segment, signature: Signature, lines: bytes) -> pa.Table:
    """The lines as a table, one row per prediction.

    Columns: id, at, endpoint, version, package, mode, latency_us, prediction (a number, or the label as text),
    probabilities, inputs (a struct by the signature), extra (JSON of whatever else the row carried). What the segment
    redacts is null among the inputs, and in `extra`.
    Raises pa.ArrowException or ValueError when a value is not of the signature's type.
    """
    requests = _requests(segment, signature, lines)
    request_of_row = pc.list_parent_indices(requests["id"].combine_chunks())
    rows = len(request_of_row)
    ids = _flat(requests["id"])
    columns = {
        "id": ids,
        "at": requests["at"].combine_chunks().take(request_of_row).cast(pa.timestamp("us", "UTC")),
        "endpoint": _repeated(segment.endpoint, rows),
        "version": pa.Int64Array.from_buffers(
            pa.int64(), rows, [None, pa.py_buffer(np.full(rows, segment.version, dtype=np.int64))]
        ),
        "package": _repeated(segment.package, rows),
        "mode": _repeated(segment.mode, rows),
        "latency_us": requests["latency_us"].combine_chunks().take(request_of_row),
        "prediction": _flat(requests["prediction"]),
        "probabilities": _flat(requests["probabilities"])
        if signature.task != "regression"
        else pa.nulls(rows, pa.list_(pa.float64())),
        "inputs": _inputs(_flat(requests["inputs"]), segment, signature),
        "extra": _flat(requests["extra"]) if segment.has_extra else pa.nulls(rows, pa.string()),
    }
    return pa.table(columns)


def _repeated(text: str, rows: int) -> pa.StringArray:
    """`pa.repeat` without a scalar: for one of those Arrow loads pandas where there is one, 30 MB of memory."""
    data = text.encode()
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(len(data))
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data * rows))


def label_text(label: Label) -> str:
    """A class label as text, the way Polars and JSON write it: `true`, `1`, `1.5`, `cat`."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _requests(segment: Segment, signature: Signature, lines: bytes) -> pa.Table:
    try:
        return _parsed(segment, signature, lines)
    except pa.ArrowInvalid:  # 7.0 for an integer, or one beyond 64 bits: the model took it, Arrow does not
        loaded = [orjson.loads(line) for line in lines.splitlines()]
        for request in loaded:
            request["inputs"] = [_integers(row, signature) for row in request["inputs"]]
        return _parsed(segment, signature, b"\n".join(map(orjson.dumps, loaded)))


def _parsed(segment: Segment, signature: Signature, lines: bytes) -> pa.Table:
    kept = [column for column in signature.inputs if column.name not in segment.redact]
    inputs = pa.struct([(column.name, _JSON_TYPES[column.type]) for column in kept])
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


def _inputs(struct: pa.StructArray, segment: Segment, signature: Signature) -> pa.StructArray:
    """The inputs with times as times, in UTC without a zone."""
    arrays = [_input(struct, column, column.name in segment.redact) for column in signature.inputs]
    return pa.StructArray.from_arrays(arrays, names=[column.name for column in signature.inputs])


def _input(struct: pa.StructArray, column: InputColumn, redacted: bool) -> pa.Array:
    kind = _MOMENT if column.type == "datetime" else _JSON_TYPES[column.type]
    if redacted:
        return pa.nulls(len(struct), kind)
    values = struct.field(column.name)
    return pa.array(map(_moment, values.to_pylist()), kind) if column.type == "datetime" else values


def _moment(text: str | None) -> datetime | None:
    moment = None if text is None else datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment is not None and moment.tzinfo else moment


def _integers(row: dict[str, Any], signature: Signature) -> dict[str, Any]:
    """The row with whole numbers as integers; one that 64 bits do not hold is recorded as null."""
    whole = {column.name for column in signature.inputs if column.type == "integer" and row[column.name] is not None}
    values = {name: int(value) if name in whole else value for name, value in row.items()}
    return {name: None if name in whole and not -(2**63) <= value < 2**63 else value for name, value in values.items()}


def _extra(row: dict[str, Any], names: set[str], redact: tuple[str, ...]) -> str | None:
    rest = {name: None if name in redact else value for name, value in row.items() if name not in names}
    return orjson.dumps(rest).decode() if rest else None
