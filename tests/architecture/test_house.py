"""The house rules that no linter knows: lengths, names, `__init__`, and what must not be in a tracked file."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import FLOORS, ROOT, python_files, tracked_files, tree_of

MAX_LINES = 400
MAX_FUNCTION_LINES = 70
WRITTEN_BY_ALEMBIC = "migrations/versions/"
# Names that cannot refuse anything.
NO_NAMES = {
    "utils",
    "util",
    "common",
    "helpers",
    "helper",
    "shared",
    "core",
    "misc",
    "manager",
    "managers",
    "processor",
    "base",
    "data2",
}
NO_CLASS = re.compile(r"(Manager|Helper|Helpers|Processor|Utils?|Thing)$")
# In pieces, so that this file does not match itself.
MACHINE = re.compile(
    r"(?<![\w.~$}-])/(?:" + "|".join(["wo" + "rk", "ro" + "ot", "tm" + "p", "ho" + "me", "Us" + "ers"]) + r")(?:/|\b)"
)
HOSTS = re.compile(
    "|".join(
        [
            "pypi" + r"\.org",
            "pythonhosted" + r"\.org",
            "npmjs" + r"\.(?:org|com)",
            "quay" + r"\.io",
            "ghcr" + r"\.io",
            r"\bgcr" + r"\.io",
            "docker" + r"\.io",
            "mirrors?" + r"\.[a-z]+\.(?:com|org|net)",
        ]
    )
)
# Data, and the licence's own words.
NOT_PROSE = (".csv", ".parquet", ".png", ".ico", ".svg", ".woff2", ".gz", ".onnx")


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked_files():
        if not path.endswith(NOT_PROSE):
            yield path, (ROOT / path).read_text(encoding="utf-8")


def test_files_are_short() -> None:
    lengths = {
        path: len((ROOT / path).read_text().splitlines())
        for path in python_files(*FLOORS, "tests", "bench")
        if not path.startswith(WRITTEN_BY_ALEMBIC)
    }
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_functions_are_short() -> None:
    long = {
        f"{path}:{node.lineno} {node.name}": length
        for path in python_files(*FLOORS)
        if not path.startswith(WRITTEN_BY_ALEMBIC)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


@pytest.mark.parametrize("path", [path for path in python_files(*FLOORS) if path.endswith("__init__.py")])
def test_package_init_is_a_docstring_and_nothing_else(path: str) -> None:
    tree = tree_of(path)
    assert ast.get_docstring(tree), f"{path} does not say what its package is for"
    assert len(tree.body) == 1


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.rpartition("/")[0] for path in python_files(*FLOORS)}
    assert {folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()} == set()


def test_names_say_something() -> None:
    parts = {
        (part.removesuffix(".py"), path) for path in python_files(*FLOORS, "tests", "bench") for part in path.split("/")
    }
    assert {path for part, path in parts if part in NO_NAMES} == set()


def test_classes_say_something() -> None:
    classes = {
        (node.name, path)
        for path in python_files(*FLOORS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
    }
    assert {name for name in classes if NO_CLASS.search(name[0])} == set()


@pytest.mark.parametrize("pattern", [MACHINE, HOSTS], ids=["machine path", "registry host"])
def test_tracked_files_name_no(pattern: re.Pattern[str]) -> None:
    found = [f"{path}: {match.group()}" for path, text in texts() for match in pattern.finditer(text)]
    assert found == []


def test_machine_paths_and_hosts_are_recognised() -> None:
    assert MACHINE.search("open('/wo" + "rk/x')")
    assert MACHINE.search("cd /ro" + "ot")
    assert not MACHINE.search("https://host/api/home/work")
    assert HOSTS.search("https://files.pythonhosted" + ".org/x")


def test_suppressions_name_their_code() -> None:
    bare = re.compile(r"# (?:noqa(?!: [A-Z]+\d)|type: ignore(?!\[)|(?:ruff|flake8|mypy): )")
    found = [
        f"{path}: {line.strip()}"
        for path, text in texts()
        if path.endswith(".py")
        for line in text.splitlines()
        if bare.search(line)
    ]
    assert found == []
