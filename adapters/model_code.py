"""Whether loading an MLflow model would run code, and whether it may: the one rule for every loader of Python models.

ONNX and skops with types of scikit-learn, numpy and scipy run nothing of their author's, and load always. All else does
(a pickle runs what it says), and loads only if the package says that a run of this control plane made it or that an
admin trusted it when it was imported, or if an admin lists its digest. What a package says is covered by its digest,
and packages are opened by the digests in our database and routes: so whoever may write those decides what runs, and who
can merely put files beside them, in the model store or in MLflow, does not.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import skops.io
from mlflow.exceptions import MlflowException
from mlflow.models import Model as MlflowModel

from adapters.skops_files import HARMLESS
from domain.errors import Invalid
from domain.registry.specs import Package
from ml.models import PickleRefused

# Written by MLflow beside a model that it gives out, about the registry and not about the model.
_BESIDE: Final = "registered_model_meta"


class NotAModel(Invalid):
    code = "not_an_mlflow_model"


def code_in(directory: Path, flavors: Mapping[str, Mapping[str, Any]]) -> str | None:
    """What of an MLflow model would run when it is loaded; None when nothing would. Loads nothing.

    Raises NotAModel when it cannot be told.
    """
    if any(conf.get("code") for conf in flavors.values()):
        return "it brings code of its own"
    sklearn = flavors.get("sklearn")
    if sklearn is None:
        return f"it is loaded by {flavors.get('python_function', {}).get('loader_module', 'code of its own')}"
    if sklearn.get("serialization_format") != "skops":
        return f"it is kept as {sklearn.get('serialization_format')}, which runs what it says"
    path = inside(directory, sklearn.get("pickled_model"))
    try:
        odd = [name for name in skops.io.get_untrusted_types(file=path) if not name.startswith(HARMLESS)]
    except Exception as error:  # whatever a damaged file makes of skops
        raise NotAModel(f"Its skops file cannot be read: {error}", where="mlflow") from error
    return f"it holds {odd[0]}, which is not scikit-learn's" if odd else None


def inside(directory: Path, name: Any) -> Path:
    """A file that `MLmodel` names, if it is one of the model's. Raises NotAModel."""
    path = (directory / str(name)).resolve()
    if not path.is_relative_to(directory.resolve()) or not path.is_file():
        raise NotAModel(f"MLmodel names {name!r}, which is no file of the model.", where="mlflow")
    return path


def refuse_code(package: Package, model: Path, *, trusted: bool) -> None:
    """Raises PickleRefused if loading the MLflow model in a package would run code that nobody answers for."""
    if not trusted and package.origin is None:
        _refuse(_code_of(model))


def refuse_other_code(package: Package, model: Path, packed: str, *, trusted: bool) -> None:
    """The same for the model that a package was made from, as MLflow has it now.

    The digest does not cover that one: if it runs code, it has to be file by file the one in the folder `packed`.
    """
    code = _code_of(model)
    if code is None:
        return
    refuse_code(package, model, trusted=trusted)
    known = {file.path.removeprefix(f"{packed}/"): file.sha256 for file in package.files}
    found = {path.relative_to(model).as_posix(): path for path in model.rglob("*") if path.is_file()}
    ours, theirs = (set(names) - {_BESIDE} for names in (known, found))
    if ours != theirs or any(_sha256(found[name]) != known[name] for name in ours):
        _refuse(f"{code}, and MLflow does not have it as it was packed")


def _code_of(model: Path) -> str | None:
    try:
        return code_in(model, dict(MlflowModel.load(str(model / "MLmodel")).flavors))
    except (MlflowException, NotAModel, OSError, TypeError, ValueError, KeyError) as error:
        return f"it cannot be read: {error}"


def _refuse(code: str | None) -> None:
    if code is not None:
        raise PickleRefused(
            f"The model is not loaded: {code}.",
            where="package",
            fix="Train it here, import it with `trust` (admins), or let an admin list its digest in"
            " MILLRACE_TRUSTED_PACKAGES.",
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
