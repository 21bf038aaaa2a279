"""The API's description says all of each operation: what it is, who may, what it takes and answers, by example."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic import TypeAdapter, ValidationError

from api.description import CODES_KEY, PROBLEM_TYPE
from api.example_bodies import BODIES
from api.example_values import VALUES
from api.main import PUBLIC, ROUTERS
from api.routers import health, repositories
from api.schemas.datasets import VersionBuild
from domain.access.actor import Scope
from tests.documented import document

DOCUMENT: Final = document()
SCHEMAS: Final[dict[str, Any]] = DOCUMENT["components"]["schemas"]
OPERATIONS: Final = {
    one["operationId"]: one | {"method": method, "path": path}
    for path, item in DOCUMENT["paths"].items()
    for method, one in item.items()
}
# They need no token: what they answer 401 and 403 to is in `test_routes`.
OPEN: Final = {"livez", "readyz", "create_session", "delete_session", "receive_git_hook"}
# Short by nature, or bytes; every other list has pages.
WHOLE: Final = {
    "list_missing_chunks", "list_dataset_files", "list_run_artifacts", "list_replays", "list_performance",
    "list_event_types", "list_roles",
}  # fmt: skip
each = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


def answers(operation: dict[str, Any], media_type: str = "application/json") -> dict[str, dict[str, Any]]:
    """What it answers when all is well, by status."""
    found = {
        status: one["content"]
        for status, one in operation["responses"].items()
        if status[0] == "2" and "content" in one
    }
    return {status: content[media_type] for status, content in found.items() if media_type in content}


def body(operation: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return found


def _routes() -> Iterator[tuple[str, RouteContext]]:
    for router in [*ROUTERS, *PUBLIC, health.public, health.router, repositories.hooks]:
        for context in iter_route_contexts(router.routes):
            if isinstance(context.original_route, APIRoute):
                yield context.original_route.name, context


ROUTES: Final = dict(_routes())


def faults(example: Any, model: Any) -> list[str]:
    """Where an example is not of its model, and the texts in it that nobody thought of."""
    try:
        TypeAdapter(model).validate_json(json.dumps(example), strict=True)
    except ValidationError as error:
        return [f"{one['loc']}: {one['msg']}" for one in error.errors()]
    return ["a text without an example: name its field in VALUES"] if "…" in str(example) else []


@each
class TestOperation:
    def test_says_what_it_is(self, operation: dict[str, Any]) -> None:
        assert operation["summary"]
        assert operation["description"].endswith((".", "`", "*"))
        assert operation["tags"]

    def test_says_which_scope_it_asks_for(self, operation: dict[str, Any]) -> None:
        if operation["operationId"] in OPEN:
            assert "security" not in operation
            return
        ways = {by: scopes for way in operation["security"] for by, scopes in way.items()}
        assert ways.keys() == {"HTTPBearer", "APIKeyCookie"}
        assert all(len(scopes) == 1 and Scope(scopes[0]) for scopes in ways.values())
        assert operation["responses"]["401"][CODES_KEY] == ["unauthenticated"]
        assert "missing_scope" in operation["responses"]["403"][CODES_KEY]

    def test_has_pages_where_it_lists(self, operation: dict[str, Any]) -> None:
        paged = any("/PageRead_" in str(answer["schema"]) for answer in answers(operation).values())
        parameters = {one["name"]: one for one in operation.get("parameters", ())}
        assert paged == ({"limit", "cursor"} <= parameters.keys())
        assert paged or not operation["operationId"].startswith("list_") or operation["operationId"] in WHOLE
        if paged:
            assert all(parameters[name]["description"] for name in ("limit", "cursor"))

    def test_has_a_schema_for_each_answer(self, operation: dict[str, Any]) -> None:
        for answer in operation["responses"].values():
            for media_type, content in answer.get("content", {}).items():
                if media_type == PROBLEM_TYPE:
                    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                elif media_type.startswith("text/") or media_type == "application/x-ndjson":
                    assert content["schema"] == {"type": "string"}
                elif media_type != "application/json":
                    assert content["schema"] == {"type": "string", "format": "binary"}

    def test_has_codes_for_each_problem(self, operation: dict[str, Any]) -> None:
        problems = {
            status: one for status, one in operation["responses"].items() if PROBLEM_TYPE in one.get("content", {})
        }
        assert "500" in problems
        refused = {status for status in operation["responses"] if status[0] == "4"}
        assert refused - problems.keys() <= {"416"}  # which has no body
        for answer in problems.values():
            assert answer[CODES_KEY] == sorted(set(answer[CODES_KEY]))
            assert all(code in answer["description"] for code in answer[CODES_KEY])

    def test_has_an_example_of_each_answer(self, operation: dict[str, Any]) -> None:
        route = ROUTES[operation["operationId"]]
        for status, answer in answers(operation).items():
            field = (route.response_fields or {}).get(int(status)) or route.response_field
            assert faults(answer["example"], field.field_info.annotation if field else Any) == []

    def test_has_an_example_of_its_body(self, operation: dict[str, Any]) -> None:
        content = body(operation)
        if content is not None:
            assert "example" in content, "Write one in api/example_bodies.py."
            field = ROUTES[operation["operationId"]].body_field
            # The route of new versions takes several types, and reads its body itself.
            assert faults(content["example"], field.field_info.annotation if field else VersionBuild) == []


class TestExamples:
    def test_are_of_operations_that_there_are(self) -> None:
        assert BODIES.keys() - OPERATIONS.keys() == set()

    def test_are_of_fields_that_there_are(self) -> None:
        fields = {name for schema in SCHEMAS.values() for name in schema.get("properties", ())}
        named = {f"{model}.{name}" for model, schema in SCHEMAS.items() for name in schema.get("properties", ())}
        named |= {f"{operation}.answer" for operation in OPERATIONS}
        asked = {name.removesuffix("[]").removesuffix(".*").removesuffix(".key") for name in VALUES}
        assert asked - fields - named == set()


class TestTags:
    def test_are_each_described(self) -> None:
        used = {tag for operation in OPERATIONS.values() for tag in operation["tags"]}
        told = {tag["name"]: tag["description"] for tag in DOCUMENT["tags"]}
        assert told.keys() == used
        assert all(told.values())


class TestProblem:
    """Read off the code: a sample of each way in which an error comes about."""

    @pytest.mark.parametrize(
        ("operation", "status", "code"),
        [
            ("get_dataset", "404", "unknown_dataset"),  # a query
            ("create_dataset", "409", "dataset_exists"),  # a verb
            ("update_dataset", "412", "stale"),  # a precondition
            ("list_datasets", "422", "bad_cursor"),  # a page
            ("get_dataset", "422", "invalid_request"),  # a parameter with a pattern
            ("start_run", "422", "bad_document"),  # a body that is parsed by its route
            ("create_token", "400", "bad_request"),  # a body that is parsed by FastAPI
            ("put_policy", "413", "too_large"),  # the middleware
            ("create_dataset_version", "415", "unsupported_media_type"),  # raised as HTTP says it
            ("create_dataset_version", "422", "bad_file_name"),  # a method of an object
            ("create_dataset_version", "404", "unknown_dataset_version"),  # caught, and raised again with its place
            ("get_explanation", "409", "explanation_failed"),  # one of two kinds, as it turns out
            ("get_lineage", "404", "unknown_window"),  # a table of functions
            ("create_pin", "409", "conflict"),  # two writers at once
            ("list_roles", "503", "database_unavailable"),  # a session
        ],
    )
    def test_is_found(self, operation: str, status: str, code: str) -> None:
        assert code in OPERATIONS[operation]["responses"][status][CODES_KEY]

    @pytest.mark.parametrize(
        ("operation", "status"),
        [
            ("get_about", "404"),  # asks for nothing by name
            ("get_dataset", "409"),  # changes nothing
            ("get_dataset", "413"),  # takes no body
            ("create_dataset", "404"),
            ("archive_dataset", "412"),  # has no precondition
            ("approve_promotion", "412"),
        ],
    )
    def test_that_cannot_be_is_not_told(self, operation: str, status: str) -> None:
        assert status not in OPERATIONS[operation]["responses"]

    def test_that_is_caught_is_not_told(self) -> None:
        # A store that does not answer is a part of the answer.
        assert CODES_KEY not in OPERATIONS["readyz"]["responses"]["503"]
