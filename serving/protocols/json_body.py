"""Reads a JSON body, or says where it breaks. All protocols come through here."""

import json
from collections.abc import Callable
from typing import Any

import orjson

from serving.errors import BadJson, NotANumber, WrongContentType

_JSON_TYPES = frozenset({"application/json", "text/json", ""})


def require_json(content_type: str) -> None:
    """Raises WrongContentType unless the media type is JSON; none at all is taken as JSON."""
    if content_type != "application/json" and media_type(content_type) not in _JSON_TYPES:
        raise WrongContentType(
            f"The body is {content_type!r}, not JSON.", where="Content-Type", fix="Send Content-Type: application/json."
        )


def media_type(content_type: str) -> str:
    """`application/json` of `Application/JSON; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


def load_json(body: bytes) -> Any:
    """The decoded body. NaN and infinities are refused as NotANumber, all else that is no JSON as BadJson."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        rest = error.doc[error.pos : error.pos + 9].lstrip("-")
        if "infinity" in error.msg or rest.startswith(("NaN", "Infinity")):
            raise NotANumber(
                "JSON has no NaN and no infinity.", where=where, fix="Send null for a missing value."
            ) from error
        raise BadJson(f"The body is no valid JSON: {error.msg}.", where=where) from error


def load_json_with_nan(body: bytes) -> Any:
    """The decoded body, in which NaN stands for null: so other JSON writers, Python's own too, put a missing number."""
    try:
        return load_json(body)
    except NotANumber:
        try:
            return json.loads(body, parse_constant=_constant)
        except RecursionError as error:
            raise BadJson("The body is nested too deeply.", where="body") from error
        except ValueError as error:
            raise BadJson(f"The body is no valid JSON: {error}.", where="body") from error


def _constant(name: str) -> None:
    if name != "NaN":
        raise NotANumber("JSON has no infinity.", where="body", fix="Send null for a missing value.")


def load_object(body: bytes, load: Callable[[bytes], Any] = load_json) -> dict[str, Any]:
    """The decoded body, which must be a JSON object."""
    payload = load(body)
    if not isinstance(payload, dict):
        raise BadJson(f"The body must be a JSON object, not {_kind(payload)}.", where="line 1, column 1")
    return payload


def _kind(value: Any) -> str:
    return {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
