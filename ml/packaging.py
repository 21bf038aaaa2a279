"""A trained model as a package: ONNX when that answers as the pipeline does, else the MLflow model.

Called by the training handler. What a package holds is told in `domain.registry.specs`.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
import polars as pl
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline

from domain.registry.specs import Agreement, Package, PackedFile, Signature
from ml.encoding import NUMBERS, STRINGS, Encoder, Feeds
from ml.inputs import encode_frame
from ml.models import MODEL_FOLDER, ONNX_FILE, PACKAGE_FILE, answers, open_session
from ml.pipelines import as_table, predict_table
from ml.trainers.train import TrainedModel

TOLERANCE: Final = 1e-4
LABELS_ALIKE: Final = 0.999
AGREEMENT_ROWS: Final = 2000
# Operator sets that ONNX Runtime 1.16 and later run; named, so that a newer converter writes the same file.
_OPSETS: Final = {"": 18, "ai.onnx.ml": 3}
# Bare machines lack the locale that ONNX Runtime otherwise asks for, and its `\w` knows ASCII only: these are the
# words of scikit-learn's default pattern, letters, digits and underscores of any script.
_WORDS: Final = {"locale": "C", "tokenexp": r"[\p{L}\p{N}_][\p{L}\p{N}_]+"}
SavePython = Callable[[TrainedModel, Path], None]


def package(trained: TrainedModel, directory: Path, *, run_id: str, save_python: SavePython) -> Package:
    """Write the package of `trained` into `directory` (made if need be, empty), `package.json` last.

    ONNX is kept if, on up to 2,000 rows of validation and test, no prediction differs by more than `TOLERANCE`
    (probability, or share of the target's standard deviation) and 99.9 % of the labels are the same. Else
    `save_python(trained, directory / "mlflow")` writes the model, and the package says why.
    As ONNX the same run packs to the same bytes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    content, agreement, reason = _export(trained)
    if content is not None:
        (directory / ONNX_FILE).write_bytes(content)
    else:
        save_python(trained, directory / MODEL_FOLDER)
    packed = Package(
        flavor="python" if content is None else "onnx",
        reason=reason,
        signature=trained.signature,
        agreement=agreement,
        run_id=run_id,
        origin="run",
        files=listing(directory),
    )
    (directory / PACKAGE_FILE).write_bytes(package_bytes(packed))
    return packed


def package_bytes(packed: Package) -> bytes:
    """The bytes of `package.json`: keys sorted, no spaces."""
    return json.dumps(packed.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()


def package_digest(packed: Package) -> str:
    """SHA-256 of `package.json`, the name of the package in the model store."""
    return hashlib.sha256(package_bytes(packed)).hexdigest()


def listing(directory: Path) -> list[PackedFile]:
    """Every file of a folder with its digest, by path."""
    files = []
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        files.append(PackedFile(path=path.relative_to(directory).as_posix(), sha256=digest, size=path.stat().st_size))
    return files


def _export(trained: TrainedModel) -> tuple[bytes | None, Agreement | None, str]:
    """The ONNX file if it may be served, the agreement if it could be measured, and the reason in words."""
    try:
        content = to_onnx(trained.pipeline, trained.signature)
        session = open_session(content)
    except Exception as error:  # noqa: BLE001 - converters raise anything; the reason goes into the package
        said = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        return None, None, f"{trained.spec.trainer} does not convert to ONNX: {said}"
    agreement = measure_agreement(trained, session)
    found = f"largest difference {agreement.max_difference:.2g}, same label {agreement.label_agreement:.2%}"
    if not agreement.holds:
        return None, agreement, f"ONNX disagrees with the pipeline on {agreement.rows} rows: {found}"
    return content, agreement, f"ONNX agrees with the pipeline on {agreement.rows} rows: {found}"


def to_onnx(pipeline: Pipeline, signature: Signature) -> bytes:
    """The ONNX file of a fitted pipeline, with the encoder's feeds as inputs. Raises what the converter raises."""
    encoder = Encoder(signature)
    inputs = []
    if encoder.number_names:
        inputs.append((NUMBERS, FloatTensorType([None, len(encoder.number_names)])))
    if encoder.string_names:
        inputs.append((STRINGS, StringTensorType([None, len(encoder.string_names)])))
    options: dict[Any, dict[str, Any]] = {}
    if signature.task != "regression":
        options[id(pipeline[-1])] = {"zipmap": False}
    if signature.task == "text_classification":
        options[TfidfVectorizer] = _WORDS
    model = convert_sklearn(pipeline, name="model", initial_types=inputs, options=options or None, target_opset=_OPSETS)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def measure_agreement(trained: TrainedModel, session: ort.InferenceSession) -> Agreement:
    """Pipeline and ONNX on up to 2,000 rows that the model was not trained on; the same rows every time."""
    rows = np.concatenate([trained.split.validation, trained.split.test])
    if len(rows) > AGREEMENT_ROWS:
        rows = np.random.default_rng(trained.spec.seed).choice(rows, AGREEMENT_ROWS, replace=False)
    frame = trained.frame[np.sort(rows)]
    encoder = Encoder(trained.signature)
    feeds: Feeds = encode_frame(encoder, frame, trained.signature.inputs)
    expected = predict_table(trained.pipeline, trained.signature, as_table(encoder, feeds))
    got = answers(trained.signature, session.run([session.get_outputs()[-1].name], feeds)[0])
    if expected.probabilities is not None and got.probabilities is not None:
        difference = float(np.abs(expected.probabilities - got.probabilities).max())
        same = float(np.mean([one == other for one, other in zip(expected.values, got.values, strict=True)]))
    else:
        apart = np.abs(np.array(expected.values, dtype=np.float64) - np.array(got.values, dtype=np.float64))
        difference = float(apart.max()) / _spread(trained.frame[trained.signature.target])
        same = 1.0
    return Agreement(
        rows=len(rows),
        max_difference=difference,
        label_agreement=same,
        tolerance=TOLERANCE,
        holds=bool(difference <= TOLERANCE and same >= LABELS_ALIKE),
    )


def _spread(target: pl.Series) -> float:
    """Standard deviation of the target, or 1 when it never changes."""
    return float(np.std(target.cast(pl.Float64).to_numpy())) or 1.0
