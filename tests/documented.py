"""Which problems the API's description promises: asked for every problem that is answered in a test."""

import json
import re
from functools import cache
from typing import Any
from urllib.parse import unquote

import httpx

from api.description import CODES_KEY, PROBLEM_TYPE
from tests.architecture.source import ROOT

_PARAMETER = re.compile(r"\{\w+\}")


@cache
def document() -> dict[str, Any]:
    """The committed description; that it is current has a test of its own."""
    loaded: dict[str, Any] = json.loads((ROOT / "api" / "openapi.json").read_text(encoding="utf-8"))
    return loaded


@cache
def _templates() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    """Paths as patterns, those with the fewest parameters first: `/runs/compare` is not a `/runs/{run_id}`."""
    paths = sorted(document()["paths"].items(), key=lambda one: one[0].count("{"))
    return [(re.compile(_PARAMETER.sub("[^/]*", path.replace("{path}", ".*"))), item) for path, item in paths]


def undocumented(request: httpx.Request, answer: httpx.Response) -> str | None:
    """What the description lacks of an answer; None when it has it, or when no operation is behind the address."""
    if answer.headers.get("content-type") != PROBLEM_TYPE:
        return None
    path = unquote(request.url.raw_path.partition(b"?")[0])  # as routes see it: `%2f` is a slash
    item = next((item for pattern, item in _templates() if pattern.fullmatch(path)), {})
    operation = item.get(request.method.lower())
    if operation is None:
        return None
    code = answer.json()["code"]
    if code in operation["responses"].get(str(answer.status_code), {}).get(CODES_KEY, ()):
        return None
    return f"{operation['operationId']} answers {answer.status_code} {code}, which its description does not have"
