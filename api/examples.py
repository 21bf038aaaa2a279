"""An example of what each operation takes and answers: bodies as written in `api.example_bodies`, answers composed.

An answer is composed from its model, field by field: the field's own example, what `api.example_values` has for its
name, its default, its first allowed value, or null. So a new route has an example without a word, and one that fits.
"""

from collections.abc import Iterator
from typing import Any

from api.example_bodies import BODIES
from api.example_values import VALUES

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
    "null": type(None),
}  # fmt: skip
_WHEN = {"date-time": "2012-07-02T09:14:05Z", "date": "2012-07-02", "uuid": "0199b5a2-6c1e-7d40-9f3a-5b1c2d3e4f50"}
_REF = "#/components/schemas/"


def exemplify(document: dict[str, Any]) -> dict[str, Any]:
    """The document with an example beside the schema of each body and of each answer in JSON."""
    schemas = document["components"]["schemas"]
    for item in document["paths"].values():
        for operation in item.values():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body is not None and operation["operationId"] in BODIES:
                body["example"] = BODIES[operation["operationId"]]
            for status, answer in operation["responses"].items():
                content = answer.get("content", {}).get("application/json")
                if content is not None and status.startswith("2"):
                    content["example"] = _Composer(schemas).of(
                        content["schema"], "answer", operation["operationId"], ()
                    )
    return document


class _Composer:
    def __init__(self, schemas: dict[str, Any]) -> None:
        self._schemas = schemas

    def of(self, schema: dict[str, Any], name: str, owner: str, above: tuple[str, ...]) -> Any:
        """An example of a field called `name` in the model `owner`, inside the models `above`."""
        if f"{owner}.{name}" in VALUES:
            return VALUES[f"{owner}.{name}"]
        if "examples" in schema:
            return schema["examples"][0]
        known = VALUES.get(name, ())
        for value in known if isinstance(known, tuple) else (known,):
            if self._suits(value, schema):
                return value
        if schema.get("default") is not None:
            return schema["default"]
        options = list(self._options(schema))
        kinds = [one for one in options if one.get("type") != "null" and one.get("$ref") not in above]
        open_ended = not any(self._resolved(one).get("properties") for one in kinds)
        if not kinds or (len(kinds) < len(options) and open_ended):
            return None
        return self._of_one(kinds[0], name, owner, above)

    def _of_one(self, schema: dict[str, Any], name: str, owner: str, above: tuple[str, ...]) -> Any:
        if "$ref" in schema:
            owner, above = schema["$ref"].removeprefix(_REF), (*above, schema["$ref"])
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "examples" in schema:
            return schema["examples"][0]
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "object":
            return self._of_object(schema, name, owner, above)
        if schema.get("type") == "array":
            item = self.of(schema["items"], f"{name}[]", owner, above) if schema.get("items") else None
            return [] if item is None else [item]
        return _plain(schema)

    def _of_object(self, schema: dict[str, Any], name: str, owner: str, above: tuple[str, ...]) -> dict[str, Any]:
        inner = schema.get("additionalProperties")
        if "properties" in schema or not isinstance(inner, dict):
            return {key: self.of(one, key, owner, above) for key, one in schema.get("properties", {}).items()}
        value = self.of(inner, f"{name}.*", owner, above)
        return {} if value is None else {str(VALUES.get(f"{name}.key", "temp")): value}

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self._schemas[schema["$ref"].removeprefix(_REF)] if "$ref" in schema else schema
        return found

    def _options(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        inside = self._resolved(schema)
        inner = inside.get("anyOf") or inside.get("oneOf")
        if inner:
            for one in inner:
                yield from self._options(one)
        else:
            yield schema

    def _suits(self, value: Any, schema: dict[str, Any]) -> bool:
        """Whether the type of a value is one that the schema allows."""
        return any(self._suits_one(value, self._resolved(one)) for one in self._options(schema))

    def _suits_one(self, value: Any, schema: dict[str, Any]) -> bool:
        if "enum" in schema or "const" in schema:
            return value in schema.get("enum", [schema.get("const")])
        if schema.get("properties"):
            return False
        if isinstance(value, list) and "items" in schema and value:
            return schema.get("type") == "array" and self._suits(value[0], schema["items"])
        kind = schema.get("type")
        return kind is None or (isinstance(value, _TYPES[kind]) and isinstance(value, bool) == (kind == "boolean"))


def _plain(schema: dict[str, Any]) -> Any:
    """A value of a type of which nothing more is known."""
    kind = schema.get("type")
    if kind == "string":
        return _WHEN.get(schema.get("format", ""), "…")
    if kind == "integer":
        return max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1)
    return {"number": 0.5, "boolean": False}.get(str(kind))
