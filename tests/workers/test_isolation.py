"""A model that crashes, hangs or raises on one row: the row is named, and whoever asked goes on."""

import os
import signal
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import mlflow.sklearn
import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.pipeline import Pipeline

from domain.errors import Invalid
from domain.registry.specs import InputColumn, Package, PackedFile, Signature
from ml.model_checks.guard import FailedEvidence
from ml.models import MODEL_FOLDER
from ml.packaging import package_bytes
from workers.batch_scoring import answered
from workers.isolation import IsolatedModel, isolated, resident_mb

# MLflow's own code, when it is imported for the first time.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*type hint:UserWarning")]
ROWS = 300


class Moody(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Doubles its input; what it does at 7 is its mood."""

    def __init__(self, mood: str = "") -> None:
        self.mood = mood

    def fit(self, x: Any, y: Any) -> "Moody":
        self.fitted_ = True
        return self

    def predict(self, x: Any) -> Any:
        values = np.asarray(x, dtype=np.float64)[:, 0]
        if (values == 7.0).any():
            match self.mood:
                case "crash":
                    os.kill(os.getpid(), signal.SIGSEGV)
                case "exit":
                    os._exit(3)
                case "hang":
                    time.sleep(60)
                case "raise":
                    raise ZeroDivisionError("seven")
        return values * 2


def pack(folder: Path, mood: str, origin: Literal["run", "trusted_import"] | None = "trusted_import") -> Package:
    """A Python package of a `Moody` model. It is a pickle, so only the test may make it."""
    signature = Signature(task="regression", target="y", inputs=[InputColumn(name="x", type="number")])
    pipeline = Pipeline([("model", Moody(mood).fit(None, None))])
    mlflow.sklearn.save_model(
        pipeline, str(folder / MODEL_FOLDER), serialization_format="cloudpickle", pip_requirements=[]
    )
    files = [
        PackedFile(
            path=path.relative_to(folder).as_posix(),
            sha256=sha256(path.read_bytes()).hexdigest(),
            size=path.stat().st_size,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    package = Package(
        flavor="python",
        reason="a test",
        signature=signature,
        agreement=None,
        run_id="r",
        origin=origin,
        files=files,
    )
    (folder / "package.json").write_bytes(package_bytes(package))
    return package


@pytest.fixture
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IsolatedModel]:
    folder = tmp_path / "package"
    folder.mkdir()
    package = pack(folder, request.param)
    with isolated(package, folder, scratch=tmp_path, batch_seconds=2.0) as opened:
        yield opened


def column(*, seven_at: int | None = 123) -> dict[str, Any]:
    values = np.arange(ROWS, dtype=np.float64) + 1000
    if seven_at is not None:
        values[seven_at] = 7.0
    return {"x": values}


class TestIsolatedModel:
    @pytest.mark.parametrize("model", [""], indirect=True)
    def test_answers_columns_and_rows_as_the_model_does(self, model: IsolatedModel) -> None:
        assert model.predict_columns(column()).values == (column()["x"] * 2).tolist()
        assert model.predict([{"x": 7}]).values == [14.0]
        with pytest.raises(Invalid, match="missing") as caught:
            model.predict([{"z": 7}])
        assert caught.value.where == "instances[0].x"

    @pytest.mark.parametrize(
        ("model", "how", "said"),
        [
            ("crash", "crashed", "SIGSEGV"),
            ("exit", "crashed", "exit status 3"),
            ("raise", "raised", "ZeroDivisionError: seven"),
        ],
        indirect=["model"],
    )
    def test_that_breaks_on_a_row_is_evidence_that_names_it(self, model: IsolatedModel, how: str, said: str) -> None:
        started = time.monotonic()
        with pytest.raises(FailedEvidence, match="on row 123") as caught:
            model.predict_columns(column())
        assert time.monotonic() - started < 10
        assert (caught.value.how, caught.value.row, caught.value.instance) == (how, 123, {"x": 7.0})
        assert said in caught.value.message
        assert model.predict_columns(column(seven_at=None)).values[0] == 2000.0  # it goes on answering

    @pytest.mark.parametrize("model", ["crash"], indirect=True)
    def test_that_crashes_on_rows_of_a_batch_answers_the_others(self, model: IsolatedModel) -> None:
        values = [7.0 if row in (3, 150) else None if row == 9 else float(row) + 1000 for row in range(ROWS)]
        answers = answered(model, pl.DataFrame({"x": values}))
        told = answers.with_row_index().filter(pl.col("prediction").is_null()).select("index", "prediction_error")
        assert told.rows() == [
            (3, "The model crashed (SIGSEGV)."),
            (9, "Column 'x' is null."),
            (150, "The model crashed (SIGSEGV)."),
        ]
        assert answers["prediction"][0] == 2000.0

    @pytest.mark.parametrize("model", ["hang"], indirect=True)
    def test_that_hangs_on_a_row_is_stopped_in_bounded_time(self, model: IsolatedModel) -> None:
        started = time.monotonic()
        with pytest.raises(FailedEvidence, match=r"gave no answer within .* on row 299") as caught:
            model.predict_columns(column(seven_at=ROWS - 1))
        assert time.monotonic() - started < 15
        assert (caught.value.how, caught.value.row) == ("hung", 299)


def test_a_package_that_cannot_be_loaded_is_evidence_too(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    package = pack(folder, "")
    next((folder / MODEL_FOLDER).glob("model.pkl")).write_bytes(b"no pickle")
    with (
        pytest.raises(FailedEvidence, match="cannot be loaded"),
        isolated(package, folder, scratch=tmp_path),
    ):
        pytest.fail("it was loaded")


def test_memory_is_what_the_package_adds_to_a_fresh_process(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    pack(folder, "")
    assert 0 <= resident_mb(folder, [{"x": 1.0}], scratch=tmp_path) < 500
