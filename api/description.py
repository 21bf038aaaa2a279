"""What FastAPI leaves out of the API's description: the problems of each operation, the media type of bytes, the tags.

Called by `api.openapi` with the document as FastAPI makes it. Nothing here is told by hand: it is read off the routes.
"""

import inspect
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import BaseRoute

from api.documents import DocumentRoute
from api.refusals import Refusal, refusals_of

PROBLEM_TYPE = "application/problem+json"
CODES_KEY = "x-problem-codes"
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_BYTES = {"type": "string", "format": "binary"}
_WITH_BODY = {"POST", "PUT", "PATCH"}
_ANYWHERE = Refusal(500, "unexpected")


def described(document: dict[str, Any], routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The document, with each operation's answers complete; `routes` are those it was made from."""
    tags: dict[str, str] = {}
    for context, route in _api_routes(routes):
        for method in context.methods or ():
            operation = document["paths"][context.path_format][method.lower()]
            refusals = {*_by_route(context, route), *_by_input(operation, method, route), _ANYWHERE}
            answers = {status: one for status, one in operation["responses"].items() if status != "default"}
            _type_bytes(answers.values())
            operation["responses"] = answers | _problems(refusals, known=answers.keys())
            _name_tags(tags, operation, route)
    document["tags"] = [{"name": name, "description": said} for name, said in sorted(tags.items())]
    return document


def _api_routes(routes: Iterable[BaseRoute]) -> Iterator[tuple[RouteContext, APIRoute]]:
    for context in iter_route_contexts(list(routes)):
        if isinstance(context.original_route, APIRoute) and context.include_in_schema:
            yield context, context.original_route


def _by_route(context: RouteContext, route: APIRoute) -> Iterable[Refusal]:
    """What the code of the route refuses; the parser of documents is asked where there is one to parse."""
    parses = isinstance(route, DocumentRoute) and route.body_field is not None
    return refusals_of(context.dependant, *([DocumentRoute.get_route_handler] if parses else []))


def _by_input(operation: dict[str, Any], method: str, route: APIRoute) -> Iterator[Refusal]:
    """What FastAPI, the middleware and the database refuse before or after the route's own code."""
    inputs = [one["schema"] for one in operation.get("parameters", ())]
    if any(set(schema) - {"title", "type"} or schema["type"] != "string" for schema in inputs) or route.body_field:
        yield Refusal(422, "invalid_request")
    if inputs or route.body_field:
        yield Refusal(422, "unstorable_value")
    if method in _WITH_BODY:
        yield Refusal(413, "too_large")
    if route.body_field is not None and not isinstance(route, DocumentRoute):
        yield Refusal(400, "bad_request")


def _problems(refusals: Iterable[Refusal], *, known: Iterable[str]) -> dict[str, Any]:
    """A response for each status that the route does not describe itself, with all codes it comes with."""
    codes: dict[int, dict[str, str]] = defaultdict(dict)
    for one in sorted(refusals):
        codes[one.status][one.code] = _said_of(one)
    return {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}: " + "; ".join(said.values()),
            "content": {PROBLEM_TYPE: {"schema": _PROBLEM}},
            CODES_KEY: list(said),
        }
        for status, said in sorted(codes.items())
        if str(status) not in known
    }


def _said_of(refusal: Refusal) -> str:
    told = vars(refusal.error).get("__doc__") if refusal.error else None
    return f"`{refusal.code}`" + (f" ({told.strip().partition('. ')[0].rstrip('.')})" if told else "")


def _type_bytes(answers: Iterable[dict[str, Any]]) -> None:
    """Content without a schema is text, or anything in JSON, or else bytes."""
    for answer in answers:
        for media_type, content in answer.get("content", {}).items():
            if media_type.startswith("text/") or media_type.endswith("ndjson"):
                content.setdefault("schema", {"type": "string"})
            else:
                content.setdefault("schema", {} if media_type == "application/json" else dict(_BYTES))


def _name_tags(tags: dict[str, str], operation: dict[str, Any], route: APIRoute) -> None:
    """A tag is what the module of its routes says of itself; several may have it, and that of its name says it best."""
    module = sys.modules[route.endpoint.__module__]
    said = (inspect.getdoc(module) or "").partition("\n\n")[0].replace("\n", " ")
    for tag in operation.get("tags", ()):
        if tag not in tags or module.__name__.rpartition(".")[2] == tag.replace(" ", "_"):
            tags[tag] = said
