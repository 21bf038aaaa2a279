"""The repository as the architecture tests read it: tracked files and the syntax trees of our packages."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("domain", "ml", "adapters", "serving", "api", "workers", "cli", "migrations")


@cache
def tracked_files() -> tuple[str, ...]:
    """Paths that git tracks or would track, relative to the root; files deleted but not yet committed are left out."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(sorted(path for path in set(listing.split("\0")) if path and (ROOT / path).is_file()))


def python_files(*folders: str) -> list[str]:
    """Tracked Python files below the folders, relative to the root."""
    return [path for path in tracked_files() if path.endswith(".py") and path.split("/", 1)[0] in folders]


@cache
def tree_of(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=path)


def imports_of(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Every import as (local name, dotted origin, line)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}", node.lineno
