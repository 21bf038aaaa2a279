"""Steps that change a column's type: cast, parse_dates. A value without a meaning in the new type is named."""

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
from polars.exceptions import PolarsError

from domain.datasets.specs import ColumnType
from domain.datasets.steps import CastStep, ParseDatesStep
from ml.recipes.rows import Rows, wide

Convert = Callable[[pl.Series], pl.Series]
_TIME = pl.Datetime("us")
_DTYPES: dict[ColumnType, pl.DataType] = {
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "string": pl.String(),
    "boolean": pl.Boolean(),
    "datetime": _TIME,
}
_TRUE, _FALSE = ["true", "t", "yes", "y", "1"], ["false", "f", "no", "n", "0"]
_ISO_TIMES = ("T%H:%M:%S%.f", " %H:%M:%S%.f", "T%H:%M", " %H:%M")
_ISO = ["%Y-%m-%d", *(f"%Y-%m-%d{time}{zone}" for time in _ISO_TIMES for zone in ("", "%#z"))]
_PROBE = datetime(2001, 12, 13, 14, 15, 16, tzinfo=UTC)
# Above it, floats skip integers.
_EXACT = 2**53


def cast(spec: CastStep, rows: Rows) -> pl.LazyFrame:
    changed = []
    for at, name in spec.named:
        kind = rows.need(name, at)
        if "datetime" in {kind, spec.to} and spec.to not in {"string", kind}:
            fix = "Use parse_dates." if spec.to == "datetime" else "Derive what you need with EXTRACT."
            raise rows.refused(f"{name!r} is {kind}, which cannot be cast to {spec.to}", at, fix=fix)
        convert = _conversion(kind, spec.to)
        changed.append(_converted(rows, name, at, convert, _DTYPES[spec.to], refuse=spec.invalid == "refuse"))
    return rows.frame.with_columns(changed)


def parse_dates(spec: ParseDatesStep, rows: Rows) -> pl.LazyFrame:
    formats = spec.formats or _ISO
    for place, form in enumerate(spec.formats):
        _check_format(form, rows, f"format.{place}" if isinstance(spec.format, list) else "format")

    def convert(texts: pl.Series) -> pl.Series:
        times = pl.Series(texts.name, [None] * len(texts), dtype=_TIME)
        for form in formats:
            if times.null_count() == 0:
                break
            times = times.zip_with(times.is_not_null(), _parsed(texts, form))
        return times

    changed = []
    for at, name in spec.named:
        kind = rows.need(name, at)
        if kind not in {"string", "integer", "datetime"}:
            raise rows.refused(f"{name!r} is {kind}, not text", at)
        as_text: Convert = (lambda values: convert(values.cast(pl.String))) if kind == "integer" else convert
        if kind != "datetime":
            changed.append(_converted(rows, name, at, as_text, _TIME, refuse=spec.invalid == "refuse"))
    return rows.frame.with_columns(changed)


def _converted(rows: Rows, name: str, at: str, convert: Convert, dtype: pl.DataType, *, refuse: bool) -> pl.Expr:
    """The column converted when the recipe is carried out, in the one pass; there too it is refused."""

    def strictly(values: pl.Series) -> pl.Series:
        changed = convert(values)
        lost = changed.is_null() & values.is_not_null()
        if refuse and (count := int(lost.sum())):
            example = values.filter(lost)[0]
            times = "1 row has" if count == 1 else f"{count:,} rows have"
            why = f"{times} a value of {name!r} that is no {_called(dtype)}, the first {example!r}"
            rows.refusals.append(rows.refused(why, at, fix="Replace such values first, or say `invalid: null`."))
            raise rows.refusals[-1]
        return changed

    return wide(name, rows.schema[name]).map_batches(strictly, return_dtype=dtype)


def _called(dtype: pl.DataType) -> str:
    return next(word for word, known in _DTYPES.items() if known == dtype)


def _conversion(old: ColumnType, new: ColumnType) -> Convert:
    if new == "string" and old == "datetime":
        return lambda values: values.dt.to_string("%Y-%m-%dT%H:%M:%S%.f")
    if new == "boolean" and old == "string":
        return lambda values: _one_of(values.str.strip_chars().str.to_lowercase())
    if new == "boolean" and old != "boolean":
        return lambda values: (values == 1).set(~values.is_in([0, 1]), None)
    if new == "integer" and old == "number":
        return _whole
    if new == "integer" and old == "string":
        return _integers
    if new == "number" and old == "string":
        return lambda values: values.str.strip_chars().cast(pl.Float64, strict=False)
    return lambda values: values.cast(_DTYPES[new], strict=False)


def _one_of(words: pl.Series) -> pl.Series:
    return words.is_in(_TRUE).set(~words.is_in(_TRUE + _FALSE), None)


def _whole(numbers: pl.Series) -> pl.Series:
    fits = (numbers.abs() < _EXACT) & (numbers == numbers.round())
    return numbers.set(~fits, None).cast(pl.Int64)


def _integers(texts: pl.Series) -> pl.Series:
    """`12` by its digits, and `12.0` as the number it is."""
    bare = texts.str.strip_chars()
    whole = bare.cast(pl.Int64, strict=False)
    return whole.zip_with(whole.is_not_null(), _whole(bare.cast(pl.Float64, strict=False)))


def _parsed(texts: pl.Series, form: str) -> pl.Series:
    times = texts.str.to_datetime(form, strict=False, time_unit="us")
    zoned = isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is not None
    return times.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else times


def _check_format(form: str, rows: Rows, at: str) -> None:
    """A format that does not give a date is refused before any row is read: a day goes through it and back."""
    fix = "Use the letters of strptime, a year, a month and a day among them: %d/%m/%Y %H:%M."
    try:
        written = pl.Series([_PROBE]).dt.to_string(form.replace("%#z", "%z"))
        back = _parsed(written, form)
    except PolarsError as error:
        raise rows.refused(f"the format {form!r} has letters that mean nothing", at, fix=fix) from error
    if back.dt.date().to_list() not in ([_PROBE.date()], [_PROBE.date().replace(day=1)]):
        raise rows.refused(f"the format {form!r} does not give a date", at, fix=fix)
