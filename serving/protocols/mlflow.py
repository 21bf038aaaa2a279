"""`POST /serve/{endpoint}/invocations`: MLflow's scoring protocol, as its server and clients speak it."""

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any, Final

import orjson

from domain.datasets.specs import ColumnType
from domain.registry.specs import Signature
from ml.values import NotARow
from serving.errors import BadColumns, BadRequest, BadRows, Problem, WrongContentType
from serving.protocols.exchange import Answer, Ask, Reply, ids_header
from serving.protocols.json_body import load_json_with_nan, load_object

# "params" may stand beside the rows; our models take none.
_ORIENTATIONS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
# The server whose protocol this is.
VERSION: Final = b"3.17.2"
_SPLIT: Final = {"columns", "index", "data"}
_ERROR_CODES: Final = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}
# What MLflow finds when it holds a table against the signature; whatever it meets before that is a BAD_REQUEST.
_SCHEMA: Final = frozenset({"missing_column", "extra_column", "no_rows", "not_a_row", "bad_columns"})


def read(body: bytes, content_type: str, signature: Signature) -> Ask:
    """JSON in one of four orientations, or CSV with a header line. MLflow's clients write NaN for a missing number."""
    kind = _media_type(content_type)
    if kind == "text/csv":
        return Ask(_csv_rows(body, signature), "csv")
    payload = load_object(body, load_json_with_nan)
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
        refusal = BadRows if name == "dataframe_records" else NotARow
        raise refusal(f"`{name}` must be a list of rows.", where=name)
    return Ask(value, name)


def write(answer: Answer) -> Reply:
    return Reply(200, orjson.dumps({"predictions": answer.predictions}), ids_header(answer))


def refuse(problem: Problem, request_id: str) -> Reply:
    """MLflow's `error_code` and `message`; a wrong content type is plain text there. It knows 400 for all bad input."""
    if problem.status == 415:
        return Reply(415, problem.sentence.encode(), [], b"text/plain; charset=utf-8")
    code = "INVALID_PARAMETER_VALUE" if problem.code in _SCHEMA else _ERROR_CODES.get(problem.status, "BAD_REQUEST")
    body = {"error_code": code, "message": problem.sentence}
    return Reply(400 if problem.status == 422 else problem.status, orjson.dumps(body), [])


def probe(what: str, *, live: bool) -> Reply:
    """`GET .../ping`, `/health` and `/version`, byte for byte as MLflow's server; 404 while nothing answers."""
    if what == "version":
        return Reply(200, VERSION, [])
    return Reply(200 if live else 404, b"\n", [])


def _media_type(content_type: str) -> str:
    """The one of the two that is read; charset=utf-8 is the only parameter there is."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if kind not in ("application/json", "text/csv", "") or any(each != "charset=utf-8" for each in parameters):
        raise WrongContentType(
            f"The body is {content_type!r}.", where="Content-Type", fix="Send application/json or text/csv, in UTF-8."
        )
    return kind


def _split_rows(value: Any) -> list[dict[str, Any]]:
    """`{"columns": […], "data": [[…], …]}`; an `index` counts the rows and is passed over."""
    if not isinstance(value, dict) or not isinstance(value.get("data"), list) or value.keys() - _SPLIT:
        raise BadRows(
            "`dataframe_split` must have `columns` and `data`, and may have `index`.", where="dataframe_split"
        )
    columns, data, index = value.get("columns"), value["data"], value.get("index")
    if not isinstance(columns, list):
        raise BadColumns("`dataframe_split` must have `columns`, a list of names.", where="dataframe_split.columns")
    if len(set(map(str, columns))) != len(columns):
        raise BadColumns("A column is named twice.", where="dataframe_split.columns")
    if index is not None and (not isinstance(index, list) or len(index) != len(data)):
        raise BadRows(f"`index` must have {len(data)} entries, one per row.", where="dataframe_split.index")
    for position, row in enumerate(data):
        if not isinstance(row, list) or len(row) != len(columns):
            raise BadRows(
                f"A row must be a list of {len(columns)} values, one per column.",
                where=f"dataframe_split.data[{position}]",
            )
    names = list(map(str, columns))
    return [dict(zip(names, row, strict=True)) for row in data]


def _column_rows(value: dict[str, Any], noun: str) -> list[dict[str, Any]]:
    """`{column: [values…]}`; a bare value is a column of one row."""
    columns = {name: values if isinstance(values, list) else [values] for name, values in value.items()}
    rows = max(map(len, columns.values()), default=0)
    for name, values in columns.items():
        if len(values) != rows:
            raise BadColumns(f"Column {name!r} has {len(values)} values, another one {rows}.", where=f"{noun}.{name}")
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
    if not header:
        raise BadRequest("The CSV is empty.", where="csv", fix="Send a line of column names, then the rows.")
    if len(set(header)) != len(header):
        raise BadColumns("A column is named twice.", where="csv, line 1")
    for index, line in enumerate(data):
        if len(line) != len(header):
            raise BadRows(f"A row has {len(line)} fields, the header {len(header)}.", where=f"csv[{index}]")
    # A first column without a name is the index that pandas writes.
    first = 0 if header[0] else 1
    return [
        {name: _cell(text, readers.get(name, str)) for name, text in zip(header[first:], line[first:], strict=True)}
        for line in data
    ]


def _number(text: str) -> float | None:
    """As pandas reads it: several words stand for a missing number."""
    return None if text.strip().lower() in _NO_NUMBER else float(text)


def _cell(text: str, reader: Callable[[str], Any]) -> Any:
    """The cell as its column's type; empty is null; what does not parse stays text, for the encoder to refuse."""
    if not text:
        return None
    try:
        return reader(text)
    except ValueError:
        return text


def _whole(text: str) -> int | float | None:
    """`3`; `3.0` as pandas writes whole numbers in a column with nulls; a float beyond 64 bits, as in JSON."""
    number = int(text) if text.lstrip("+-").isdecimal() else _number(text)
    if number is None:
        return None
    return number if -(2**63) <= number < 2**63 else float(number)


def _boolean(text: str) -> bool | str:
    return _BOOLEANS.get(text.lower(), text)


_NO_NUMBER: Final = frozenset({"nan", "-nan", "na", "n/a", "#n/a", "<na>", "null", "none"})
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}
_CSV_READERS: Final[dict[ColumnType, Callable[[str], Any]]] = {
    "integer": _whole,
    "number": _number,
    "string": str,
    "boolean": _boolean,
    "datetime": str,
}
