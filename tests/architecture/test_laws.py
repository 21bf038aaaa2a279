"""Law 8, read from the syntax trees: who commits, who moves a state, who speaks HTTP errors."""

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.architecture.source import FLOORS, imports_of, python_files, tree_of

Law = Callable[[str, ast.Module], Iterator[int]]


def ends_transactions(path: str, tree: ast.Module) -> Iterator[int]:
    """`x.commit()` and `x.rollback()` are called in adapters/ only: one place decides what is one transaction.

    With arguments it is a verb of a noun: `deployments.rollback(session, endpoint=…)`.
    """
    if path.startswith("adapters/"):
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"commit", "rollback"}
            and not (node.args or node.keywords)
        ):
            yield node.lineno


def moves_states(path: str, tree: ast.Module) -> Iterator[int]:
    """A state is written by the service of its own noun, in the words of its own noun."""
    noun = (
        path.removeprefix("domain/").split("/")[0]
        if path.startswith("domain/") and path.endswith("/service.py")
        else None
    )
    origins = {name: origin for name, origin, _ in imports_of(tree)}
    for node in ast.walk(tree):
        for line, value in _states_written(node):
            if noun is None:
                yield line
            elif isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
                origin = origins.get(value.value.id, "")
                if origin.startswith("domain.") and not origin.startswith(f"domain.{noun}."):
                    yield line


def _states_written(node: ast.AST) -> Iterator[tuple[int, ast.expr | None]]:
    """Lines and values that a node writes to a `state`: `x.state = v`, `setattr(x, "state", v)`, `.values(state=v)`."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = [
            name for target in node.targets for name in (target.elts if isinstance(target, ast.Tuple) else [target])
        ]
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    for target in targets:
        if isinstance(target, ast.Attribute) and target.attr == "state":
            yield target.lineno, getattr(node, "value", None)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id == "setattr" and len(node.args) == 3:
            name = node.args[1]
            if isinstance(name, ast.Constant) and name.value == "state":
                yield node.lineno, node.args[2]
        if isinstance(node.func, ast.Attribute) and node.func.attr == "values":
            yield from ((keyword.value.lineno, keyword.value) for keyword in node.keywords if keyword.arg == "state")


def speaks_http_errors(path: str, tree: ast.Module) -> Iterator[int]:
    """`HTTPException` is known to the two floors that answer HTTP; the standard library's is for those who ask."""
    if path.startswith(("api/", "serving/")):
        return
    if any(origin == "http.client.HTTPException" for _, origin, _ in imports_of(tree)):
        return
    for node in ast.walk(tree):
        if (isinstance(node, ast.Name) and node.id == "HTTPException") or (
            isinstance(node, ast.Attribute) and node.attr == "HTTPException"
        ):
            yield node.lineno
    yield from (line for _, origin, line in imports_of(tree) if origin.endswith(".HTTPException"))


def reads_the_clock(path: str, tree: ast.Module) -> Iterator[int]:
    """domain is told the time by its session, so that every rule can be replayed."""
    if not path.startswith("domain/"):
        return
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            continue
        if (node.func.value.id, node.func.attr) in CLOCKS:
            yield node.lineno


CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "perf_counter"),
}
LAWS: list[Law] = [ends_transactions, moves_states, speaks_http_errors, reads_the_clock]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_nobody_breaks_the_law(law: Law) -> None:
    found = {path: lines for path in python_files(*FLOORS) if (lines := list(law(path, tree_of(path))))}
    assert found == {}


@pytest.mark.parametrize(
    ("law", "path", "code"),
    [
        (ends_transactions, "domain/jobs/service.py", "session.commit()"),
        (ends_transactions, "api/deps.py", "runtime.database.session.rollback()"),
        (moves_states, "workers/run.py", "job.state = 'running'"),
        (moves_states, "domain/jobs/queries.py", "job.state = JobState.FAILED"),
        (
            moves_states,
            "domain/training/service.py",
            "from domain.jobs.states import JobState\njob.state = JobState.FAILED",
        ),
        (moves_states, "domain/reactions.py", "setattr(job, 'state', new)"),
        (moves_states, "adapters/queue.py", "session.execute(update(Job).values(state='queued'))"),
        (speaks_http_errors, "domain/errors.py", "from fastapi import HTTPException"),
        (speaks_http_errors, "workers/run.py", "raise fastapi.HTTPException(404)"),
        (reads_the_clock, "domain/jobs/service.py", "at = datetime.now(UTC)"),
        (reads_the_clock, "domain/monitoring/windows.py", "at = time.time()"),
    ],
)
def test_an_offence_is_recognised(law: Law, path: str, code: str) -> None:
    assert list(law(path, ast.parse(code)))


@pytest.mark.parametrize(
    ("law", "path", "code"),
    [
        (ends_transactions, "adapters/runtime.py", "session.commit()"),
        (ends_transactions, "api/routers/endpoints.py", "deployments.rollback(session, endpoint=name)"),
        (
            moves_states,
            "domain/jobs/service.py",
            "from domain.jobs.states import JobState\njob.state = JobState.FAILED",
        ),
        (moves_states, "workers/run.py", "if job.state == 'running': pass"),
        (speaks_http_errors, "api/errors.py", "from fastapi import HTTPException"),
        (reads_the_clock, "adapters/runtime.py", "datetime.now(UTC)"),
    ],
)
def test_what_is_allowed_passes(law: Law, path: str, code: str) -> None:
    assert list(law(path, ast.parse(code))) == []
