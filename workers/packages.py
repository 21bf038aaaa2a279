"""Packages of model versions, seen from a worker: put into the model store, and opened as a model."""

from pathlib import Path

from adapters.model_files import load_python_model
from domain.registry.specs import Package
from ml.models import PACKAGE_FILE, Model, load_onnx
from serving.packages import PackageCache
from workers.toolbox import Toolbox


def store_package(tools: Toolbox, packed: Package, directory: Path, digest: str) -> None:
    """Upload the files of a package, `package.json` last: a package that is listed is whole."""
    for name in [*(file.path for file in packed.files), PACKAGE_FILE]:
        tools.runtime.models.upload(directory / name, f"packages/{digest}/{name}")


def open_model(tools: Toolbox, digest: str) -> Model:
    """The model of a package, in this process: a worker may be lost, serving may not (see `serving.engine`).

    Raises ObjectMissing, StoreUnavailable or BadPackage.
    """
    directory, package = PackageCache(tools.runtime.models, tools.scratch / "packages").fetch(digest)
    return (load_onnx if package.flavor == "onnx" else load_python_model)(directory, digest=digest)
