"""What a newer description of the API takes from those who rely on an older one. Pure; `api.openapi_check` calls it.

A client breaks when it may no longer send what it sends, or may be sent what it has never met. Both descriptions are
OpenAPI documents as FastAPI makes them; models are compared where they are used, once as sent and once as answered.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.schema_breaks import Schema, Schemas

# Only who sends `Range` or `If-None-Match` is answered with these.
_ASKED_FOR = {"206", "304"}
_KEEP = "Keep it, marked as deprecated, beside the new."


@dataclass(frozen=True, order=True)
class Break:
    """`says` is one sentence: where, and what. It names the break, so it may not depend on the order of anything."""

    says: str
    fix: str


def breaks(old: Schema, new: Schema) -> list[Break]:
    """Everything that breaks for a client of `old`; empty when `new` only adds."""
    return sorted(set(_all(old, new)))


def _all(old: Schema, new: Schema) -> Iterator[Break]:
    schemas = Schemas(old, new)
    standing = {(method, _shape(path)): one for method, path, one in _operations(new)}
    for method, path, before in _operations(old):
        after = standing.get((method, _shape(path)))
        if after is None:
            yield Break(f"{method.upper()} {path} ({before['operationId']}) is gone.", _KEEP)
        else:
            yield from _operation(f"{before['operationId']}", before, after, schemas)
    for where, what, fix in schemas.found:
        yield Break(f"{where} {what}.", fix)
    for code in sorted(_codes(old) - _codes(new)):
        yield Break(f"The problem code `{code}` is gone.", "Codes are for programs: keep its name, or keep raising it.")


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def _shape(path: str) -> str:
    """The path without the names of its parameters, which are compared as parameters."""
    return re.sub(r"{\w+}", "{}", path)


def _codes(document: Schema) -> set[str]:
    answers = (answer for _, _, operation in _operations(document) for answer in operation["responses"].values())
    return {code for answer in answers for code in answer.get("x-problem-codes", ())}


def _operation(name: str, old: Schema, new: Schema, schemas: Schemas) -> Iterator[Break]:
    if new["operationId"] != name:
        yield Break(
            f"{name} is called {new['operationId']} now.", "SDKs call it by its name: keep the function's name."
        )
    if old.get("tags") != new.get("tags"):
        yield Break(
            f"{name} is tagged {new.get('tags')} now, not {old.get('tags')}.", "SDKs file it by its tag: keep it."
        )
    yield from _security(name, old, new)
    yield from _parameters(name, old, new, schemas)
    yield from _body(name, old, new, schemas)
    yield from _answers(name, old, new, schemas)


def _security(name: str, old: Schema, new: Schema) -> Iterator[Break]:
    """Whoever was let in is let in: for each old way there is a new one that asks for no more."""
    ways = new.get("security") or [{}]
    for had in old.get("security") or [{}]:
        if not any(
            all(set(scopes) <= set(had.get(by, [None])) and by in had for by, scopes in way.items()) for way in ways
        ):
            said = " or ".join(sorted(f"{by} with {', '.join(scopes)}" for way in ways for by, scopes in way.items()))
            yield Break(f"{name} asks for {said} now.", "Who holds a smaller token is refused now: keep the scope.")


def _parameters(name: str, old: Schema, new: Schema, schemas: Schemas) -> Iterator[Break]:
    before, after = _by_place(old), _by_place(new)
    for place, parameter in before.items():
        where = f"{name}, {place[0]} parameter `{parameter['name']}`"
        if place not in after:
            yield Break(f"{where} is gone.", _KEEP)
            continue
        if after[place].get("required") and not parameter.get("required"):
            yield Break(f"{where} is required now.", "Give it a default.")
        was, now = _in_url(parameter["schema"]), _in_url(after[place]["schema"])
        if now.get("type") == "array" and was.get("type") != "array":  # `?kind=a` is a list of one, too
            now = now["items"]
        schemas.compare(was, now, where, sent=True)
        schemas.compare_defaults(parameter["schema"], after[place]["schema"], where)
    for place, parameter in after.items():
        if place not in before and parameter.get("required"):
            where = f"{name}, {place[0]} parameter `{parameter['name']}`"
            yield Break(f"{where} is new and required.", "Give it a default.")


def _in_url(schema: Schema) -> Schema:
    """The schema without null, which no URL or header can say: what may be null may be left out."""
    said = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return said[0] if len(said) == 1 else schema | ({"anyOf": said} if said else {})


def _by_place(operation: Schema) -> dict[tuple[str, str], Schema]:
    return {(one["in"], one["name"].lower()): one for one in operation.get("parameters", ())}


def _body(name: str, old: Schema, new: Schema, schemas: Schemas) -> Iterator[Break]:
    before, after = old.get("requestBody", {}), new.get("requestBody", {})
    if after.get("required") and not before.get("required"):
        yield Break(f"{name}, body is required now.", "Let it be left out.")
    for media_type, content in before.get("content", {}).items():
        if media_type not in after.get("content", {}):
            yield Break(f"{name}, body of type {media_type} is not taken any more.", "Go on taking it.")
        else:
            schemas.compare(_schema(content), _schema(after["content"][media_type]), f"{name}, body", sent=True)


def _answers(name: str, old: Schema, new: Schema, schemas: Schemas) -> Iterator[Break]:
    before, after = old["responses"], new["responses"]
    for status in sorted(before.keys() | after.keys()):
        where, good = f"{name}, answer {status}", status[0] in "23"
        if status not in after:
            if good:
                yield Break(f"{where} is gone.", "Go on answering with this status.")
        elif status not in before:
            if good and status not in _ASKED_FOR:
                yield Break(f"{where} is new.", "Clients know the statuses it had: answer with one of them.")
        else:
            contents = after[status].get("content", {})
            for media_type, content in before[status].get("content", {}).items():
                if media_type in contents:
                    schemas.compare(_schema(content), _schema(contents[media_type]), where, sent=False)
                elif good:
                    yield Break(f"{where} of type {media_type} is gone.", "Go on answering with this type.")


def _schema(content: Schema) -> dict[str, Any]:
    schema: dict[str, Any] = content.get("schema", {})
    return schema
