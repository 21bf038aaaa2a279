"""Laws 1 to 7: import-linter's contracts hold, and the floors with a short list of libraries keep to it."""

import ast
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.architecture.source import FLOORS, ROOT, imports_of, python_files, tree_of

STANDARD = sys.stdlib_module_names | {"__future__"}
# What a floor may import beside the standard library and the floors below it, which import-linter watches.
LIBRARIES = {
    "domain": {"sqlalchemy", "pydantic", "pydantic_core", "uuid_utils", "yaml"},
    # Kubernetes and urllib3 only in `cli.cluster`, which is loaded when it is asked for.
    "cli": {
        "cryptography",
        "dotenv",
        "certifi",
        "kubernetes",
        "orjson",
        "packaging",
        "rich",
        "typer",
        "urllib3",
        "yaml",
    },
}


def strangers(tree: ast.Module, allowed: set[str]) -> list[tuple[str, int]]:
    """Imports of a module that are neither standard, nor ours, nor allowed."""
    known = STANDARD | set(FLOORS) | allowed
    return [(origin, line) for _, origin, line in imports_of(tree) if origin.split(".")[0] not in known]


def test_every_import_contract_is_kept() -> None:
    # In a process of its own: it silences every logger of the one it runs in.
    program = Path(sysconfig.get_path("scripts"), "lint-imports")
    told = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("floor", sorted(LIBRARIES))
def test_floor_imports_only_its_libraries(floor: str) -> None:
    found = {path: bad for path in python_files(floor) if (bad := strangers(tree_of(path), LIBRARIES[floor]))}
    assert found == {}


def test_a_stranger_is_recognised() -> None:
    assert strangers(ast.parse("import os\nfrom numpy.linalg import norm"), {"pydantic"}) == [("numpy.linalg.norm", 2)]
