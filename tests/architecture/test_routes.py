"""Law 10 for the API: every route asks for a scope or is listed as public, and the snapshot of the API is current."""

import importlib
import json
from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api import openapi
from api.main import PREFIX
from domain.access.actor import Scope
from tests.architecture.source import python_files
from tests.documented import document

# What answers without a token, and nothing else does.
PUBLIC = {
    "GET /livez",
    "GET /readyz",
    "POST /session",  # takes a token, gives a cookie
    "DELETE /session",
    "POST /hooks/git/{provider}",  # verified by the secret of the repository it is about
}
DOCUMENT = document()


def routes() -> Iterator[APIRoute]:
    """Every route of every router in `api/routers`."""
    for path in python_files("api"):
        if path.startswith("api/routers/"):
            module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
            for router in vars(module).values():
                if isinstance(router, APIRouter):
                    yield from (route for route in router.routes if isinstance(route, APIRoute))


def scopes_of(dependant: Dependant) -> set[str]:
    """The scopes that a route asks for, wherever in the tree of its dependencies."""
    return set(dependant.own_oauth_scopes or ()).union(*(scopes_of(child) for child in dependant.dependencies))


ROUTES = {f"{method} {route.path}": route for route in routes() for method in sorted(route.methods or ())}


def test_public_routes_exist() -> None:
    assert set(ROUTES) >= PUBLIC


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_route_asks_for_a_scope_or_is_public(name: str) -> None:
    scopes = scopes_of(ROUTES[name].dependant)
    assert bool(scopes) != (name in PUBLIC)
    assert scopes <= set(Scope)


# Questions too long for a URL; MLflow's are told from its changes by their paths (`tests/api/test_mlflow_routes.py`).
ASKED_WITH_A_BODY = {
    "POST /datasets/{name}/versions/{number}/bundle",
    "POST /endpoints/{name}/drift/backtest",
    "POST /mlflow/{path:path}",
}


@pytest.mark.parametrize("name", sorted(set(ROUTES) - PUBLIC - ASKED_WITH_A_BODY))
def test_nothing_changes_on_the_right_to_read(name: str) -> None:
    if not name.startswith(("GET ", "HEAD ", "PROPFIND ")):
        assert scopes_of(ROUTES[name].dependant) != {Scope.READ}


def test_the_document_holds_every_route() -> None:
    described = {
        f"{method.upper()} {path.removeprefix(PREFIX)}" for path, item in DOCUMENT["paths"].items() for method in item
    }
    shown = {name.replace(":path}", "}") for name, route in ROUTES.items() if route.include_in_schema}
    assert described == shown


def test_operations_are_named_once() -> None:
    names = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert sorted(names) == sorted(set(names))


def test_the_snapshot_is_current() -> None:
    assert json.loads(openapi.document()) == DOCUMENT, "Run `make client` and commit what it writes."
