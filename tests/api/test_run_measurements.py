"""Curves and artifacts of a run over HTTP, before a stand-in for MLflow; `tests/flows` has the real one."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from adapters.runtime import Runtime
from adapters.settings import Settings
from domain.experiments.models import Run
from tests.api.upstream import Asked, Upstream
from tests.finished_runs import finished_run, make_data
from tests.servers import free_port, serving

METRICS = [{"key": f"m{n:04}", "value": n, "timestamp": 1_700_000_000_000, "step": 3} for n in range(5_000)]
HISTORY = [
    {"key": "loss", "value": 0.5, "timestamp": 1_700_000_000_000},
    {"key": "loss", "value": "NaN", "timestamp": 1_700_000_001_000, "step": 1},
    {"key": "loss", "value": 1.7976931348623157e308, "timestamp": 1_700_000_002_000, "step": 2},
    {"key": "loss", "value": "-Infinity", "timestamp": 1_700_000_003_000, "step": 3},
]
MODEL = "m-0123"


def answer(asked: Asked) -> Response:
    """As MLflow 3.17 answers."""
    query = {name: values[0] for name, values in parse_qs(asked.query).items()}
    path = asked.path.removeprefix("/mlflow/")
    if query.get("run_id", query.get("run_ids", "known")) != "known":
        return JSONResponse({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run not found"}, 404)
    if path == "api/2.0/mlflow/runs/get":
        run = {"data": {"metrics": METRICS}, "outputs": {"model_outputs": [{"model_id": MODEL, "step": 0}]}}
        return JSONResponse({"run": run})
    if path == "api/2.0/mlflow/metrics/get-history-bulk-interval":
        return JSONResponse({"metrics": HISTORY} if query["metric_key"] == "loss" else {})
    if path == "api/2.0/mlflow/artifacts/list":
        listed = [{"path": "plots", "is_dir": True}, {"path": "a.png", "is_dir": False, "file_size": 4}]
        return JSONResponse({"files": listed} if "path" not in query else {})
    if path == f"api/2.0/mlflow/logged-models/{MODEL}/artifacts/directories":
        return JSONResponse({"files": [{"path": "MLmodel", "is_dir": False, "file_size": 9}]})
    if path == f"ajax-api/2.0/mlflow/logged-models/{MODEL}/artifacts/files":
        return Response(query["artifact_file_path"].encode())
    if path == "get-artifact" and query["path"] != "gone.txt":
        return Response(query["path"].encode(), headers={"content-type": "text/html"})
    return JSONResponse({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such artifact"}, 404)


@pytest.fixture
def upstream() -> Upstream:
    return Upstream(answer=answer)


@pytest.fixture
def mlflow_url(upstream: Upstream) -> Iterator[str]:
    with serving(upstream) as url:
        yield f"{url}/mlflow"


@pytest.fixture
def settings(tmp_path: Path, database_url: str, mlflow_url: str) -> Settings:
    return Settings(home=tmp_path / "home", database_url=database_url, mlflow_url=mlflow_url, _env_file=None)


def add_run(runtime: Runtime, mlflow_run_id: str) -> str:
    with runtime.transaction() as session:
        run_id = finished_run(session, make_data(session))
        session.get_one(Run, run_id).mlflow_run_id = mlflow_run_id
    return run_id


@pytest.fixture
def run(runtime: Runtime) -> str:
    return f"runs/{add_run(runtime, 'known')}"


class TestCurves:
    def test_come_with_steps_times_and_what_is_no_number(self, client: httpx.Client, run: str) -> None:
        found = client.get(f"{run}/curves", params={"keys": "loss, other"})
        assert found.status_code == 200
        loss, other = found.json()["curves"]
        assert (loss["key"], loss["steps"], loss["values"]) == ("loss", [0, 1, 2, 3], [0.5, None, None, None])
        assert loss["not_finite"] == {"1": "nan", "2": "inf", "3": "-inf"}
        assert loss["at"][0] == "2023-11-14T22:13:20Z"
        assert (other["key"], other["steps"]) == ("other", [])

    def test_are_thinned_by_mlflow(self, client: httpx.Client, run: str, upstream: Upstream) -> None:
        client.get(f"{run}/curves", params={"keys": "loss", "points": 7})
        assert "max_results=7" in upstream.asked[0].query

    def test_of_5000_metrics_are_found_page_by_page(self, client: httpx.Client, run: str) -> None:
        first = client.get(f"{run}/curves").json()
        assert (first["total"], len(first["metrics"]), first["next_after"]) == (5_000, 100, "m0099")
        assert first["metrics"][1] == {
            "key": "m0001", "value": 1.0, "not_finite": None, "step": 3, "at": "2023-11-14T22:13:20Z"
        }  # fmt: skip
        last = client.get(f"{run}/curves", params={"after": "m4899"}).json()
        assert (last["metrics"][0]["key"], len(last["metrics"]), last["next_after"]) == ("m4900", 100, None)

    def test_of_a_run_that_has_just_begun_are_none(self, client: httpx.Client, runtime: Runtime) -> None:
        run = f"runs/{add_run(runtime, '')}"
        found = client.get(f"{run}/curves").json()
        assert (found["tracked"], found["total"], found["metrics"]) == (False, 0, [])
        assert client.get(f"{run}/curves", params={"keys": "loss"}).json()["curves"][0]["values"] == []
        assert client.get(f"{run}/artifacts").json() == []
        assert client.get(f"{run}/artifacts/content/a.png").status_code == 404

    def test_are_refused_in_a_heap(self, client: httpx.Client, run: str) -> None:
        problem = client.get(f"{run}/curves", params={"keys": ",".join(f"m{n}" for n in range(21))}).json()
        assert (problem["status"], problem["code"]) == (422, "too_many_curves")

    def test_of_an_unknown_run(self, client: httpx.Client, runtime: Runtime) -> None:
        for path in ("curves", "artifacts", "artifacts/content/a.png"):
            problem = client.get(f"runs/nothing/{path}").json()
            assert (problem["status"], problem["code"]) == (404, "unknown_run")
        lost = client.get(f"runs/{add_run(runtime, 'lost')}/curves").json()
        assert (lost["status"], lost["code"]) == (404, "not_recorded")


class TestArtifacts:
    def test_are_listed_with_the_models_of_the_run(self, client: httpx.Client, run: str) -> None:
        assert client.get(f"{run}/artifacts").json() == [
            {"path": "plots", "is_dir": True, "bytes": None},
            {"path": "a.png", "is_dir": False, "bytes": 4},
            {"path": f"models/{MODEL}", "is_dir": True, "bytes": None},
        ]
        assert client.get(f"{run}/artifacts", params={"path": f"models/{MODEL}/"}).json() == [
            {"path": f"models/{MODEL}/MLmodel", "is_dir": False, "bytes": 9}
        ]
        assert client.get(f"{run}/artifacts", params={"path": "models/m-other"}).json() == []

    @pytest.mark.parametrize(
        ("path", "kind", "way"),
        [
            ("a.png", "image/png", "inline"),
            ("data/rows é.csv", "text/csv; charset=utf-8", "inline"),
            ("x.json", "application/json", "inline"),
            ("page.html", "application/octet-stream", "attachment"),
            ("drawing.svg", "application/octet-stream", "attachment"),
            ("code.js", "application/octet-stream", "attachment"),
            (f"models/{MODEL}/MLmodel", "text/plain; charset=utf-8", "inline"),
        ],
    )
    def test_are_shown_or_saved_and_never_run(
        self, client: httpx.Client, run: str, path: str, kind: str, way: str
    ) -> None:
        found = client.get(f"{run}/artifacts/content/{path}")
        assert (found.status_code, found.text) == (200, path.removeprefix(f"models/{MODEL}/"))
        assert found.headers["content-type"] == kind
        assert found.headers["content-disposition"].startswith(f"{way}; filename*=UTF-8''")
        assert found.headers["content-security-policy"].startswith("sandbox")
        assert found.headers["x-content-type-options"] == "nosniff"

    def test_that_are_not_there(self, client: httpx.Client, run: str) -> None:
        problem = client.get(f"{run}/artifacts/content/gone.txt").json()
        assert (problem["status"], problem["code"]) == (404, "not_recorded")

    def test_by_a_path_that_leads_out(self, client: httpx.Client, run: str, upstream: Upstream) -> None:
        for path in ("../x", "a/../../x", "/etc//passwd", "a\\b", "%2e%2e/x"):
            assert client.get(f"{run}/artifacts", params={"path": path}).status_code == 422
        for path in ("a%2f..%2fb", "%252e%252e/x", "a//b", "a%5Cb"):
            assert client.get(f"{run}/artifacts/content/{path}").status_code == 422
        assert upstream.asked == []


class TestWithoutMlflow:
    @pytest.fixture
    def mlflow_url(self) -> str:
        return f"http://127.0.0.1:{free_port()}/mlflow"

    def test_says_who_is_away(self, client: httpx.Client, run: str) -> None:
        for path in ("curves", "curves?keys=a", "artifacts", "artifacts/content/a.png"):
            problem = client.get(f"{run}/{path}").json()
            assert (problem["status"], problem["code"], problem["where"]) == (503, "tracking_away", "mlflow")


class TestMlflowInTrouble:
    def test_is_told_apart(self, client: httpx.Client, run: str, upstream: Upstream) -> None:
        for status, body, expected in (
            (500, json.dumps({"message": "oops"}), (503, "tracking_away")),
            (403, "Invalid Host header", (422, "tracking_refused")),
        ):
            upstream.answer = lambda _, status=status, body=body: Response(body, status)  # type: ignore[misc]
            problem = client.get(f"{run}/curves").json()
            assert (problem["status"], problem["code"]) == expected
