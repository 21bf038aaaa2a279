"""A model that answers: from a package's ONNX file, quickly. Called by serving and by the workers that score rows.

Light: numpy and ONNX Runtime. The Python flavour of a package is loaded by `adapters.model_files`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from pydantic import ValidationError

from domain.errors import Invalid, said_of
from domain.registry.specs import Label, Package, Signature
from ml.encoding import Encoder, Extra, Feeds
from ml.json_rows import JsonRows

PACKAGE_FILE = "package.json"
ONNX_FILE = "model.onnx"
# Where a package of Python flavour keeps its model: one that was trained here, or an MLflow model of others.
MODEL_FOLDER = "mlflow"
OUTSIDE_FOLDER = "outside"


class BadPackage(Invalid):
    """The files of a package are not those its `package.json` lists, or cannot be read."""

    code = "bad_package"


class PickleRefused(Invalid):
    """Loading the package would run code, and it is not known to be ours or trusted."""

    code = "pickle_refused"


class Predictions(NamedTuple):
    """One answer per row: a number, or a label with `probabilities` [rows, classes] in the order of `classes`."""

    values: list[Label]
    probabilities: NDArray[np.float64] | None = None
    classes: Sequence[Label] = ()

    def take(self, rows: NDArray[np.int64]) -> "Predictions":
        """The predictions of some rows, in that order."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Predictions([self.values[row] for row in rows], probabilities, self.classes)


class Model(Protocol):
    """What serving and the model checks ask of a model, whichever way it is stored."""

    @property
    def package(self) -> Package: ...
    @property
    def signature(self) -> Signature: ...
    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions: ...
    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions: ...


def answers(signature: Signature, output: NDArray[Any]) -> Predictions:
    """Predictions from a model's output: [rows] or [rows, 1] numbers, or [rows, classes] probabilities."""
    if signature.task == "regression":
        return Predictions(values=output.reshape(-1).tolist())
    classes = signature.classes
    labels = [classes[best] for best in output.argmax(axis=1).tolist()]
    return Predictions(values=labels, probabilities=output.astype(np.float64), classes=classes)


class OnnxModel:
    """An ONNX session behind the row encoder. Safe to call from several threads."""

    def __init__(self, package: Package, session: ort.InferenceSession) -> None:
        self.package = package
        self.signature = package.signature
        self._encoder = Encoder(package.signature)
        self._json = JsonRows(package.signature, self._encoder) if JsonRows.can_read(package.signature) else None
        self._session = session
        # Labels come from the probabilities, so only that output is asked for.
        self._outputs = [session.get_outputs()[-1].name]

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        """Answers for rows as JSON gives them. Raises `Invalid` naming row and column, see `ml.encoding`."""
        return self.run(self._encoder.encode_rows(instances, extra=extra))

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        """Answers for whole columns, see `Encoder.encode_columns`."""
        return self.run(self._encoder.encode_columns(columns))

    def encode_json(self, rows: bytes | msgspec.Raw) -> Feeds | None:
        """Feeds for a JSON array of rows, quickly; None when `predict` has to look at them, see `ml.json_rows`."""
        return None if self._json is None else self._json.encode(rows)

    def run(self, feeds: Feeds) -> Predictions:
        """Answers for what `encode_json` gave."""
        return answers(self.signature, self._session.run(self._outputs, feeds)[0])


def load_onnx(directory: Path, *, digest: str | None = None, threads: int = 1) -> OnnxModel:
    """The model of a package directory, once every listed file has the SHA-256 it should have.

    With `digest` the list itself is checked as well. One thread per call serves many small requests best; batch jobs
    may ask for more. Raises `BadPackage` when a file is missing, damaged, named outside the directory or no ONNX.
    """
    package = read_package(directory, digest=digest)
    if package.flavor != "onnx":
        raise BadPackage("This package holds a Python model, not an ONNX file.", where=PACKAGE_FILE)
    if ONNX_FILE not in {entry.path for entry in package.files}:
        raise BadPackage(f"{ONNX_FILE} is not listed.", where=PACKAGE_FILE)
    return OnnxModel(package, open_session((directory / ONNX_FILE).read_bytes(), threads=threads))


def open_session(content: bytes, *, threads: int = 1) -> ort.InferenceSession:
    """An ONNX Runtime session on the CPU whose idle threads sleep instead of spinning."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises classes of its own extension module, without a common base
        raise BadPackage(f"ONNX Runtime cannot load the model: {error}", where=ONNX_FILE) from error


def read_package(directory: Path, *, digest: str | None = None) -> Package:
    """The checked `package.json` of a directory: every listed file is there, unharmed, and inside it."""
    path = directory / PACKAGE_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadPackage(f"{PACKAGE_FILE} cannot be read: {error.strerror}.", where=PACKAGE_FILE) from error
    if digest is not None and hashlib.sha256(content).hexdigest() != digest:
        raise BadPackage(f"{PACKAGE_FILE} is not the one with digest {digest}.", where=PACKAGE_FILE)
    try:
        package = Package.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(map(str, first["loc"]))
        raise BadPackage(f"{PACKAGE_FILE} is not valid: {said_of(first)}.", where=f"{PACKAGE_FILE}#/{place}") from error
    for entry in package.files:
        found = _file_digest(directory, entry.path)
        if found != entry.sha256:
            raise BadPackage(
                f"{entry.path} is damaged: its SHA-256 is {found}.", where=entry.path, fix="Fetch it again."
            )
    return package


def _file_digest(directory: Path, name: str) -> str:
    """SHA-256 of a listed file, refusing names and links that lead out of the package."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name:
        raise BadPackage(f"{name!r} is not a path inside the package.", where=PACKAGE_FILE)
    path = directory / pure
    if not path.resolve().is_relative_to(directory.resolve()):
        raise BadPackage(f"{name!r} leads out of the package.", where=PACKAGE_FILE)
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BadPackage(f"{name} cannot be read: {error.strerror}.", where=name) from error
