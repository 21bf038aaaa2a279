"""MLflow models that others have made: what one says of itself, whether it carries code, and how it answers.

Read by the import of a model, and where a package made from one is loaded: always in a process that may be lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import mlflow  # its `pyfunc` loads when it is first used, with warnings of MLflow's own
import mlflow.sklearn
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import Model as MlflowModel
from numpy.typing import NDArray

from adapters.model_code import NotAModel, code_in, inside
from domain.datasets.specs import ColumnType
from domain.registry.specs import InputColumn, Label, Package, Signature
from ml.encoding import Encoder, Extra
from ml.models import BadPackage, Predictions

_TYPES: Final[dict[str, ColumnType]] = {
    "double": "number",
    "float": "number",
    "long": "integer",
    "integer": "integer",
    "boolean": "boolean",
    "string": "string",
    "datetime": "datetime",
}


@dataclass(frozen=True)
class OutsideColumn:
    """A column of an MLflow signature."""

    name: str
    type: ColumnType
    required: bool


@dataclass(frozen=True)
class Described:
    """What an MLflow model says of itself. `columns` is None where its signature is a tensor `width` wide.

    `onnx` is its ONNX file, if it is one. `code` says what of it would run when it is loaded; None when nothing would.
    """

    directory: Path
    columns: list[OutsideColumn] | None
    width: int | None
    onnx: Path | None
    code: str | None
    run_id: str
    model_id: str | None


def describe(directory: Path) -> Described:
    """Reads `MLmodel`, and loads nothing. Raises `NotAModel`."""
    try:
        model = MlflowModel.load(str(directory / "MLmodel"))
        schema: Any = model.get_input_schema()  # type: ignore[no-untyped-call]  # MLflow leaves it untyped
    except (MlflowException, OSError, TypeError, ValueError, KeyError) as error:
        raise NotAModel(f"This is not an MLflow model that can be read: {error}", where="mlflow") from error
    if schema is None:
        fix = "Log it with a signature: `mlflow.models.infer_signature(inputs, outputs)`."
        raise NotAModel("The MLflow model has no signature.", where="mlflow", fix=fix)
    columns = None if schema.is_tensor_spec() else _columns(schema)
    flavors = dict(model.flavors)
    onnx = inside(directory, flavors["onnx"].get("data")) if "onnx" in flavors else None
    return Described(
        directory=directory,
        columns=columns,
        width=_width(schema) if columns is None else None,
        onnx=onnx,
        code=None if onnx else code_in(directory, flavors),
        run_id=model.run_id or "",
        model_id=model.model_id,
    )


def _columns(schema: Any) -> list[OutsideColumn]:
    found = []
    for column in schema.inputs:
        kind = getattr(column.type, "name", str(column.type))
        if column.name is None or kind not in _TYPES:
            raise NotAModel(f"The signature has a column {column.name!r} of type {kind}.", where="mlflow")
        found.append(OutsideColumn(column.name, _TYPES[kind], bool(column.required)))
    return found


def _width(schema: Any) -> int:
    tensors = schema.inputs
    if len(tensors) != 1 or len(tensors[0].shape) != 2 or tensors[0].shape[1] < 1:
        raise NotAModel("The signature is not that of a table.", where="mlflow", fix="Give it columns.")
    return int(tensors[0].shape[1])


class OutsideModel:
    """An MLflow model behind our signature: a table as it was logged with goes in, our answers come out."""

    def __init__(self, package: Package, directory: Path) -> None:
        self.package = package
        self.signature: Signature = package.signature
        self._encoder = Encoder(package.signature)
        model = MlflowModel.load(str(directory / "MLmodel"))
        schema: Any = model.get_input_schema()  # type: ignore[no-untyped-call]  # MLflow leaves it untyped
        self._tensor = schema.is_tensor_spec()
        self._types = {} if self._tensor else {one.name: one.type.to_pandas() for one in schema.inputs}
        self._native: Any = mlflow.sklearn.load_model(str(directory)) if "sklearn" in model.flavors else None
        self._pyfunc: Any = None if self._native is not None else mlflow.pyfunc.load_model(str(directory))
        known = getattr(self._native, "classes_", None)
        self._classes: list[Label] | None = None if known is None else known.tolist()
        strange = [one for one in self._classes or [] if one not in self.signature.classes]
        if strange and self.signature.task != "regression":
            raise BadPackage(f"The model knows the class {strange[0]!r}, which no row of its dataset has.")

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        self._encoder.encode_rows(instances, extra=extra)  # refuses what does not fit, with its place
        names = [column.name for column in self.signature.inputs]
        return self._run({name: pd.Series([row[name] for row in instances]) for name in names}, len(instances))

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        self._encoder.encode_columns(columns)
        names = [column.name for column in self.signature.inputs]
        return self._run({name: pd.Series(columns[name]) for name in names}, len(columns[names[0]]))

    def _run(self, series: dict[str, "pd.Series[Any]"], rows: int) -> Predictions:
        table = pd.DataFrame({one.name: self._typed(one, series[one.name]) for one in self.signature.inputs})
        given: Any = table.to_numpy(dtype=np.float64) if self._tensor else table
        if self.signature.task == "regression":
            output = (self._native or self._pyfunc).predict(given)
            return Predictions([*np.asarray(output, dtype=np.float64).reshape(-1).tolist()])
        if self._native is not None and hasattr(self._native, "predict_proba") and self._classes is not None:
            found = np.asarray(self._native.predict_proba(given), dtype=np.float64)
            spread = np.zeros((rows, len(self.signature.classes)))
            spread[:, [self.signature.classes.index(one) for one in self._classes]] = found
            return self._labelled(spread)
        output = np.asarray((self._native or self._pyfunc).predict(given))
        if output.ndim == 2 and output.shape[1] == len(self.signature.classes) > 1:
            return self._labelled(output.astype(np.float64))
        return Predictions(output.reshape(-1).tolist(), None, self.signature.classes)

    def _labelled(self, probabilities: NDArray[np.float64]) -> Predictions:
        labels = [self.signature.classes[best] for best in probabilities.argmax(axis=1).tolist()]
        return Predictions(labels, probabilities, self.signature.classes)

    def _typed(self, column: InputColumn, values: "pd.Series[Any]") -> "pd.Series[Any]":
        if column.type == "datetime":
            return pd.to_datetime(values, utc=True).dt.tz_localize(None)
        if column.type == "string":
            return values.astype(object)
        kind = np.dtype(self._types.get(column.name, np.float64))
        return values.astype(np.float64 if values.isna().any() else kind)
