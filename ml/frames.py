"""Tables in and out of files: one place that knows csv, parquet and jsonl and their quirks.

Workers scan versions with it; checks, profiles and trainers take what it gives: columns that are integers,
floats, strings, booleans, or datetimes in UTC (microseconds, without a zone).
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError
from pyarrow import parquet

from domain.datasets.specs import ColumnType, TableFormat
from domain.errors import Invalid
from ml.predicates import reason

_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?(Z|[+-]\d{2}:?\d{2})?$"
_TRAILING_BLANKS = re.compile(rb"(?:\r?\n)+\Z")
_DATETIME = pl.Datetime("us")
SAMPLED_ROWS = 10_000
_GROUP_ROWS = 8_192
_PAGE_BYTES = {"min_chunk_size": 32 * 2**10, "max_chunk_size": 128 * 2**10}


class BrokenTable(Invalid):
    """The bytes are not what the format says; `where` names the file and, when it is known, the line."""

    code = "broken_table"


class EmptyTable(Invalid):
    """There are no bytes, or no rows."""

    code = "empty_table"


class BadColumns(Invalid):
    """A column has no name, the name of another column, or values that are not plain."""

    code = "bad_columns"


def scan(path: Path, table_format: TableFormat) -> pl.LazyFrame:
    """The table in `path`; raises `BrokenTable`, `EmptyTable` or `BadColumns`.

    Parquet is read lazily, column by column. Text is parsed once, here, so that its errors come from here and
    later passes cost memory speed. Text columns of csv and jsonl whose every value is an ISO date or time become
    datetimes. In csv, blanks around fields and names are dropped (`39, State-gov`), an empty or blank field is
    null, a short line ends in nulls, and the rows Polars makes of empty last lines are dropped; `?` stays a value.
    """
    if path.stat().st_size == 0:
        raise EmptyTable("The file is empty.", where=path.name)
    readers: dict[TableFormat, Callable[[Path], pl.LazyFrame]] = {
        "csv": _scan_csv,
        "jsonl": _scan_jsonl,
        "parquet": _scan_parquet,
    }
    frame = _plain(readers[table_format](path), path)
    if frame.select(pl.len()).collect().item() == 0:
        raise EmptyTable("The table has no rows.", where=path.name)
    return frame


def read(path: Path, table_format: TableFormat) -> pl.DataFrame:
    """The whole table in memory; raises as `scan` does."""
    return scan(path, table_format).collect()


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write `frame` as `write_pieces` does."""
    write_pieces([frame], path)


def write_pieces(frames: Iterable[pl.DataFrame], path: Path) -> None:
    """Write the rows of `frames`, at least one, of the same columns, with one of them in memory at a time.

    They are written so that equal rows give equal bytes, and an insert in the middle rewrites only what is near it.

    Neither depends on how the frame is chunked in memory. Row groups end where the content says so, as the chunks of
    the store do: at fixed numbers of rows every group behind an insert would hold other rows, and its compressed pages
    share nothing with those of before. Pages end by content too, which alone leaves more than half of a file changed,
    and saves much of the one group that did change. Values are not dictionary-encoded: a dictionary numbers them as
    they come, so one new value renumbers the rest of its group. Zstandard finds the repeats as well, and columns
    without repeats come out smaller.
    """
    with ExitStack() as stack:
        writer: parquet.ParquetWriter | None = None
        for each in frames:
            # A column of nothing but nulls is text, as it is when it is read.
            frame = each.with_columns(pl.col(pl.Null).cast(pl.String)).rechunk()
            whole = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or stack.enter_context(_parquet_writer(path, whole.schema))
            for start, end in _row_groups(frame):
                writer.write_table(whole.slice(start, end - start), row_group_size=end - start)


def _parquet_writer(path: Path, schema: Any) -> parquet.ParquetWriter:
    return parquet.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=3,
        use_dictionary=False,
        use_content_defined_chunking=_PAGE_BYTES,
        store_schema=False,
    )


def _row_groups(frame: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """Where row groups start and end: behind a row whose hash says so, 8,192 to 32,768 rows, 16,384 on average.

    Small enough that one is little of the file, large enough that the footer, which always changes, is less.
    """
    ends = (frame.hash_rows(seed=0) % _GROUP_ROWS == 0).arg_true() + 1
    start = 0
    while start < frame.height:
        place = ends.search_sorted(start + _GROUP_ROWS)
        marked = ends[place] if place < len(ends) else frame.height
        end = min(marked, start + 4 * _GROUP_ROWS, frame.height)
        yield start, end
        start = end


def column_type(dtype: pl.DataType) -> ColumnType:
    """The platform's word for a Polars type."""
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    return "datetime" if dtype in (pl.Date, pl.Datetime) else "string"


def schema(frame: pl.LazyFrame | pl.DataFrame) -> dict[str, ColumnType]:
    """The columns of `frame` in order, each with its type."""
    return {name: column_type(dtype) for name, dtype in frame.lazy().collect_schema().items()}


def rows_as_json(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows as JSON can hold them: times as ISO 8601 text, NaN and infinities as `None`."""
    return frame.select(json_safe(name, dtype) for name, dtype in frame.schema.items()).to_dicts()


def json_safe(name: str, dtype: pl.DataType) -> pl.Expr:
    """The column `name` with values JSON can hold (as `rows_as_json`), for use inside a query."""
    column = pl.col(name)
    if dtype.is_temporal():
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    return pl.when(column.is_finite()).then(column) if dtype.is_float() else column


def _scan_csv(path: Path) -> pl.LazyFrame:
    names, separator = _csv_header(path)
    try:
        frame = _read_csv(path, separator)
    except PolarsError as error:
        raise _broken(path, reason(error), _bad_csv_line(path, len(names), separator)) from error
    frame = frame.head(frame.height - _blank_last_lines(path))
    frame.columns = names
    return frame.with_columns(_typed(_stripped(column)) for column in frame).lazy()


def _read_csv(path: Path, separator: str) -> pl.DataFrame:
    """The table with the types that looking at every value gives.

    Looking at all of them first takes several times as long as reading them, so the types come from the first rows
    where the others cannot make a difference: they would have to be values that a column's parser takes and its
    pattern does not, which are signed with a plus, or spell not-a-number or infinity.
    """
    try:
        frame = pl.read_csv(path, separator=separator, infer_schema_length=SAMPLED_ROWS)
    except PolarsError:
        return pl.read_csv(path, separator=separator, infer_schema_length=None)
    if frame.height <= SAMPLED_ROWS:
        return frame
    floats = pl.selectors.float()
    odd = frame.select((floats.is_nan() | floats.is_infinite()).any()).row(0) if frame.select(floats).width else ()
    untold = [column.null_count() == SAMPLED_ROWS for column in frame.head(SAMPLED_ROWS) if column.dtype == pl.String]
    if any(odd) or any(untold) or _holds(path, b"+"):
        return pl.read_csv(path, separator=separator, infer_schema_length=None)
    return frame


def _holds(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        return data.find(mark) >= 0


def _csv_header(path: Path) -> tuple[list[str], str]:
    """Column names and separator: a comma, or where the first line has none a semicolon or a tab."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            first = lines.readline()
            separator = next((mark for mark in ",;\t" if mark in first), ",")
            lines.seek(0)
            names = [name.strip() for name in next(csv.reader(lines, delimiter=separator), [])]
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except csv.Error as error:
        raise _broken(path, str(error), 1) from error
    if not any(names):
        raise BadColumns(
            "The first line names no columns.", where=f"{path.name}, line 1", fix="Put a header line first."
        )
    for name, times in Counter(names).items():
        if name == "":
            position = names.index("") + 1
            raise BadColumns(f"Column {position} has no name.", where=f"{path.name}, line 1", fix="Name every column.")
        if times > 1:
            where = f"{path.name}, line 1"
            raise BadColumns(f"The column name {name!r} occurs {times} times.", where=where, fix="Rename all but one.")
    return names, separator


def _blank_last_lines(path: Path) -> int:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65_536))
        ending = _TRAILING_BLANKS.search(file.read())
    return max(0, ending.group().count(b"\n") - 1) if ending else 0


def _bad_csv_line(path: Path, width: int, separator: str) -> tuple[int, str] | int | None:
    """The line that breaks the file, looked for only after parsing has failed."""
    start = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, delimiter=separator, strict=True)
            for fields in rows:
                if len(fields) > width:
                    return start, f"{len(fields)} fields where the header names {width}"
                start = rows.line_num + 1
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except csv.Error as error:
        return start, f"{error}: a quote that opens here may not be closed"
    return None


def _scan_jsonl(path: Path) -> pl.LazyFrame:
    try:
        frame = pl.read_ndjson(path, infer_schema_length=None)
    except PolarsError as error:
        raise _broken(path, reason(error), _bad_json_line(path)) from error
    if "" in frame.columns:
        raise BadColumns("A column has no name.", where=path.name, fix="Name every column.")
    return frame.with_columns(_typed(column) for column in frame).lazy()


def _bad_json_line(path: Path) -> tuple[int, str] | None:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    row = json.loads(line, parse_constant=_refuse_constant) if line.strip() else {}
                except ValueError as error:
                    return number, str(error)
                if not isinstance(row, dict):
                    return number, "each line must be one JSON object"
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    return None


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON; write null")


def _scan_parquet(path: Path) -> pl.LazyFrame:
    frame = pl.scan_parquet(path)
    try:
        names = frame.collect_schema().names()
    except PolarsError as error:
        raise _broken(path, reason(error), None) from error
    if "" in names:
        raise BadColumns("A column has no name.", where=path.name, fix="Name every column.")
    return frame


def _stripped(column: pl.Series) -> pl.Series:
    """Without blanks around the values; what they kept from being read as a number or boolean is read again."""
    if column.dtype != pl.String:
        return column
    bare = column.str.strip_chars()
    had_blanks = (bare != column).any()
    bare = bare.set(bare == "", None)
    if not had_blanks or bare.null_count() == len(bare):
        return bare
    for dtype in (pl.Int64, pl.Float64):
        cast = bare.cast(dtype, strict=False)
        if cast.null_count() == bare.null_count():
            return cast
    lowered = bare.str.to_lowercase()
    return lowered == "true" if lowered.drop_nulls().is_in(["true", "false"]).all() else bare


def _typed(column: pl.Series) -> pl.Series:
    """Text that is ISO dates or times throughout, as UTC datetimes; anything else unchanged."""
    if column.dtype != pl.String:
        return column
    values = column.drop_nulls()
    if values.is_empty() or not values.head(100).str.contains(_ISO).all() or not values.str.contains(_ISO).all():
        return column
    try:
        times = column.str.to_datetime(strict=False, time_unit="us")
    except PolarsError:
        return column
    return column if times.null_count() > column.null_count() else _utc(times)


def _utc(times: pl.Series) -> pl.Series:
    zone = times.dtype.time_zone if isinstance(times.dtype, pl.Datetime) else None
    return times.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zone else times


def _plain(frame: pl.LazyFrame, path: Path) -> pl.LazyFrame:
    """The types narrowed to the platform's five; nested values are refused."""
    casts = []
    for name, dtype in frame.collect_schema().items():
        column = pl.col(name)
        if dtype in (pl.Categorical, pl.Enum, pl.Null, pl.Time) or dtype in (pl.Int128, pl.UInt128):
            # Integers beyond 64 bits are names of things, not quantities: as text they keep every digit.
            casts.append(column.cast(pl.String))
        elif dtype.is_decimal() or dtype == pl.Float16:
            casts.append(column.cast(pl.Float64))
        elif dtype == pl.Date:
            casts.append(column.cast(_DATETIME))
        elif isinstance(dtype, pl.Datetime):
            zoned = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if dtype.time_zone else column
            casts.append(zoned.cast(_DATETIME))
        elif dtype.is_nested() or dtype in (pl.Binary, pl.Duration, pl.Object):
            fix = "Give each value a column of its own: numbers, text, booleans or times."
            raise BadColumns(f"The column {name!r} holds {dtype}, not plain values.", where=path.name, fix=fix)
    return frame.with_columns(casts)


def _broken(path: Path, why: str, at: tuple[int, str] | int | None) -> BrokenTable:
    line, why = at if isinstance(at, tuple) else (at, why)
    where = f"{path.name}, line {line}" if line else path.name
    return BrokenTable(f"The file cannot be read: {why}.", where=where)


def _not_utf8(path: Path) -> BrokenTable:
    with path.open("rb") as lines:
        line = next((number for number, line in enumerate(lines, start=1) if not _is_utf8(line)), 1)
    fix = "Save it as UTF-8, or as parquet."
    return BrokenTable("The file is not UTF-8 text.", where=f"{path.name}, line {line}", fix=fix)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
