"""Prediction rows or columns -> the arrays a model takes; for serving, training, checks and batch jobs alike.

A value means the same to a model whichever way it arrives. Light: numpy and the standard library.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.registry.specs import InputColumn, Signature
from ml.values import (
    DATE_PARTS,
    FLOAT32_MAX,
    ExtraColumn,
    MissingColumn,
    NoRows,
    NotARow,
    NotFinite,
    NullValue,
    OutOfRange,
    WrongType,
    datetime_parts,
    did_you_mean,
    number_text,
    read_datetime,
    read_number,
    read_text,
)

Feeds = dict[str, NDArray[Any]]
Extra = Literal["forbid", "record"]
NUMBERS: Final = "numbers"
STRINGS: Final = "strings"
MISSING_CATEGORY: Final = "(missing)"
# Whole numbers up to here are exact as float64, so the quick path of a row rounds as the array path does.
EXACT: Final = 2.0**53
_PLAIN_TYPES: Final[dict[str, tuple[type, ...]]] = {"integer": (int,), "number": (float, int), "boolean": (bool,)}


class Encoder:
    """A signature compiled to a plan.

    Feeds are `numbers` [rows, k] float32 and `strings` [rows, m] object; an input without columns is left out.
    Dates become the numbers `DATE_PARTS` named `column.part`, because ONNX parses no dates. A missing number
    is NaN (the model imputes it), a missing category a token of its own, a missing text the empty one.
    Texts to classify are put in lower case here: what ONNX does about capitals depends on the locale.
    """

    def __init__(self, signature: Signature) -> None:
        columns = signature.inputs
        self._columns = {column.name: column for column in columns}
        self._numbers = [column for column in columns if column.type != "datetime" and not _is_text(column)]
        self._dates = [column for column in columns if column.type == "datetime" and not column.category]
        self._texts = [column for column in columns if _is_text(column)]
        self._plain = [(column.name, _PLAIN_TYPES[column.type], column) for column in self._numbers]
        self._named = [(column.name, column.type == "string", column) for column in self._texts]
        self._lower = signature.task == "text_classification"
        self.missing = "" if self._lower else MISSING_CATEGORY
        parts = [f"{column.name}.{part}" for column in self._dates for part in DATE_PARTS]
        self.number_names = [column.name for column in self._numbers] + parts
        self.string_names = [column.name for column in self._texts]
        # The signature's column behind each number: a date stands behind several.
        self.number_sources = [column.name for column in self._numbers]
        self.number_sources += [column.name for column in self._dates for _ in DATE_PARTS]

    def encode_rows(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Feeds:
        """Feeds for rows as JSON gives them. Unknown columns are refused, or passed over when `extra` is record.

        Raises a kind of `Invalid` whose `where` is the exact place, for example `instances[3].age`.
        """
        if not instances:
            raise NoRows("There are no rows to predict.", where="instances")
        numbers: list[float] = []
        texts: list[str] = []
        for index, row in enumerate(instances):
            if not isinstance(row, dict):
                raise NotARow("A row must be an object of column names and values.", where=f"instances[{index}]")
            if len(row) != len(self._columns) and extra == "forbid":
                self._refuse_extra(row, f"instances[{index}]")
            try:
                self._encode_row(row, index, numbers, texts)
            except KeyError:
                raise self._missing_column(row, f"instances[{index}]") from None
        # A row with as many columns as expected, none of them missing, has no extra ones.
        return self.feeds(len(instances), np.array(numbers, dtype=np.float32), np.array(texts, dtype=object))

    def _encode_row(self, row: dict[str, Any], index: int, numbers: list[float], texts: list[str]) -> None:
        for name, types, column in self._plain:
            value = row[name]
            # The comparison is also false for NaN and infinities.
            if type(value) in types and -EXACT <= value <= EXACT:
                numbers.append(value)
            else:
                numbers.append(read_number(column, value, f"instances[{index}].{name}"))
        for column in self._dates:
            numbers.extend(read_datetime(column, row[column.name], f"instances[{index}].{column.name}"))
        for name, plain, column in self._named:
            value = row[name]
            if plain and type(value) is str and value.isascii():
                texts.append(value)
            else:
                texts.append(read_text(column, value, f"instances[{index}].{name}", self.missing))

    def encode_columns(self, columns: Mapping[str, NDArray[Any]]) -> Feeds:
        """The same feeds from whole columns of equal length; other columns are passed over.

        In a float array NaN means null; a time array is `datetime64`; an object array is read value by value.
        Raises as `encode_rows`, with `where` such as `rows[3].age`.
        """
        for name in self._columns:
            if name not in columns:
                raise self._missing_column(columns, "rows")
        rows = len(columns[next(iter(self._columns))])
        if rows == 0:
            raise NoRows("There are no rows to predict.", where="rows")
        numbers = [_number_array(column, columns[column.name])[:, None] for column in self._numbers]
        numbers += [_date_array(column, columns[column.name]) for column in self._dates]
        texts = np.empty((rows, len(self._texts)), dtype=object)
        for position, column in enumerate(self._texts):
            texts[:, position] = _text_array(column, columns[column.name], self.missing)
        table = np.concatenate(numbers, axis=1) if numbers else np.empty((rows, 0))
        return self.feeds(rows, table.astype(np.float32), texts)

    def feeds(self, rows: int, numbers: NDArray[np.float32], texts: NDArray[np.object_]) -> Feeds:
        """Values row after row, in the order of `number_names` and `string_names`, as the model takes them."""
        feeds: Feeds = {}
        if self.number_names:
            feeds[NUMBERS] = numbers.reshape(rows, len(self.number_names))
        if self.string_names:
            if self._lower:
                texts = np.array([text.lower() for text in texts.ravel().tolist()], dtype=np.object_)
            feeds[STRINGS] = texts.reshape(rows, len(self.string_names))
        return feeds

    def _refuse_extra(self, row: dict[str, Any], where: str) -> None:
        for name in row:
            if name not in self._columns:
                raise ExtraColumn(
                    f"The model has no column {name!r}.",
                    where=f"{where}.{name}",
                    fix=did_you_mean(str(name), self._columns) or f"Its columns are {', '.join(self._columns)}.",
                )

    def _missing_column(self, row: Mapping[str, Any], where: str) -> MissingColumn:
        name = next(name for name in self._columns if name not in row)
        others = [str(key) for key in row if key not in self._columns]
        return MissingColumn(f"Column {name!r} is missing.", where=f"{where}.{name}", fix=did_you_mean(name, others))


def _is_text(column: InputColumn) -> bool:
    return column.type == "string" or column.category


def _number_array(column: InputColumn, values: NDArray[Any]) -> NDArray[np.float64]:
    kinds = "b" if column.type == "boolean" else "fiu"
    if values.dtype.kind not in kinds:
        return np.array(_one_by_one(column, values, lambda value, where: read_number(column, value, where)))
    numbers = values.astype(np.float64)
    null = np.isnan(numbers)
    _refuse_first(null & (not column.nullable), column, NullValue, "is null")
    _refuse_first(np.isinf(numbers), column, NotFinite, "is infinite")
    _refuse_first(np.abs(numbers) > FLOAT32_MAX, column, OutOfRange, "is beyond the range of a 32-bit float")
    if column.type == "integer" and values.dtype.kind == "f":
        _refuse_first(~null & (numbers != np.floor(numbers)), column, WrongType, "is not a whole number")
    return numbers


def _date_array(column: InputColumn, values: NDArray[Any]) -> NDArray[np.float64]:
    if values.dtype.kind != "M":
        return np.array(_one_by_one(column, values, lambda value, where: read_datetime(column, value, where)))
    _refuse_first(np.isnat(values) & (not column.nullable), column, NullValue, "is null")
    return datetime_parts(values)


def _text_array(column: InputColumn, values: NDArray[Any], missing: str) -> list[str]:
    if column.type == "string" or values.dtype.kind not in "biuf":
        return _one_by_one(column, values, lambda value, where: read_text(column, value, where, missing))
    numbers = _number_array(column, values)
    return [missing if math.isnan(number) else number_text(column, number) for number in numbers.tolist()]


def _one_by_one(column: InputColumn, values: NDArray[Any], read: Callable[[Any, str], Any]) -> list[Any]:
    return [read(value, f"rows[{index}].{column.name}") for index, value in enumerate(values.tolist())]


def _refuse_first(bad: NDArray[np.bool_], column: InputColumn, error: type[Invalid], problem: str) -> None:
    if bad.any():
        raise error(f"Column {column.name!r} {problem}.", where=f"rows[{int(np.argmax(bad))}].{column.name}")
