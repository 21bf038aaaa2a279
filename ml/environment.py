"""The libraries and the machine a model is trained with, for lineage: two runs with one digest had the same of both."""

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

# What changes the numbers of a model, or whether its package can be read.
PACKAGES: Final = (
    *("millrace", "mlflow", "numpy", "onnx", "onnxruntime", "pandas", "polars"),
    *("scikit-learn", "scipy", "skl2onnx", "skops"),
)


def environment() -> dict[str, str]:
    """Versions by name: `python`, `platform` (system and machine) and every package of `PACKAGES` that is there."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def environment_digest(environment: dict[str, str]) -> str:
    """SHA-256 of the environment, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest()
