"""Pipelines as MLflow models on disk: written when a run is logged or packed, read when a package is Python flavour."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import mlflow.sklearn
import pandas as pd
import skops.io
from mlflow.models import Model as MlflowModel
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from adapters.model_code import refuse_code, refuse_other_code
from adapters.outside_models import OutsideModel
from domain.registry.specs import Signature
from ml.encoding import Encoder
from ml.inputs import encode_frame
from ml.models import MODEL_FOLDER, OUTSIDE_FOLDER, PACKAGE_FILE, BadPackage, Model, load_onnx, read_package
from ml.pipelines import SklearnModel, as_table
from ml.trainers.train import TrainedModel

EXAMPLE_ROWS = 5
_REQUIREMENTS = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops")


def save_python_model(trained: TrainedModel, directory: Path, *, mlflow_model: MlflowModel | None = None) -> None:
    """Write the pipeline as an MLflow model: skops format, pinned requirements, signature and input example.

    Its signature is that of the encoded table (see `ml.encoding`): a date is the numbers `column.part`, and a number
    used as a category is text. The bytes differ from one call to the next: skops writes object ids.
    """
    encoder = Encoder(trained.signature)
    rows = trained.frame[trained.split.test[:EXAMPLE_ROWS]]
    table = as_table(encoder, encode_frame(encoder, rows, trained.signature.inputs))
    trusted = skops.io.get_untrusted_types(data=skops.io.dumps(trained.pipeline))  # by us, who just trained it
    with _quietly():
        mlflow.sklearn.save_model(
            trained.pipeline,
            path=str(directory),
            mlflow_model=mlflow_model,
            serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS,
            skops_trusted_types=trusted,
            signature=mlflow_signature(trained.signature),
            input_example=table.astype(dict.fromkeys(encoder.number_names, "float64")),
            pip_requirements=[f"{name}=={version(name)}" for name in _REQUIREMENTS],
        )


@contextmanager
def _quietly() -> Iterator[None]:
    """Without MLflow's warnings about its own code: its type hints, and what pandas 4 will read differently."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        yield


def mlflow_signature(signature: Signature) -> ModelSignature:
    """The encoded table and what `predict` answers, in MLflow's types."""
    encoder = Encoder(signature)
    inputs: list[ColSpec | TensorSpec] = [ColSpec(DataType.double, name) for name in encoder.number_names]
    inputs += [ColSpec(DataType.string, name) for name in encoder.string_names]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema([ColSpec(_output_type(signature))]))


def _output_type(signature: Signature) -> DataType:
    if signature.task == "regression":
        return DataType.double
    kinds = {bool: DataType.boolean, int: DataType.long, float: DataType.double, str: DataType.string}
    return kinds[type(signature.classes[0])]


def load_python_model(
    directory: Path, *, digest: str | None = None, trusted: bool = False
) -> SklearnModel | OutsideModel:
    """The Python flavour of a package, its files checked first (see `ml.models.read_package`).

    Reading runs what the files say, within the types that skops was told to trust: do it in a process that may be
    lost. Raises `PickleRefused` for code that nobody answers for (see `adapters.model_code`) unless an admin has
    `trusted` this very package; `BadPackage` for an ONNX package, damaged files, or a model that cannot be read.
    """
    package = read_package(directory, digest=digest)
    if package.flavor != "python":
        raise BadPackage("This package holds an ONNX file, not a Python model.", where=PACKAGE_FILE)
    outside = (directory / OUTSIDE_FOLDER).is_dir()
    model = directory / (OUTSIDE_FOLDER if outside else MODEL_FOLDER)
    refuse_code(package, model, trusted=trusted)
    try:
        with _quietly():
            if outside:
                return OutsideModel(package, model)
            return SklearnModel(package, mlflow.sklearn.load_model(str(model)))
    except Exception as error:  # whatever the stored classes raise while they are rebuilt
        raise BadPackage(f"The Python model cannot be loaded: {error}", where=MODEL_FOLDER) from error


def load_package(directory: Path, *, trusted: bool = False) -> Model:
    """The model of a package, whichever flavour it has. Raises as `load_onnx` and `load_python_model` do."""
    flavor = read_package(directory).flavor
    return load_onnx(directory) if flavor == "onnx" else load_python_model(directory, trusted=trusted)


def load_trained(directory: Path, model: Path, *, trusted: bool = False) -> SklearnModel | OutsideModel:
    """The pipeline that the package in `directory` was made from, of the MLflow model in `model`.

    It answers what the package is asked. Reading it runs what it says, as in `load_python_model`.
    """
    package = read_package(directory)
    refuse_other_code(package, model, OUTSIDE_FOLDER, trusted=trusted)
    with _quietly():
        if (directory / OUTSIDE_FOLDER).is_dir():
            return OutsideModel(package, model)
        return SklearnModel(package, mlflow.sklearn.load_model(str(model)))
