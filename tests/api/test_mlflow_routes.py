"""Every route of the MLflow that is installed: what of it is passed on, so that a new release is looked at first."""

import json
import os
import re
import subprocess
import sys

import pytest

from api.mlflow_paths import NotPassedOn, scope_of
from domain.access.actor import Scope

pytestmark = pytest.mark.slow

LIST = """
import json, warnings
warnings.simplefilter("ignore")
from mlflow.server import app
from mlflow.server.graphql.graphql_schema_extensions import schema
routes = [[m, r.rule] for r in app.url_map.iter_rules() for m in r.methods - {"HEAD", "OPTIONS"}]
mutations = sorted(schema.graphql_schema.mutation_type.fields)
print(json.dumps([routes, mutations]))
"""
# Parts of MLflow that callers of Millrace do not reach: the first word after the version.
KEPT_AWAY = {
    "demo", "gateway", "genai", "jobs", "mcp-servers", "prompt-optimization", "scorer", "users", "webhooks",
    "get-online-trace-details", "unified-traces",
}  # fmt: skip
READING_POSTS = re.compile(
    r"(search|search-datasets|get-latest-versions|batchGetInfos|metrics|calculate-filter-correlation|"
    r"presigned-download-url|graphql)$"
)


@pytest.fixture(scope="module")
def listed() -> tuple[list[tuple[str, str]], list[str]]:
    answer = subprocess.run(
        [sys.executable, "-c", LIST], env=os.environ, capture_output=True, text=True, check=True, timeout=120
    )
    routes, mutations = json.loads(answer.stdout.splitlines()[-1])
    return [(method, re.sub(r"<[^>]+>", "x", rule).lstrip("/")) for method, rule in routes], mutations


def test_whatever_changes_something_needs_write_or_is_kept_away(
    listed: tuple[list[tuple[str, str]], list[str]],
) -> None:
    assert len(listed[0]) > 300
    away = set()
    for method, path in listed[0]:
        try:
            scope = scope_of(method, path)
        except NotPassedOn:
            away.add((method, path))
            continue
        reads = method == "GET" or (method == "POST" and READING_POSTS.search(path) is not None)
        assert scope == (Scope.READ if reads else Scope.WRITE), (method, path)
    for method, path in away:
        noun = re.sub(r"^(ajax-)?api/\d\.0/?(mlflow/)?", "", path).partition("/")[0]
        known = noun in KEPT_AWAY or path.startswith(("build/", "ajax-api/2.0mlflow", "api/2.0mlflow"))
        special = method != "GET" and path.endswith(
            ("gateway-proxy", "workspaces", "workspaces/x", "ui-telemetry", "issues/invoke", "create-promptlab-run",
             "scorers/online-config")
        )  # fmt: skip
        assert known or special, (method, path)


def test_graphql_only_searches(listed: tuple[list[tuple[str, str]], list[str]]) -> None:
    assert listed[1] == ["mlflowSearchDatasets", "mlflowSearchRuns", "testMutation"]
