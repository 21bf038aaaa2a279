"""Tensors of Open Inference v2, from lists or raw bytes, checked, turned into rows; and back. For REST and gRPC."""

from collections.abc import Sequence
from itertools import chain
from math import prod
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from domain.datasets.specs import ColumnType
from domain.registry.specs import InputColumn, Label, Signature
from serving.errors import BadTensor, TooManyRows
from serving.protocols.exchange import Answer

Values: TypeAlias = "list[Any] | NDArray[Any]"

# No endpoint takes more at once; refused here, before small bytes become large rows.
MAX_ROWS: Final = 1_000_000
# Fixed sizes, little-endian. BYTES is the one datatype of variable size: four bytes of length before each element.
_NUMPY: Final[dict[str, np.dtype[Any]]] = {
    "BOOL": np.dtype("?"),
    **{f"{kind}{8 * size}": np.dtype(f"<{kind[0].lower()}{size}") for kind in ("INT", "UINT") for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
_LIMITS: Final = {name: np.iinfo(kind) for name, kind in _NUMPY.items() if kind.kind in "iu"}
_NUMBERS: Final = frozenset(_NUMPY) - {"BOOL"}
_ACCEPTED: Final[dict[ColumnType, frozenset[str]]] = {
    "integer": frozenset(_LIMITS),
    "number": _NUMBERS,
    "string": frozenset({"BYTES"}),
    "boolean": frozenset({"BOOL"}),
    "datetime": frozenset({"BYTES"}),
}
DATATYPES: Final[dict[ColumnType, str]] = {
    "integer": "INT64",
    "number": "FP64",
    "string": "BYTES",
    "boolean": "BOOL",
    "datetime": "BYTES",
}


class Tensor(NamedTuple):
    """A tensor of a request: as many `values` as its shape says, in row-major order. In a float array NaN is null."""

    name: str
    datatype: str
    shape: list[int]
    values: Values


class Output(NamedTuple):
    """A tensor of an answer."""

    name: str
    datatype: str
    shape: list[int]
    values: Values

    def listed(self) -> list[Any]:
        """The values for JSON and for typed contents."""
        return self.values if isinstance(self.values, list) else self.values.ravel().tolist()

    def raw(self) -> bytes:
        """The values as bytes, little-endian, row-major."""
        if self.datatype == "BYTES":
            texts = [str(value).encode() for value in self.listed()]
            return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
        return np.asarray(self.values, dtype=_NUMPY[self.datatype]).tobytes()


def named(name: Any, where: str) -> str:
    """The name of a tensor, if it is one."""
    if not isinstance(name, str) or not name:
        raise BadTensor("A tensor needs a name, a text.", where=f"{where}.name")
    return name


def checked(name: str, datatype: Any, shape: Any, where: str) -> int:
    """How many values a tensor must have. Raises BadTensor for shapes and datatypes that there are not."""
    if not isinstance(datatype, str) or (datatype not in _NUMPY and datatype != "BYTES"):
        known = ", ".join((*_NUMPY, "BYTES"))
        raise BadTensor(
            f"Tensor {name!r} has datatype {_short(datatype)}; there are {known}.", where=f"{where}.datatype"
        )
    sizes = isinstance(shape, list) and 1 <= len(shape) <= 2 and all(type(size) is int and size >= 0 for size in shape)
    if not sizes:
        raise BadTensor(
            f"Tensor {name!r} has shape {_short(shape)}, not one or two whole numbers from 0 up.",
            where=f"{where}.shape",
        )
    return prod(shape)


def from_lists(name: str, datatype: Any, shape: Any, data: Any, where: str) -> Tensor:
    """A tensor whose values are listed, flat or nested as its shape."""
    size = checked(name, datatype, shape, where)
    if not isinstance(data, list):
        raise BadTensor(f"Tensor {name!r} needs `data`, a list of its values.", where=f"{where}.data")
    if data and isinstance(data[0], list):
        if len(shape) != 2 or not all(isinstance(row, list) and len(row) == shape[1] for row in data):
            raise BadTensor(f"Tensor {name!r} has data that is not nested as its shape {shape}.", where=f"{where}.data")
        data = list(chain.from_iterable(data))
    if len(data) != size:
        raise BadTensor(
            f"Tensor {name!r} has {len(data)} values; its shape {shape} has {size}.", where=f"{where}.shape"
        )
    limits = _LIMITS.get(datatype)
    if limits is not None:
        for value in data:
            if type(value) is int and not limits.min <= value <= limits.max:
                raise BadTensor(f"Tensor {name!r} holds {value}, which is no {datatype}.", where=f"{where}.data")
    return Tensor(name, datatype, shape, data)


def from_bytes(name: str, datatype: Any, shape: Any, raw: memoryview, where: str) -> Tensor:
    """A tensor whose values are raw bytes: exactly as many as its shape and datatype take."""
    size = checked(name, datatype, shape, where)
    if datatype == "BYTES":
        return Tensor(name, datatype, shape, _texts(name, raw, size, where))
    kind = _NUMPY[datatype]
    if len(raw) != size * kind.itemsize:
        raise BadTensor(
            f"Tensor {name!r} of shape {shape} and datatype {datatype} takes {size * kind.itemsize} bytes,"
            f" not {len(raw)}.",
            where=where,
        )
    if datatype == "BOOL" and (np.frombuffer(raw, np.uint8) > 1).any():
        raise BadTensor(f"Tensor {name!r} holds a byte that is neither 0 nor 1.", where=where)
    return Tensor(name, datatype, shape, np.frombuffer(raw, kind))


def _texts(name: str, raw: memoryview, size: int, where: str) -> list[str]:
    """The elements of a BYTES tensor."""
    texts = []
    at = 0
    for index in range(size):
        start = at + 4
        at = start + int.from_bytes(raw[at:start], "little")
        if max(start, at) > len(raw):
            raise BadTensor(f"Tensor {name!r} ends within element {index} of {size}.", where=where)
        try:
            texts.append(str(raw[start:at], "utf-8"))
        except UnicodeDecodeError:
            raise BadTensor(f"Tensor {name!r} holds text that is not UTF-8 in element {index}.", where=where) from None
    if at != len(raw):
        raise BadTensor(f"Tensor {name!r} has {len(raw) - at} bytes beyond its {size} elements.", where=where)
    return texts


def as_rows(tensors: Sequence[Tensor], signature: Signature) -> list[dict[str, Any]]:
    """The rows that the tensors of a request stand for, one tensor per column or all columns in one.

    Whether each value suits its column is for the encoder to say.
    """
    if not tensors:
        raise BadTensor("There are no input tensors.", where="inputs", fix="Send one per column.")
    if tensors[0].shape[0] > MAX_ROWS:
        raise TooManyRows(f"Tensor {tensors[0].name!r} has {tensors[0].shape[0]} rows.", where="inputs[0].shape")
    if _is_table(tensors, signature.inputs):
        return _table_rows(tensors[0], signature.inputs)
    known = {column.name: column for column in signature.inputs}
    columns: dict[str, list[Any]] = {}
    for index, tensor in enumerate(tensors):
        where = f"inputs[{index}]"
        if tensor.name in columns:
            raise BadTensor(f"Tensor {tensor.name!r} is given twice.", where=f"{where}.name")
        column = known.get(tensor.name)
        if column is not None and tensor.datatype not in _ACCEPTED[column.type]:
            raise BadTensor(
                f"Tensor {tensor.name!r} must have datatype {DATATYPES[column.type]}, not {tensor.datatype}.",
                where=f"{where}.datatype",
            )
        if tensor.shape[1:] not in ([], [1]):
            raise BadTensor(
                f"Tensor {tensor.name!r} has shape {tensor.shape}; a column has shape [n] or [n, 1].",
                where=f"{where}.shape",
            )
        columns[tensor.name] = _listed(tensor.values)
    sizes = {name: len(values) for name, values in columns.items()}
    if len(set(sizes.values())) > 1:
        raise BadTensor(f"The tensors differ in length: {sizes}.", where="inputs")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def outputs_of(answer: Answer) -> list[Output]:
    """`prediction` [n], and `probabilities` [n, classes] where there are classes."""
    rows = len(answer.predictions)
    outputs = [Output("prediction", label_type(answer.classes), [rows], list(answer.predictions))]
    if answer.probabilities is not None:
        outputs.append(Output("probabilities", "FP64", list(answer.probabilities.shape), answer.probabilities))
    return outputs


def label_type(classes: Sequence[Label]) -> str:
    """The datatype of the prediction: a number without classes, otherwise what the classes are."""
    kinds = {type(label) for label in classes}
    if not kinds:
        return "FP64"
    return {bool: "BOOL", int: "INT64", float: "FP64"}.get(kinds.pop(), "BYTES") if len(kinds) == 1 else "BYTES"


def output_names(signature: Signature) -> list[str]:
    return ["prediction", "probabilities"] if signature.classes else ["prediction"]


def _is_table(tensors: Sequence[Tensor], columns: Sequence[InputColumn]) -> bool:
    """Whether this is one tensor [n, k] for all columns of a model of numbers."""
    numbers = all(column.type in ("number", "integer") for column in columns)
    return (
        len(tensors) == 1
        and len(tensors[0].shape) == 2
        and numbers
        and tensors[0].name not in {column.name for column in columns}
    )


def _table_rows(tensor: Tensor, columns: Sequence[InputColumn]) -> list[dict[str, Any]]:
    width = len(columns)
    if tensor.shape[1] != width:
        raise BadTensor(
            f"Tensor {tensor.name!r} has {tensor.shape[1]} columns; the model has {width}:"
            f" {', '.join(column.name for column in columns)}.",
            where="inputs[0].shape",
        )
    if tensor.datatype not in _NUMBERS:
        raise BadTensor(
            f"Tensor {tensor.name!r} must be of numbers, not {tensor.datatype}.", where="inputs[0].datatype"
        )
    values = _listed(tensor.values)
    names = [column.name for column in columns]
    return [
        dict(zip(names, values[start : start + width], strict=True))
        for start in range(0, tensor.shape[0] * width, width)
    ]


def _listed(values: Values) -> list[Any]:
    if isinstance(values, list):
        return values
    listed: list[Any] = values.tolist()
    return nulls(listed) if values.dtype.kind == "f" and np.isnan(values).any() else listed


def nulls(values: list[Any]) -> list[Any]:
    """The values with None for NaN, the null of tensors."""
    return [None if value != value else value for value in values]  # noqa: PLR0124 - true of NaN alone


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
