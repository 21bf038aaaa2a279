"""Bodies that are documents: JSON or YAML, refused with the line and column, or with the place of what does not fit.

`DocumentRoute` is the route class of routers that take specs. Routes declare a model as always.
"""

import math
from collections.abc import Callable, Coroutine, Hashable, Sequence
from typing import Any, ClassVar, TypeVar

import orjson
import yaml
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.datastructures import MutableHeaders

from domain.errors import Invalid

M = TypeVar("M", bound=BaseModel)
# The fields by which the unions of the specs are told apart.
_TAGS = ("check", "gate", "kind", "on", "step")
YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})


class BadDocument(Invalid):
    """The body is not JSON, or not YAML; `where` names the line and column."""

    code = "bad_document"


class _Loader(yaml.SafeLoader):
    """Plain values only: no aliases (which can unfold without end), no key twice, no NaN, dates and `on` stay text."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = None if parent is None else parent.start_mark
            raise yaml.constructor.ConstructorError(None, None, "aliases are not taken", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_finite(self, node: yaml.ScalarNode) -> float:
        value = float(self.construct_yaml_float(node))
        if not math.isfinite(value):
            raise yaml.constructor.ConstructorError(None, None, f"{node.value} is not a number", node.start_mark)
        return value

    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        **yaml.SafeLoader.yaml_constructors,
        "tag:yaml.org,2002:float": construct_finite,
        "tag:yaml.org,2002:timestamp": yaml.SafeLoader.construct_yaml_str,
    }


# As YAML 1.2 has it: only `true` and `false` are booleans, `on` and `no` are words (and `on` is a key of specs).
_Loader.yaml_implicit_resolvers = {
    letter: [(tag, form) for tag, form in forms if letter in "tTfF" or tag != "tag:yaml.org,2002:bool"]
    for letter, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def type_of(request: Request) -> str:
    """The media type of the body, without its parameters; JSON when none is named."""
    return request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()


def parse(body: bytes, content_type: str) -> Any:
    """The value of a JSON or YAML body; raises `BadDocument`."""
    return _parse_yaml(body) if content_type in YAML_TYPES else _parse_json(body)


def parse_as(model: type[M], body: bytes, content_type: str) -> M:
    """The body as `model`, for routes that take something else too; raises as a route with a declared body does."""
    value = parse(body, content_type)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = [
            {**one, "loc": ("body", *one["loc"])} for one in error.errors(include_context=False, include_url=False)
        ]
        raise RequestValidationError(found, body=value) from error


def _parse_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadDocument(f"The body is not valid JSON: {error.msg}.", where=where) from error


def _parse_yaml(body: bytes) -> Any:
    try:
        return yaml.load(body.decode(), _Loader)  # noqa: S506 - the loader above is a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else None
        raise BadDocument(
            f"The body is not valid YAML: {error.problem or 'it ends too early'}.", where=where
        ) from error
    except UnicodeDecodeError as error:
        raise BadDocument("The body is not text in UTF-8.", where=f"byte {error.start}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # odd characters, depth, impossible numbers
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition("\n")[0]
        raise BadDocument(f"The body is not valid YAML: {why}.", where="body") from error


class _ParsedRequest(Request):
    """A request whose body has been read and parsed; FastAPI finds JSON in it."""

    def __init__(self, request: Request, body: bytes, value: Any) -> None:
        scope = {**request.scope, "headers": list(request.scope["headers"])}
        MutableHeaders(scope=scope)["content-type"] = "application/json"
        super().__init__(scope, request.receive)
        self._body = body
        self._json = value


class DocumentRoute(APIRoute):
    """Parses the body itself and names exactly what is wrong with it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_document(request: Request) -> Response:
            content_type = type_of(request)
            if self.body_field is not None and (content_type == "application/json" or content_type in YAML_TYPES):
                body = await request.body()
                request = _ParsedRequest(request, body, parse(body, content_type) if body else None)
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise RequestValidationError(located(error.errors(), error.body), body=error.body) from error

        return handle_document


def located(errors: Sequence[Any], body: Any) -> list[dict[str, Any]]:
    """Pydantic's errors with places that exist in the body: it also names the branches of unions, which are dropped."""
    return [{**error, "loc": _place(error["loc"], body, missing=error["type"] == "missing")} for error in errors]


def _place(loc: Sequence[str | int], body: Any, *, missing: bool) -> tuple[str | int, ...]:
    """`("body", "checks", 2, "in_range", "max")` of a body with `checks` is `("body", "checks", 2, "max")`."""
    if not loc or loc[0] != "body":
        return tuple(loc)
    node = body
    found: list[str | int] = ["body"]
    branch_named = False
    for place, part in enumerate(loc[1:], start=1):
        # A branch may be called as a field is: `{"gate": "metric", "metric": "mae"}`. Its name comes first.
        if isinstance(node, dict) and not branch_named and part in (node.get(tag) for tag in _TAGS):
            branch_named = True
            continue
        here = isinstance(node, dict) and part in node
        if here or (isinstance(node, list) and isinstance(part, int) and part < len(node)):
            node, branch_named = node[part], False
        elif not (missing and place == len(loc) - 1):
            continue
        found.append(part)
    return tuple(found)
