"""`POST /serve/{endpoint}/invocations`: MLflow's scoring protocol, as its server and clients speak it."""

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any, Final

import orjson

from domain.datasets.specs import ColumnType
from domain.registry.specs import Signature
from serving.errors import BadRequest, BadRows, Problem, WrongContentType
from serving.protocols.exchange import Answer, Ask, Reply, ids_header
from serving.protocols.json_body import load_object, media_type

# "params" may stand beside the rows; our models take none.
_ORIENTATIONS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
_ERROR_CODES: Final = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}


def read(body: bytes, content_type: str, signature: Signature) -> Ask:
    """JSON in one of four orientations, or CSV with a header line."""
    kind = media_type(content_type)
    if kind == "text/csv":
        return Ask(_csv_rows(body, signature), "csv")
    if kind not in ("application/json", ""):
        raise WrongContentType(
            f"The body is {content_type!r}.", where="Content-Type", fix="Send application/json or text/csv."
        )
    payload = load_object(body)
    given = [name for name in _ORIENTATIONS if name in payload]
    if len(given) != 1:
        raise BadRows(f"Exactly one of {', '.join(_ORIENTATIONS)} must be given, not {len(given)}.", where="body")
    name = given[0]
    value = payload[name]
    if name == "dataframe_split":
        return Ask(_split_rows(value), name)
    if isinstance(value, dict) and name in ("inputs", "instances"):
        return Ask(_column_rows(value, name), name)
    if not isinstance(value, list):
        raise BadRows(f"`{name}` must be a list of rows.", where=name)
    return Ask(value, name)


def write(answer: Answer) -> Reply:
    return Reply(200, orjson.dumps({"predictions": answer.predictions}), ids_header(answer))


def refuse(problem: Problem, request_id: str) -> Reply:
    body = {"error_code": _ERROR_CODES.get(problem.status, "BAD_REQUEST"), "message": problem.sentence}
    return Reply(problem.status, orjson.dumps(body), [])


def _split_rows(value: Any) -> list[dict[str, Any]]:
    """`{"columns": […], "data": [[…], …]}`, with an `index` that is passed over."""
    columns = value.get("columns") if isinstance(value, dict) else None
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(columns, list) or not isinstance(data, list):
        raise BadRows("`dataframe_split` must have `columns` and `data`.", where="dataframe_split")
    if len(set(map(str, columns))) != len(columns):
        raise BadRows("A column is named twice.", where="dataframe_split.columns")
    for index, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            raise BadRows(
                f"A row must be a list of {len(columns)} values, one per column.",
                where=f"dataframe_split.data[{index}]",
            )
    names = list(map(str, columns))
    return [dict(zip(names, row, strict=True)) for row in data]


def _column_rows(value: dict[str, Any], noun: str) -> list[dict[str, Any]]:
    """`{column: [values…]}`; a bare value is a column of one row."""
    columns = {name: values if isinstance(values, list) else [values] for name, values in value.items()}
    rows = max(map(len, columns.values()), default=0)
    for name, values in columns.items():
        if len(values) != rows:
            raise BadRows(f"Column {name!r} has {len(values)} values, another one {rows}.", where=f"{noun}.{name}")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _csv_rows(body: bytes, signature: Signature) -> list[dict[str, Any]]:
    readers = {column.name: _CSV_READERS[column.type] for column in signature.inputs}
    try:
        lines = list(csv.reader(StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise BadRequest(f"The CSV is not UTF-8: {error.reason}.", where=f"byte {error.start}") from error
    except csv.Error as error:
        raise BadRequest(f"The CSV cannot be read: {error}.", where="body") from error
    header, *data = [line for line in lines if line] or [[]]
    if len(set(header)) != len(header):
        raise BadRows("A column is named twice.", where="csv, line 1")
    for index, line in enumerate(data):
        if len(line) != len(header):
            raise BadRows(f"A row has {len(line)} fields, the header {len(header)}.", where=f"csv[{index}]")
    return [
        {name: _cell(text, readers.get(name, str)) for name, text in zip(header, line, strict=True)} for line in data
    ]


def _cell(text: str, reader: Callable[[str], Any]) -> Any:
    """The cell as its column's type; empty is null; what does not parse stays text, for the encoder to refuse."""
    if not text:
        return None
    try:
        return reader(text)
    except ValueError:
        return text


def _whole(text: str) -> int | float:
    """`3`; `3.0` as pandas writes whole numbers in a column with nulls; a float beyond 64 bits, as in JSON."""
    number = int(text) if text.lstrip("+-").isdecimal() else float(text)
    return number if -(2**63) <= number < 2**63 else float(number)


def _boolean(text: str) -> bool | str:
    return _BOOLEANS.get(text.lower(), text)


_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}
_CSV_READERS: Final[dict[ColumnType, Callable[[str], Any]]] = {
    "integer": _whole,
    "number": float,
    "string": str,
    "boolean": _boolean,
    "datetime": str,
}
