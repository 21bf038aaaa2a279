"""Law 10: nothing is half there. Each job has its handler, stored names are unique, the migrations are one chain."""

import ast
import importlib
from typing import TypeVar

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from domain.events.spec import Event
from domain.jobs.spec import JobSpec
from tests.architecture.source import ROOT, python_files, tree_of
from workers.handlers.table import HANDLERS

Kind = TypeVar("Kind")
REVISIONS = python_files("migrations")


def declared(base: type[Kind], file: str) -> set[type[Kind]]:
    """Every subclass of the base that a `domain/<noun>/<file>` declares."""
    for path in python_files("domain"):
        if path.endswith(f"/{file}"):
            importlib.import_module(path.removesuffix(".py").replace("/", "."))
    found: set[type[Kind]] = set()
    waiting = [base]
    while waiting:
        children = [child for child in waiting.pop().__subclasses__() if child.__module__.startswith("domain.")]
        found.update(children)
        waiting += children
    return found


def test_every_job_has_exactly_one_handler() -> None:
    assert set(HANDLERS) == declared(JobSpec, "jobs.py")


def test_every_handler_lives_in_the_file_of_its_noun() -> None:
    nouns = {spec.__name__: (spec.__module__.split(".")[1], handler.__module__) for spec, handler in HANDLERS.items()}
    assert {name: where for name, where in nouns.items() if where[1] != f"workers.handlers.{where[0]}"} == {}


@pytest.mark.parametrize(("base", "file"), [(JobSpec, "jobs.py"), (Event, "events.py")], ids=["jobs", "events"])
def test_stored_names_are_unique(base: type[object], file: str) -> None:
    names = [kind.__name__ for kind in declared(base, file)]
    assert sorted(names) == sorted(set(names))


def test_migrations_have_one_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_every_migration_can_be_undone() -> None:
    undone = {}
    for path in REVISIONS:
        if path.startswith("migrations/versions/") and not path.endswith("__init__.py"):
            downgrade = next(
                node for node in tree_of(path).body if isinstance(node, ast.FunctionDef) and node.name == "downgrade"
            )
            undone[path] = any(
                isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) for node in ast.walk(downgrade)
            )
    assert undone
    assert [path for path, does_something in undone.items() if not does_something] == []
