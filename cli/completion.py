"""What the shell offers for an argument: names that the server has. It is asked briefly, and may be away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from cli.client import Client, ClientError
from cli.logins import Logins
from cli.session import find_server

SECONDS = 0.7
MOST = 200

Complete = Callable[[typer.Context, str], list[str]]


def names(*path: str, key: str = "name") -> Complete:
    """Those of the list at the path."""

    def complete(context: typer.Context, typed: str) -> list[str]:
        return [name for name in _listed(context, path, key) if name.startswith(typed)]

    return complete


def references(noun: str) -> Complete:
    """`NAME`, and behind an `@` the numbers of its versions."""

    def complete(context: typer.Context, typed: str) -> list[str]:
        name, mark, _ = typed.partition("@")
        if not mark:
            return names(noun)(context, typed)
        numbers = _listed(context, (noun, name, "versions"), "number")
        return [one for number in numbers if (one := f"{name}@{number}").startswith(typed)]

    return complete


def pages(context: typer.Context, typed: str) -> list[str]:
    """What `millrace open` takes."""
    noun, mark, _ = typed.partition("/")
    if not mark:
        known = ("loop", "events", "lineage", "settings", "mlflow", "docs", "datasets/", "models/", "endpoints/")
        return [one for one in (*known, "pipelines/", "runs/", "jobs/") if one.startswith(typed)]
    key = "id" if noun in {"runs", "jobs"} else "name"
    return [one for name in _listed(context, (noun,), key) if (one := f"{noun}/{name}").startswith(typed)]


DATASETS = names("datasets")
DATASET_VERSIONS = references("datasets")
MODELS = names("models")
ENDPOINTS = names("endpoints")
PIPELINES = names("pipelines")
RUNS = names("runs", key="id")
JOBS = names("jobs", key="id")


def _listed(context: typer.Context, path: tuple[str, ...], key: str) -> list[str]:
    given: dict[str, Any] = context.params
    home = given.get("home")
    try:
        address, token = find_server(given.get("url"), given.get("token"), Path(home) if home else None, Logins())
        with Client(address, token, seconds=SECONDS) as client:
            return [str(one[key]) for one in client.get(*path, limit=MOST)["items"]]
    except (ClientError, KeyError, TypeError, ValueError):
        return []
