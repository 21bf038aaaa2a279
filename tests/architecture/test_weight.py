"""Law 9: what a process pulls in by being started, each in a fresh interpreter."""

import re
import subprocess
import sys

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
        ("import cli.main", (*HEAVY, *DATABASE, "fastapi", "pydantic")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_stays_light(statement: str, forbidden: tuple[str, ...]) -> None:
    assert loaded_by(statement) & set(forbidden) == set()


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
