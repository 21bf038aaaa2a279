"""Law 9: what a process pulls in by being started, each in a fresh interpreter."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

HEAVY = (
    "ml",
    "numpy",
    "scipy",
    "polars",
    "pandas",
    "pyarrow",
    "sklearn",
    "onnx",
    "onnxruntime",
    "skl2onnx",
    "mlflow",
    "ray",
    "pyspark",
    "great_expectations",
)
# What takes longer to import than `millrace data status` takes for thousands of files.
SLOW = ("fastapi", "pydantic", "httpx", "rich", "yaml", "asyncio", "cryptography")
DATABASE = ("sqlalchemy", "alembic", "psycopg", "celery", "kombu", "redis")


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in `sys.modules` after the statement, in an interpreter that ran nothing else."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import api.main", HEAVY),
        ("import adapters.runtime", HEAVY),
        ("import workers.handlers.data_checks", ("great_expectations",)),
        ("import workers.stream", ("sqlalchemy", "alembic", "psycopg", "celery", "polars", "sklearn", "mlflow")),
        ("import serving.app", (*DATABASE, "polars", "pandas", "sklearn", "scipy", "skl2onnx", "mlflow", "ray")),
        ("import serving.main", (*DATABASE, "polars", "pandas", "sklearn", "scipy", "skl2onnx", "mlflow", "ray")),
        ("import domain.tables, domain.reactions", (*HEAVY, "fastapi", "starlette", "celery", "httpx", "fsspec")),
        ("import cli.main", (*HEAVY, *DATABASE, "fastapi", "pydantic", "httpx")),
        ("import cli.__main__", (*HEAVY, *DATABASE, *SLOW)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_stays_light(statement: str, forbidden: tuple[str, ...]) -> None:
    assert loaded_by(statement) & set(forbidden) == set()


@pytest.mark.parametrize(
    "words", [["status", "rides", "rides"], ["get", "rides@1", "--out", "rides", "--exact"], ["push", "rides", "rides"]]
)
def test_a_transfer_ends_light(tmp_path: Path, words: list[str]) -> None:
    """Whatever a command line of these three does until it is told that nobody answers; it is parsed as any other."""
    (tmp_path / "rides").mkdir()
    (tmp_path / "rides" / "a.csv").touch()
    code = f"import sys; sys.argv = ['millrace', 'data', *{words}]; sys.path.insert(0, {str(ROOT)!r})"
    code += "\nfrom cli.__main__ import main\ntry: main()\nexcept SystemExit as end: print(end.code, *sys.modules)"
    nobody = {"MILLRACE_URL": "http://127.0.0.1:1", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=nobody, check=True, capture_output=True, text=True
    )
    status, *modules = done.stdout.split()
    assert (status, "No server answers" in done.stderr) == ("3", True)
    assert {name.partition(".")[0] for name in modules} & {*SLOW} == set()
    assert "cli.main" not in modules


def test_the_command_line_knows_nothing_of_the_domain_but_how_chunks_are_listed() -> None:
    code = "import cli.main, sys\nprint(*(name for name in sys.modules if name.startswith('domain.')))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert set(done.stdout.split()) == {"domain.contents", "domain.contents.recipes"}


def threads_after(statement: str) -> list[str]:
    """The names of the threads that run once the statement is done, in an interpreter that ran nothing else."""
    code = (
        f"{statement}\nimport os, pathlib, time\ntime.sleep(0.2)\n"
        "for one in pathlib.Path('/proc/self/task').iterdir(): print((one / 'comm').read_text().strip())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.splitlines()


def test_polars_does_nothing_before_the_pool_forks() -> None:
    """Its threads do not cross a fork: a worker whose parent has started them waits for them for ever."""
    assert not [name for name in threads_after("import workers.app") if re.match(r"polars-\d|tokio", name)]


def test_threads_of_polars_are_recognised() -> None:
    assert [name for name in threads_after("import polars; polars.Series([1, 2]).sort()") if name.startswith("polars-")]


def test_a_heavy_import_is_recognised() -> None:
    assert "numpy" in loaded_by("import numpy.linalg")
