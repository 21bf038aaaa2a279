"""A package answers as the pipeline it came from, is the same bytes each time, and shows any damage."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from adapters.model_files import load_python_model, save_python_model
from domain.registry.specs import Package, PackedFile
from ml.inputs import frame_columns
from ml.models import ONNX_FILE, PACKAGE_FILE, BadPackage, OnnxModel, load_onnx, read_package
from ml.packaging import package, package_bytes, package_digest
from ml.pipelines import SklearnModel
from ml.trainers.table import TRAINERS
from ml.trainers.train import TrainedModel
from tests.ml.training.runs import train_quietly


def pack(trained: TrainedModel, directory: Path) -> Package:
    return package(trained, directory, run_id="run-1", save_python=save_python_model)


@pytest.fixture(scope="session")
def packed(boosted: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("package")
    pack(boosted, directory)
    return directory


@pytest.fixture
def copy(packed: Path, tmp_path: Path) -> Path:
    for name in (ONNX_FILE, PACKAGE_FILE):
        (tmp_path / name).write_bytes((packed / name).read_bytes())
    return tmp_path


def instances(trained: TrainedModel) -> list[dict[str, Any]]:
    return trained.part("test").select(column.name for column in trained.signature.inputs).to_dicts()


@pytest.mark.parametrize("trainer", [name for name, trainer in TRAINERS.items() if trainer.converts])
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_onnx_answers_as_the_pipeline_and_rows_as_columns(
    patients: pl.DataFrame, tmp_path: Path, trainer: str, task: str
) -> None:
    if task not in TRAINERS[trainer].tasks:
        pytest.skip("The trainer does not do this task.")
    target = "progress" if task == "regression" else "sex"
    trained = train_quietly(patients, trainer=trainer, task=task, target=target, categorical=["clinic"])
    found = pack(trained, tmp_path)
    assert found.flavor == "onnx", found.reason
    assert found.agreement is not None
    assert found.agreement.holds
    model = load_onnx(tmp_path)
    rows = model.predict(instances(trained))
    columns = model.predict_columns(frame_columns(trained.part("test"), model.signature.inputs))
    expected = SklearnModel(found, trained.pipeline).predict(instances(trained))
    assert rows.values == columns.values
    if task == "regression":
        np.testing.assert_allclose(np.array(rows.values), np.array(expected.values), rtol=1e-4)
    else:
        assert rows.values == expected.values
        assert rows.classes == ["f", "m"]
        np.testing.assert_allclose(np.array(rows.probabilities), np.array(expected.probabilities), atol=1e-5)


def test_texts_of_any_script_are_read_alike(tmp_path: Path) -> None:
    words = ["ÉCLAIR délicieux", "Ünder naïve", "ΣΑΣ καλό", "中文 字典", "don't snake_case", "x٣٤ ½a"]
    texts = [f"{words[n % 6]} {'good' if n % 2 else 'bad'} {n}" for n in range(120)]
    frame = pl.DataFrame({"text": texts, "y": [n % 2 for n in range(120)]})
    trained = train_quietly(frame, trainer="tfidf_logistic", task="text_classification", target="y")
    found = pack(trained, tmp_path)
    assert found.flavor == "onnx", found.reason
    assert load_onnx(tmp_path).predict([{"text": "GOOD éclair 1"}, {"text": ""}]).values[0] == 1


def test_what_does_not_convert_is_served_from_mlflow(tumours: pl.DataFrame, tmp_path: Path) -> None:
    trained = train_quietly(
        tumours, trainer="hist_gradient_boosting", task="classification", target="label", params={"max_iter": 10}
    )
    found = pack(trained, tmp_path)
    assert found.flavor == "python"
    assert found.reason.startswith("hist_gradient_boosting does not convert to ONNX")
    model = load_python_model(tmp_path, digest=package_digest(found))
    expected = SklearnModel(found, trained.pipeline).predict(instances(trained))
    assert model.predict(instances(trained)).values == expected.values
    with pytest.raises(BadPackage, match="Python model"):
        load_onnx(tmp_path)


def test_an_export_that_disagrees_is_not_served(patients: pl.DataFrame, tmp_path: Path) -> None:
    """Small differences on top of a large number: float32 leaves, all that ONNX has, cannot hold them."""
    big = patients.with_columns(target=pl.col("progress") / 1e6 + 1e6)
    request = {"trainer": "random_forest", "params": {"n_estimators": 5}, "features": ["bmi", "bp"]}
    trained = train_quietly(big, task="regression", target="target", **request)
    found = pack(trained, tmp_path)
    assert found.flavor == "python"
    assert found.agreement is not None
    assert not found.agreement.holds
    assert found.reason.startswith("ONNX disagrees")


def test_the_same_model_packs_to_the_same_bytes(tumours: pl.DataFrame, boosted: TrainedModel, tmp_path: Path) -> None:
    again = train_quietly(
        tumours, trainer="gradient_boosting", task="classification", target="label", params={"n_estimators": 30}
    )
    first, second = pack(boosted, tmp_path / "first"), pack(again, tmp_path / "second")
    assert package_digest(first) == package_digest(second)
    assert (tmp_path / "first" / ONNX_FILE).read_bytes() == (tmp_path / "second" / ONNX_FILE).read_bytes()


def test_the_digest_is_that_of_the_file(packed: Path) -> None:
    content = (packed / PACKAGE_FILE).read_bytes()
    assert package_digest(read_package(packed)) == hashlib.sha256(content).hexdigest()


def change(**fields: Any) -> Callable[[Path], None]:
    def apply(directory: Path) -> None:
        path = directory / PACKAGE_FILE
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return apply


def list_file(path: str, sha256: str = "0" * 64) -> Callable[[Path], None]:
    return change(files=[PackedFile(path=path, sha256=sha256, size=1).model_dump()])


def link_out(directory: Path) -> None:
    (directory / "link").symlink_to("/etc/hostname")
    list_file("link")(directory)


def not_onnx(directory: Path) -> None:
    (directory / ONNX_FILE).write_bytes(b"no model")
    list_file(ONNX_FILE, hashlib.sha256(b"no model").hexdigest())(directory)


@pytest.mark.parametrize(
    ("damage", "where", "says"),
    [
        (lambda directory: (directory / ONNX_FILE).write_bytes(b"x"), ONNX_FILE, "damaged"),
        (lambda directory: (directory / ONNX_FILE).unlink(), ONNX_FILE, "cannot be read"),
        (lambda directory: (directory / PACKAGE_FILE).unlink(), PACKAGE_FILE, "cannot be read"),
        (lambda directory: (directory / PACKAGE_FILE).write_text("{"), f"{PACKAGE_FILE}#/", "not valid"),
        (change(format=2), f"{PACKAGE_FILE}#/format", "not valid"),
        (change(flavor="python"), PACKAGE_FILE, "Python model"),
        (change(files=[]), PACKAGE_FILE, "not listed"),
        (list_file("../../etc/passwd"), PACKAGE_FILE, "not a path inside"),
        (list_file("/etc/passwd"), PACKAGE_FILE, "not a path inside"),
        (list_file("..\\secret"), PACKAGE_FILE, "not a path inside"),
        (list_file("a\0b"), PACKAGE_FILE, "not a path inside"),
        (link_out, PACKAGE_FILE, "leads out"),
        (not_onnx, ONNX_FILE, "cannot load"),
    ],
)
def test_damage_and_tricks_are_refused(copy: Path, damage: Callable[[Path], object], where: str, says: str) -> None:
    damage(copy)
    with pytest.raises(BadPackage) as refused:
        load_onnx(copy)
    assert refused.value.where == where
    assert says in refused.value.message


def test_another_digest_is_refused(packed: Path) -> None:
    with pytest.raises(BadPackage, match="is not the one with digest"):
        load_onnx(packed, digest="0" * 64)


def test_an_onnx_package_is_no_python_model(packed: Path) -> None:
    with pytest.raises(BadPackage, match="ONNX file"):
        load_python_model(packed)


def test_a_python_model_that_cannot_be_read_is_refused(copy: Path) -> None:
    change(flavor="python")(copy)
    with pytest.raises(BadPackage, match="cannot be loaded"):
        load_python_model(copy)


def test_a_loaded_model_knows_its_package(packed: Path) -> None:
    model = load_onnx(packed)
    assert isinstance(model, OnnxModel)
    assert package_bytes(model.package) == (packed / PACKAGE_FILE).read_bytes()
