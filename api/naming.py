"""How schemas are called in the API's description: where two classes have one name, their nouns tell them apart.

Pydantic then calls them by the paths of their modules (`api__schemas__pins__PinRead`), but leaves both titles as they
were; who makes a client by titles finds the same class twice, and drops every operation that uses the second.
"""

import re
from typing import Any

_PATH = re.compile(r"(?:api__schemas|domain)__(?P<noun>[a-z_]+?)(?:__[a-z_]+)*__(?P<name>[A-Z]\w*)")
_SCHEMAS = "#/components/schemas/"


def told_apart(document: dict[str, Any]) -> dict[str, Any]:
    """The document with `PinsPinRead` in place of `api__schemas__pins__PinRead`, title and references alike."""
    schemas = document["components"]["schemas"]
    names = {path: name for path in schemas if (name := name_of(path)) != path}
    renamed: dict[str, Any] = _pointed(document, {_SCHEMAS + path: _SCHEMAS + name for path, name in names.items()})
    renamed["components"]["schemas"] = {
        names.get(path, path): schema | {"title": names[path]} if path in names else schema
        for path, schema in renamed["components"]["schemas"].items()
    }
    return renamed


def name_of(path: str) -> str:
    """`domain__model_checks__quality__LeakageCheck` is the `ModelChecksLeakageCheck`; other names stay."""
    found = _PATH.fullmatch(path)
    return found["noun"].title().replace("_", "") + found["name"] if found else path


def _pointed(value: Any, pointers: dict[str, str]) -> Any:
    """The same with each reference where `pointers` says, those of discriminators too."""
    if isinstance(value, dict):
        return {key: _pointed(each, pointers) for key, each in value.items()}
    if isinstance(value, list):
        return [_pointed(each, pointers) for each in value]
    return pointers.get(value, value) if isinstance(value, str) else value
