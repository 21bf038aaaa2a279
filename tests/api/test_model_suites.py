"""Suites of models: versions of a document, refused with the place of what does not fit."""

from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from domain.experiments.models import Run
from domain.registry import service as registry
from tests.finished_runs import finished_run, make_data

YAML = """\
# what every reviewer asks for
lexicons:
  good: [fine, great]
checks:
  - {check: metric, metric: mae, max: 60}
  - {check: invariance, change: {kind: noise, columns: [x]}}
"""
HEADERS = {"Content-Type": "application/yaml"}


@pytest.fixture(autouse=True)
def model(runtime: Runtime) -> None:
    """A model `m` of `y` with one version that takes `x`."""
    with runtime.transaction() as session:
        made = registry.create_model(session, name="m", task="regression", target="y")
        run_id = finished_run(session, make_data(session))
        signature = {"task": "regression", "target": "y", "inputs": [{"name": "x", "type": "number"}]}
        session.get_one(Run, run_id).package = {"flavor": "onnx", "signature": signature}
        registry.add_version(session, model=made, run_id=run_id)


def put(client: httpx.Client, text: str = YAML, suite: str = "words", **headers: str) -> httpx.Response:
    return client.put(f"models/m/suites/{suite}", content=text, headers=HEADERS | headers)


def checks_queued(client: httpx.Client) -> int:
    return sum(job["kind"] == "RunModelChecks" for job in client.get("jobs").json()["items"])


class TestPut:
    def test_keeps_the_text_and_what_it_says(self, client: httpx.Client) -> None:
        answer = put(client)
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
        found = client.get("models/m/suites/words").json()
        assert found == answer.json()
        assert found["document"] == YAML
        assert [check["gate"] for check in found["suite"]["checks"]] == ["metric", "invariance"]

    def test_the_same_document_is_no_news_and_another_is_the_next_version(self, client: httpx.Client) -> None:
        assert [put(client).json()["number"] for _ in range(2)] == [1, 1]
        assert put(client, YAML.replace("60", "50")).json()["number"] == 2
        first = client.get("models/m/suites/words", params={"version": 1}).json()
        assert (first["number"], first["document"]) == (1, YAML)
        [listed] = client.get("models/m/suites").json()["items"]
        assert (listed["name"], listed["number"], listed["checks"]) == ("words", 2, 2)

    def test_is_refused_to_who_has_not_seen_the_newest(self, client: httpx.Client) -> None:
        put(client)
        put(client, YAML.replace("60", "50"), **{"If-Match": '"1"'})
        late = put(client, YAML.replace("60", "40"), **{"If-Match": '"1"'})
        assert (late.status_code, late.json()["code"]) == (412, "stale")

    @pytest.mark.parametrize(
        ("line", "code", "where", "said"),
        [
            ("{check: metric, metric: accuracy, min: 1}", "unfit_metric", "checks.0.metric", "mae"),
            ("{check: slices, by: [x, age], metric: mae}", "unknown_column", "checks.0.by.1", "age"),
            ("{check: invariance, change: {kind: shift, column: y, by: 1}}", "unknown_column",
             "checks.0.change.column", "x"),
            ("{check: minimum_functionality, rows: [{instance: {z: 1}, expect: 1}]}", "unknown_column",
             "checks.0.rows.0.instance.z", "z"),
            ("{check: minimum_functionality, templates: {texts: [a, '{god} b'], column: x}, expect: 1}",
             "unknown_lexicon", "checks.0.templates.texts.1", "'good'"),
            ("{check: invariance, change: {kind: append, phrases: ['{asid}']}}", "unknown_lexicon",
             "checks.0.change.phrases.0", "good"),
            ("{check: invariance, change: {kind: replace, words: {'{adj}': fine}}}", "unknown_lexicon",
             "checks.0.change.words.{adj}", "good"),
            ("{check: invariance, change: {kind: replace, words: {a: ['{bad}']}}}", "unknown_lexicon",
             "checks.0.change.words.a.0", "bad"),
            ("{check: metric, metric: mae}", "invalid_request", "body.checks.0", "min, max"),
            ("{check: invariance, change: {kind: shift, column: x}}", "invalid_request", "body.checks.0.change",
             "by or factor"),
            ("{check: nothing}", "invalid_request", "body.checks.0", ""),
        ],
    )  # fmt: skip
    def test_names_the_place_of_what_does_not_fit(
        self, client: httpx.Client, line: str, code: str, where: str, said: str
    ) -> None:
        answer = put(client, f"lexicons: {{good: [fine]}}\nchecks:\n  - {line}\n")
        problem: dict[str, Any] = answer.json()
        assert (answer.status_code, problem["code"], problem["where"]) == (422, code, where)
        assert said in problem["detail"] + problem.get("fix", "")
        assert client.get("models/m/suites").json()["items"] == []

    def test_checks_the_newest_version_again_where_the_policy_asks_for_it(self, client: httpx.Client) -> None:
        before = checks_queued(client)
        put(client)
        assert checks_queued(client) == before
        policy = {"gates": [{"gate": "behaviour", "suite": "words"}]}
        assert client.put("models/m/policy", json=policy).status_code == 200
        assert checks_queued(client) == before + 1
        put(client, YAML.replace("60", "50"))
        assert checks_queued(client) == before + 2


class TestPolicy:
    def test_may_only_name_a_suite_that_is_there(self, client: httpx.Client) -> None:
        put(client)
        policy = {"gates": [{"gate": "overfit"}, {"gate": "behaviour", "suite": "word"}]}
        answer = client.put("models/m/policy", json=policy)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["where"]) == (404, "unknown_suite", "gates.1.suite")
        assert "'words'" in problem["fix"]
        fresh = {"name": "n", "task": "regression", "target": "y", "policy": policy}
        assert client.post("models", json=fresh).json()["code"] == "unknown_suite"


class TestGet:
    def test_an_unknown_suite_or_version_is_404(self, client: httpx.Client) -> None:
        put(client)
        assert "'words'" in client.get("models/m/suites/wrds").json()["fix"]
        assert client.get("models/m/suites/words", params={"version": 2}).json()["where"] == "version"
        asked = client.post("models/m/versions/1/checks", json={"suite": "wrds"})
        assert (asked.status_code, asked.json()["code"]) == (404, "unknown_suite")
