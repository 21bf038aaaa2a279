"""Which requests to MLflow are passed on, and the scope each one needs. Pure; asked by `api.routers.mlflow`.

What is not in these tables is not passed on. MLflow trusts whoever reaches it, and parts of it do more than keep
measurements: an assistant that runs commands for callers from its own machine (which behind a proxy everybody is),
a gateway with keys of model providers, webhooks to any address, jobs. Its release is pinned, and a test walks all of
its routes: one that is new, or that moves, is seen there.
"""

import json
import re
from typing import Any, Final

from domain.access.actor import Scope
from domain.errors import Forbidden, Invalid

_SAFE: Final = frozenset({"GET", "HEAD"})
_CHANGES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_API: Final = re.compile(r"(?:ajax-)?api/[23]\.0/mlflow/(?P<rest>.+)")
_FILES: Final = re.compile(r"(?:ajax-)?api/2\.0/mlflow-artifacts/(?P<rest>.+)")
_TRICKS: Final = re.compile(r"%(?:2e|2f|5c|00)", re.IGNORECASE)
_UI: Final = frozenset({"", "health", "version", "get-artifact", "model-versions/get-artifact"})
# A POST for its long questions; all that its schema has, mutations too, are searches.
_GRAPHQL: Final = "graphql"
# What its REST is about. Each may be read by GET and changed by the other methods, but for the two tables below.
_NOUNS: Final = frozenset(
    {
        "artifacts", "datasets", "experiments", "gateway-proxy", "get-trace-artifact", "issues", "label-schemas",
        "logged-models", "metrics", "model-versions", "registered-models", "review-queues", "runs", "scorers",
        "server-info", "traces", "ui-telemetry", "upload-artifact", "workspaces",
    }
)  # fmt: skip
# (The proxy to a gateway lists its endpoints by GET, and calls them by POST.)
_ONLY_READ: Final = frozenset({"gateway-proxy", "server-info", "ui-telemetry", "workspaces"})
_READING_POSTS: Final = frozenset(
    {
        "artifacts/presigned-download-url", "datasets/search", "experiments/search", "experiments/search-datasets",
        "issues/search", "logged-models/search", "registered-models/get-latest-versions", "runs/search",
        "traces/batchGetInfos", "traces/calculate-filter-correlation", "traces/metrics", "traces/search",
    }
)  # fmt: skip
# These call models, or start jobs that do.
_NOT_PASSED: Final = frozenset({"issues/invoke", "runs/create-promptlab-run", "scorers/online-config"})
_EXPERIMENT: Final = re.compile(r"(?:ajax-)?api/2\.0/mlflow/experiments/create")
_OWN_PLACE: Final = "mlflow-artifacts:"


class BadMlflowPath(Invalid):
    """A path that would mean something else to MLflow than it does here."""

    code = "bad_mlflow_path"


class NotPassedOn(Forbidden):
    """MLflow may know this, and callers of Millrace may not ask for it."""

    code = "not_passed_on"


class ForeignPlace(Forbidden):
    """An experiment whose artifacts would be written to a place of the caller's choice."""

    code = "foreign_artifact_location"


def checked(path: str, raw: bytes) -> str:
    """The decoded `path` below the prefix, when it can only mean what it says; `raw` is it as it was sent."""
    parts = path.split("/")
    if (
        any(part in {".", ".."} for part in parts)
        or (path and "" in parts)
        or "\\" in path
        or any(ord(char) < 32 or ord(char) == 127 or char == "\ufffd" for char in path)
        or _TRICKS.search(path)
        or re.search(rb"%2f|%5c", raw, re.IGNORECASE)
    ):
        raise BadMlflowPath(
            "This path is not passed on: it has empty parts, dots, or characters that hide a separator.", where="path"
        )
    return path


def scope_of(method: str, path: str) -> Scope:
    """What a caller needs for this request. Raises `NotPassedOn` for what is not in the tables."""
    scope = _scope_of(method, path)
    if scope is None:
        raise NotPassedOn(
            f"{method} /mlflow/{path} is not passed on to MLflow.",
            where="path",
            fix="Tracking, artifacts, the registry, traces and the pages are; the assistant, the gateway, webhooks "
            "and jobs of MLflow are not.",
        )
    return scope


def _scope_of(method: str, path: str) -> Scope | None:
    if path in _UI or path.startswith("static-files/"):
        return Scope.READ if method in _SAFE else None
    if path == _GRAPHQL:
        return Scope.READ if method in {"GET", "POST"} else None
    if path == "v1/traces":
        return Scope.WRITE if method == "POST" else None
    if found := _FILES.fullmatch(path):
        return _scope_of_file(method, found["rest"])
    found = _API.fullmatch(path)
    if found is None or found["rest"].partition("/")[0] not in _NOUNS or found["rest"] in _NOT_PASSED:
        return None
    if method in _SAFE or (method == "POST" and found["rest"] in _READING_POSTS):
        return Scope.READ
    allowed = method in _CHANGES and found["rest"].partition("/")[0] not in _ONLY_READ
    return Scope.WRITE if allowed else None


def _scope_of_file(method: str, rest: str) -> Scope | None:
    kind, _, name = rest.partition("/")
    if method in _SAFE and (kind == "artifacts" or (kind == "presigned" and name)):
        return Scope.READ
    if (kind == "artifacts" and name and method in {"PUT", "DELETE"}) or (kind == "mpu" and name and method == "POST"):
        return Scope.WRITE
    return None


def is_file(path: str) -> bool:
    """Whether the answer is bytes that somebody has stored, and that no browser should run."""
    last = path.rpartition("/")[2]
    return (
        bool(_FILES.fullmatch(path))
        or last in {"get-artifact", "get-trace-artifact"}
        or path.endswith("/artifacts/files")
    )


def takes_file(method: str, path: str) -> bool:
    """Whether the body is a file of any size, which MLflow takes as a stream."""
    return method == "PUT" and _FILES.fullmatch(path) is not None


def chooses_place(path: str) -> bool:
    """Whether the body may name a place for artifacts, for `refuse_foreign_place` to read."""
    return _EXPERIMENT.fullmatch(path) is not None


def refuse_foreign_place(body: bytes) -> None:
    """An experiment keeps its artifacts where the server does: else it would write files anywhere it can reach."""
    try:
        asked: Any = json.loads(body)
    except ValueError as error:
        raise Invalid("The body is not JSON.", where="body") from error
    # Both spellings are read by MLflow.
    places = [asked.get(name) for name in ("artifact_location", "artifactLocation")] if isinstance(asked, dict) else []
    if any(place and not str(place).startswith(_OWN_PLACE) for place in places):
        raise ForeignPlace(
            "An experiment's artifacts are kept where this installation keeps them.",
            where="body.artifact_location",
            fix="Leave artifact_location out.",
        )
