"""An MLflow model from elsewhere as a package of ours, with the rows that it is judged on."""

import shutil
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import polars as pl

from adapters.outside_models import Described, describe
from adapters.tracking import ForeignRun
from domain.datasets.models import DatasetVersion
from domain.errors import Forbidden, Invalid, NotFound
from domain.experiments.specs import RunOutcome
from domain.registry.models import RegisteredModel
from domain.registry.specs import InputColumn, Label, Package, Signature
from domain.training.jobs import ImportModel
from ml.environment import environment, environment_digest
from ml.inputs import frame_columns, input_column, truth
from ml.metrics import compute_all
from ml.model_checks.guard import FailedEvidence, Guarded
from ml.models import ONNX_FILE, OUTSIDE_FOLDER, PACKAGE_FILE, Predictions
from ml.outside_onnx import behind_encoder, classes_of
from ml.packaging import listing, package_bytes, package_digest
from ml.splits import row_hashes
from ml.values import did_you_mean
from workers.packages import open_safely, store_package
from workers.scoring import PREDICTION
from workers.tables import read_version
from workers.toolbox import Toolbox

REFERENCE_ROWS: Final = 10_000
# What a column of the signature may be in the dataset.
_FITTING: Final = {"number": {"number", "integer"}}


class UntrustedCode(Forbidden):
    """The model carries code, and nobody who may has said that it is to be trusted."""

    code = "untrusted_code"


class UnfitColumns(Invalid):
    code = "unfit_columns"


@dataclass(frozen=True)
class Imported:
    """All that a run keeps: what it came to, what it takes, and what MLflow was told of it."""

    outcome: RunOutcome
    features: list[str]
    params: dict[str, Any]


def take_in(
    tools: Toolbox, order: ImportModel, model: RegisteredModel, data: DatasetVersion, trained_on: DatasetVersion | None
) -> Imported:
    """Fetch the model, look at what it is, pack it and let it answer its rows.

    Nothing of it is loaded unless it carries no code or the order trusts it, and then in a process of its own. Raises
    `UntrustedCode`, or a kind of `Invalid` for what does not fit.
    """
    rows = read_version(tools, data).collect().filter(pl.col(model.target).is_not_null())
    with TemporaryDirectory(dir=tools.scratch) as folder:
        said = describe(tools.tracking.download_model(order.mlflow, Path(folder) / "download"))
        if said.code is not None and not order.trust:
            raise UntrustedCode(
                f"The model is not loaded: {said.code}.",
                where="mlflow",
                fix="Log it as ONNX or in the skops format, or let an admin import it with `trust`.",
            )
        signature = _signature(said, rows, model)
        packed, digest = _pack(tools, order, said, signature, Path(folder) / "package")
    names = [*(column.name for column in signature.inputs), model.target]
    seen = _columns_only(read_version(tools, trained_on).collect(), names) if trained_on else None
    answers, notes = _answers(tools, digest, rows, signature)
    foreign = _foreign(tools, said)
    metrics = dict(foreign.metrics)
    if answers is not None:
        found = compute_all(signature.task, truth(rows, signature), answers)
        metrics |= {f"test_{name}": value for name, value in found.items()}
    if not order.unseen and trained_on is None:
        notes.append("It is not known which rows this model was trained on.")
    contents = tools.runtime.contents
    inputs = [column.name for column in signature.inputs]
    unknown = np.empty(0, dtype=np.uint64)
    hashes = row_hashes(seen, names) if seen is not None else unknown
    input_hashes = row_hashes(seen, inputs) if seen is not None else unknown
    reference = _reference(tools, digest, rows if seen is None else seen, signature)
    with_libraries = environment()
    outcome = RunOutcome(
        metrics={name: value for name, value in metrics.items() if np.isfinite(value)},
        notes=notes,
        environment=with_libraries,
        environment_digest=environment_digest(with_libraries),
        mlflow_run_id=said.run_id,
        mlflow_model_uri=f"models:/{said.model_id}" if said.model_id else order.mlflow,
        package=packed.as_json(),
        package_digest=digest,
        train_rows_md5=contents.add(hashes.astype("<u8").tobytes()).md5,
        train_inputs_md5=contents.add(input_hashes.astype("<u8").tobytes()).md5,
        test_rows_md5=contents.add(_parquet(rows)).md5,
        reference_md5=contents.add(_parquet(reference)).md5,
    )
    return Imported(outcome, [column.name for column in signature.inputs], dict(foreign.params))


def _signature(said: Described, rows: pl.DataFrame, model: RegisteredModel) -> Signature:
    """What goes in and comes out: the columns of MLflow's signature as the dataset has them, the labels it has."""
    if said.columns is not None:
        inputs = [_input(one.name, one.type, rows, required=one.required) for one in said.columns]
    else:
        others = [name for name in rows.columns if name != model.target]
        if len(others) != said.width:
            what = f"The model takes {said.width} numbers without names, and the dataset has {len(others)} columns."
            raise UnfitColumns(what, where="dataset", fix="Log the model with named columns.")
        inputs = [_input(name, "number", rows, required=True) for name in others]
    if any(column.name == model.target for column in inputs):
        raise UnfitColumns(f"The model takes its target {model.target!r} as an input.", where="mlflow")
    if model.task == "regression" and not rows[model.target].dtype.is_numeric():
        raise UnfitColumns(f"The target {model.target!r} of a regression is not a number.", where="dataset")
    if model.task == "text_classification" and [column.type for column in inputs] != ["string"]:
        raise UnfitColumns("A text classification takes one column of text.", where="mlflow")
    known: list[Label] = [] if model.task == "regression" else _labels(said, rows[model.target])
    return Signature(task=model.task, target=model.target, inputs=inputs, classes=known)


def _input(name: str, kind: str, rows: pl.DataFrame, *, required: bool) -> InputColumn:
    if name not in rows.columns:
        fix = did_you_mean(name, rows.columns) or "Choose a dataset with the columns that the model takes."
        raise UnfitColumns(f"The dataset lacks {name!r}, which the model takes.", where=f"dataset.{name}", fix=fix)
    found = input_column(rows[name], category=False)
    if found.type not in _FITTING.get(kind, {kind}):
        what = f"The model takes {name!r} as {kind}, and the dataset has it as {found.type}."
        raise UnfitColumns(what, where=f"dataset.{name}")
    wanted = {**found.as_json(), "type": kind, "nullable": found.nullable or not required}
    return InputColumn.model_validate(wanted)


def _labels(said: Described, target: pl.Series) -> list[Label]:
    there: list[Label] = target.unique().sort().to_list()
    named = classes_of(said.onnx.read_bytes()) if said.onnx else []
    if named and not set(named) & set(there):
        raise UnfitColumns(f"The model answers {named[:3]}, and the dataset has {there[:3]}.", where="dataset")
    return named or there


def _pack(
    tools: Toolbox, order: ImportModel, said: Described, signature: Signature, folder: Path
) -> tuple[Package, str]:
    folder.mkdir()
    if said.onnx is not None:
        (folder / ONNX_FILE).write_bytes(behind_encoder(said.onnx.read_bytes(), signature))
    else:
        shutil.copytree(said.directory, folder / OUTSIDE_FOLDER)
    packed = Package(
        flavor="onnx" if said.onnx else "python",
        reason=f"{order.mlflow} is ONNX" if said.onnx else f"{order.mlflow} is answered as MLflow loads it",
        signature=signature,
        agreement=None,
        run_id=order.run_id,
        origin="trusted_import" if order.trust and said.code else None,
        files=listing(folder),
    )
    (folder / PACKAGE_FILE).write_bytes(package_bytes(packed))
    digest = package_digest(packed)
    store_package(tools, packed, folder, digest)
    return packed, digest


def _answers(
    tools: Toolbox, digest: str, rows: pl.DataFrame, signature: Signature
) -> tuple[Predictions | None, list[str]]:
    """What the package answers; a row on which it breaks is a note here, and a failed check later."""
    with open_safely(tools, digest) as opened:
        try:
            return Guarded(opened).predict_columns(frame_columns(rows, signature.inputs)), []
        except FailedEvidence as error:
            return None, [error.message]


def _reference(tools: Toolbox, digest: str, rows: pl.DataFrame, signature: Signature) -> pl.DataFrame:
    """Up to 10,000 rows with the answers to them: drift is measured from it. No answers where it breaks."""
    sample = rows.sample(min(rows.height, REFERENCE_ROWS), seed=0)
    answers, _ = _answers(tools, digest, sample, signature)
    values = answers.values if answers else [None] * sample.height
    return sample.select(column.name for column in signature.inputs).with_columns(pl.Series(PREDICTION, values))


def _columns_only(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    lacking = [name for name in names if name not in rows.columns]
    if lacking:
        raise UnfitColumns(f"The data it was trained on lacks {lacking[0]!r}.", where=f"trained_on.{lacking[0]}")
    return rows.select(names)


def _foreign(tools: Toolbox, said: Described) -> ForeignRun:
    """What MLflow knows of the run that logged the model, if one did."""
    if not said.run_id:
        return ForeignRun({}, {}, {})
    try:
        return tools.tracking.look_up_run(said.run_id)
    except (NotFound, Invalid):
        return ForeignRun({}, {}, {})


def _parquet(frame: pl.DataFrame) -> bytes:
    out = BytesIO()
    frame.write_parquet(out)
    return out.getvalue()
