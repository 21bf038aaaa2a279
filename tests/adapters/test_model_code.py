"""Code of a stored model runs only when somebody answers for it, whichever loader is asked: shown by what it leaves."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import mlflow.sklearn
import numpy as np
import pytest
import skops.io
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from adapters.model_files import load_package, load_python_model, load_trained
from adapters.object_store.local import LocalStore
from adapters.settings import Settings
from domain.registry.specs import InputColumn, Package, Signature
from ml.model_checks.guard import FailedEvidence
from ml.models import PickleRefused
from ml.packaging import listing, package_bytes, package_digest
from serving.app import build_serving
from serving.limits import Limits
from serving.main import limits_of
from tests.serving.plants import eventually, route
from workers.isolation import isolated

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, while it is imported and saves

Origin = Literal["run", "trusted_import"] | None
SIGNATURE = Signature(task="regression", target="y", inputs=[InputColumn(name="x", type="number")])
LOGGED = ModelSignature(inputs=Schema([ColSpec(DataType.double, "x")]), outputs=Schema([ColSpec(DataType.double)]))


class Leaving(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def fit(self, table: Any, _: Any) -> "Leaving":
        self.fitted_ = True
        return self

    def predict(self, table: Any) -> NDArray[np.float64]:
        return np.ones(len(table))

    def __setstate__(self, state: dict[str, Any]) -> None:
        Path(state["path"]).write_text("was here")
        self.__dict__.update(state)


@pytest.fixture
def left(tmp_path: Path) -> Path:
    return tmp_path / "left"


def save(folder: Path, left: Path, kind: str) -> None:
    """An MLflow model: a `pickle`, a `skops` file of scikit-learn's types or of `odd` ones, or what brings `code`."""
    linear: Any = LinearRegression().fit(np.array([[0.0], [1.0]]), np.array([0.0, 2.0]))
    if kind in ("pickle", "odd"):
        linear = Leaving(str(left)).fit(None, None)
    options: dict[str, Any] = {"serialization_format": "cloudpickle" if kind == "pickle" else "skops"}
    if kind == "odd":
        options["skops_trusted_types"] = skops.io.get_untrusted_types(data=skops.io.dumps(linear))
    if kind == "code":
        code = folder.parent / "theirs.py"
        code.write_text("")
        options["code_paths"] = [str(code)]
    mlflow.sklearn.save_model(
        Pipeline([("model", linear)]), str(folder), signature=LOGGED, pip_requirements=[], **options
    )
    left.unlink(missing_ok=True)


def pack(tmp_path: Path, left: Path, kind: str, origin: Origin) -> tuple[Path, Package]:
    folder = tmp_path / "package"
    folder.mkdir()
    save(folder / "mlflow", left, kind)
    package = Package(
        flavor="python", reason="a test", signature=SIGNATURE, agreement=None, run_id="r", origin=origin,
        files=listing(folder),
    )  # fmt: skip
    (folder / "package.json").write_bytes(package_bytes(package))
    return folder, package


@pytest.mark.parametrize("kind", ["pickle", "odd", "code"])
def test_every_loader_refuses_code_that_nobody_answers_for(tmp_path: Path, left: Path, kind: str) -> None:
    folder, _ = pack(tmp_path, left, kind, None)
    loaders: list[Callable[[], object]] = [
        lambda: load_python_model(folder),
        lambda: load_package(folder),
        lambda: load_trained(folder, folder / "mlflow"),
    ]
    for refused in loaders:
        with pytest.raises(PickleRefused, match="is not loaded") as caught:
            refused()
        assert caught.value.where == "package"
        assert "MILLRACE_TRUSTED_PACKAGES" in (caught.value.fix or "")
    assert not left.exists()


@pytest.mark.parametrize("kind", ["pickle", "odd"])
def test_loads_what_a_run_made_or_an_admin_trusts(tmp_path: Path, left: Path, kind: str) -> None:
    origins: tuple[Origin, ...] = ("run", "trusted_import")
    for origin in origins:
        folder, _ = pack(tmp_path, left, kind, origin)
        assert load_python_model(folder).predict([{"x": 1.0}]).values == [1.0]
        shutil.rmtree(folder)
    folder, _ = pack(tmp_path, left, kind, None)
    assert load_package(folder, trusted=True).predict([{"x": 1.0}]).values == [1.0]
    assert left.exists()


def test_types_of_scikit_learn_load_whoever_made_them(tmp_path: Path, left: Path) -> None:
    folder, _ = pack(tmp_path, left, "skops", None)
    assert load_package(folder).predict([{"x": 2.0}]).values == [pytest.approx(4.0)]
    assert load_trained(folder, folder / "mlflow").predict([{"x": 2.0}]).values == [pytest.approx(4.0)]


def test_an_origin_that_was_added_later_is_another_package(tmp_path: Path, left: Path) -> None:
    folder, package = pack(tmp_path, left, "pickle", None)
    forged = {**json.loads((folder / "package.json").read_bytes()), "origin": "run"}
    (folder / "package.json").write_text(json.dumps(forged))
    with pytest.raises(Exception, match="is not the one with digest"):
        load_python_model(folder, digest=package_digest(package))
    assert not left.exists()


class TestAsMlflowHasIt:
    @pytest.fixture
    def packed(self, tmp_path: Path, left: Path) -> Path:
        """A trusted import: the pickle lies in `outside`, as it was downloaded."""
        folder = tmp_path / "package"
        folder.mkdir()
        save(folder / "outside", left, "pickle")
        package = Package(
            flavor="python", reason="a test", signature=SIGNATURE, agreement=None, run_id="r",
            origin="trusted_import", files=listing(folder),
        )  # fmt: skip
        (folder / "package.json").write_bytes(package_bytes(package))
        return folder

    def test_may_run_while_it_is_what_was_packed(self, tmp_path: Path, packed: Path) -> None:
        model = Path(shutil.copytree(packed / "outside", tmp_path / "mlflow"))
        (model / "registered_model_meta").write_text("model_name: bikes")
        refused_none = load_trained(packed, model)
        assert refused_none.package.origin == "trusted_import"

    @pytest.mark.parametrize("change", ["another pickle", "one more file"])
    def test_is_refused_once_somebody_has_changed_it(
        self, tmp_path: Path, packed: Path, left: Path, change: str
    ) -> None:
        model = Path(shutil.copytree(packed / "outside", tmp_path / "mlflow"))
        if change == "another pickle":
            path = model / "model.pkl"
            path.write_bytes(path.read_bytes() + b" ")
        else:
            (model / "sitecustomize.py").write_text("")
        with pytest.raises(PickleRefused, match="does not have it as it was packed"):
            load_trained(packed, model)
        assert not left.exists()


@pytest.mark.slow
def test_serving_and_workers_refuse_it_in_the_processes_where_it_would_run(tmp_path: Path, left: Path) -> None:
    folder, package = pack(tmp_path, left, "pickle", None)
    with pytest.raises(FailedEvidence, match="kept as cloudpickle"), isolated(package, folder, scratch=tmp_path):
        pytest.fail("it was loaded")
    store, digest = LocalStore(tmp_path / "models"), package_digest(package)
    for path in folder.rglob("*"):
        if path.is_file():
            store.upload(path, f"packages/{digest}/{path.relative_to(folder).as_posix()}")
    route(store, "bikes", 1, (1, digest))
    refusing, listing_it = Limits(), limits_of(Settings(home=tmp_path, trusted_packages=f"{'0' * 64}, {digest}"))
    for limits in (refusing, listing_it):
        app = build_serving(store, tmp_path / "cache", limits=limits)
        app.table.refresh()
        eventually(lambda: app.table.report().errors or app.engine.loaded, seconds=60)  # noqa: B023 - now
        if limits is refusing:
            assert "kept as cloudpickle" in app.table.report().errors[digest]
            assert not left.exists()
        else:
            assert app.table.report().errors == {}
            assert left.exists()
        app.table.stop()
        app.engine.close()
