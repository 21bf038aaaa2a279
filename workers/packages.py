"""Packages of model versions, seen from a worker: put into the model store, and opened as a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.model_files import load_python_model
from domain.registry.specs import Package
from ml.models import PACKAGE_FILE, Model, load_onnx
from serving.packages import PackageCache
from workers.isolation import TOTAL_SECONDS, isolated
from workers.toolbox import Toolbox


def store_package(tools: Toolbox, packed: Package, directory: Path, digest: str) -> None:
    """Upload the files of a package, `package.json` last: a package that is listed is whole."""
    for name in [*(file.path for file in packed.files), PACKAGE_FILE]:
        tools.runtime.models.upload(directory / name, f"packages/{digest}/{name}")


def open_model(tools: Toolbox, digest: str) -> Model:
    """The model of a package, in this process: a worker may be lost, serving may not (see `serving.engine`).

    Raises ObjectMissing, StoreUnavailable, BadPackage or PickleRefused.
    """
    directory, package = PackageCache(tools.runtime.models, tools.scratch / "packages").fetch(digest)
    if package.flavor == "onnx":
        return load_onnx(directory, digest=digest)
    return load_python_model(directory, digest=digest, trusted=is_trusted(tools, digest))


def is_trusted(tools: Toolbox, digest: str) -> bool:
    """Whether an admin has listed the package: its code may run, whoever made it."""
    return digest in tools.runtime.settings.trusted


@contextmanager
def open_safely(tools: Toolbox, digest: str, *, total_seconds: float = TOTAL_SECONDS) -> Iterator[Model]:
    """The model of a package, while inside: ONNX in this process, Python code in one that may be lost.

    Python code gets `total_seconds` for all it is asked. Raises as `open_model`, and `FailedEvidence` when its code
    cannot be loaded.
    """
    directory, package = PackageCache(tools.runtime.models, tools.scratch / "packages").fetch(digest)
    if package.flavor == "onnx":
        yield load_onnx(directory, digest=digest)
        return
    trusted = is_trusted(tools, digest)
    with isolated(package, directory, scratch=tools.scratch, total_seconds=total_seconds, trusted=trusted) as model:
        yield model
