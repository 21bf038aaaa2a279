"""Monitoring over HTTP: policies, ground truth, windows, alerts."""

from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from domain.deployments.queries import get_endpoint
from domain.monitoring import service
from domain.monitoring.models import MonitoringWindow
from domain.monitoring.windows import WindowPlan
from domain.registry.queries import get_version
from tests.api.answers import refused
from tests.domain.deployments.versions import ANN, add_versions
from tests.domain.monitoring.results import drift, quality


@pytest.fixture(autouse=True)
def endpoint(client: httpx.Client, runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 1)
    assert client.put("endpoints/e", json={"model": "m"}).status_code == 201


def close_window(runtime: Runtime, number: int, *, value: float | None) -> None:
    with runtime.transaction() as session:
        endpoint = get_endpoint(session, "e")
        plan = WindowPlan((f"s{number}",), f"{number}0", f"{number}9", 500)
        service.open_windows(session, endpoint_id=endpoint.id, plans=[plan])
        window = session.query(MonitoringWindow).filter_by(first_id=plan.first_id).one()
        service.close_window(
            session,
            window_id=window.id,
            version_id=get_version(session, "m", 1).id,
            drift=drift(),
            performance=None if value is None else quality(value),
        )


class TestMonitor:
    def test_is_the_default_until_it_is_put(self, client: httpx.Client) -> None:
        before = client.get("endpoints/e/monitor")
        assert (before.json()["policy"]["window_rows"], before.headers["ETag"]) == (1000, '"0"')
        body = {"policy": {"window_rows": 200, "metric": "rmse"}, "governor": {"daily_budget": 1}}
        assert client.put("endpoints/e/monitor", json=body).status_code == 200
        found = client.get("endpoints/e/monitor").json()
        assert (found["policy"]["metric"], found["governor"]["daily_budget"]) == ("rmse", 1)

    def test_that_somebody_else_has_put_meanwhile_is_not_overwritten(self, client: httpx.Client) -> None:
        seen = {"If-Match": client.get("endpoints/e/monitor").headers["ETag"]}
        first = client.put("endpoints/e/monitor", json={"policy": {"window_rows": 200}}, headers=seen)
        assert (first.status_code, first.headers["ETag"], first.json()["revision"]) == (200, '"1"', 1)
        second = client.put("endpoints/e/monitor", json={"policy": {"window_rows": 300}}, headers=seen)
        assert (second.status_code, second.json()["code"], second.json()["where"]) == (412, "stale", "If-Match")
        assert client.get("endpoints/e/monitor").json()["policy"]["window_rows"] == 200

    @pytest.mark.parametrize(
        ("body", "code", "where"),
        [
            ({"policy": {"metric": "accuracy"}}, "unfit_metric", "policy.metric"),
            ({"policy": {"window_rows": 60, "min_rows": 90}}, "invalid_request", "body.policy"),
            ({"governor": {"windows_needed": 5}}, "invalid_request", "body.governor"),
            ({"policy": {"windows": 1}}, "invalid_request", "body.policy.windows"),
        ],
    )
    def test_that_cannot_work_is_refused(
        self, client: httpx.Client, body: dict[str, Any], code: str, where: str
    ) -> None:
        assert refused(client.put("endpoints/e/monitor", json=body), 422, code)["where"] == where

    def test_of_no_endpoint_is_not_there(self, client: httpx.Client) -> None:
        for path in ("monitor", "drift", "performance"):
            refused(client.get(f"endpoints/none/{path}"), 404, "unknown_endpoint")


class TestTruth:
    def send(self, client: httpx.Client, *items: dict[str, Any]) -> httpx.Response:
        return client.post("endpoints/e/ground-truth", json={"items": list(items)})

    def test_counts_what_is_new(self, client: httpx.Client) -> None:
        assert self.send(client, {"id": "a", "value": 1}, {"id": "b", "value": 2.5}).json() == {"received": 2, "new": 2}
        assert self.send(client, {"id": "a", "value": 3}, {"id": "c", "value": 4}).json() == {"received": 2, "new": 1}

    @pytest.mark.parametrize(
        ("items", "code", "where"),
        [
            ([{"id": "a", "value": 1}, {"id": "a", "value": 2}], "duplicate_truth", "items.1.id"),
            ([{"id": "a", "value": 1}, {"id": "b", "value": "x"}], "unfit_truth", "items.1.value"),
            ([{"id": "a" * 37, "value": 1}], "invalid_request", "body.items.0.id"),
            ([{"id": "a"}], "invalid_request", "body.items.0.value"),
            ([], "invalid_request", "body.items"),
        ],
    )
    def test_that_makes_no_sense_is_refused_whole(
        self, client: httpx.Client, items: list[dict[str, Any]], code: str, where: str
    ) -> None:
        assert refused(self.send(client, *items), 422, code)["where"] == where
        assert self.send(client, {"id": "a", "value": 9}).json()["new"] == 1

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
    def test_that_is_not_a_number_is_refused(self, client: httpx.Client, number: str) -> None:
        content = f'{{"items": [{{"id": "a", "value": {number}}}]}}'
        answer = client.post("endpoints/e/ground-truth", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422
        assert answer.json()["code"] in {"bad_document", "invalid_request"}


class TestWindows:
    def test_are_listed_with_their_drift_and_their_quality(self, client: httpx.Client, runtime: Runtime) -> None:
        close_window(runtime, 1, value=21.0)
        close_window(runtime, 2, value=None)
        windows = client.get("endpoints/e/drift").json()["items"]
        assert [(one["version"], one["verdict"], one["drift"]["rows"]) for one in windows] == [(1, "quiet", 500)] * 2
        known = client.get("endpoints/e/performance", params={"limit": 1}).json()
        assert [one["performance"]["value"] for one in known] == [21.0]


class TestAlerts:
    def test_are_acknowledged_and_resolved(self, client: httpx.Client, runtime: Runtime) -> None:
        close_window(runtime, 1, value=40.0)
        (alert,) = client.get("alerts", params={"state": "open"}).json()["items"]
        assert (alert["kind"], alert["endpoint"], alert["severity"]) == ("quality", "e", "error")
        acknowledged = client.post(f"alerts/{alert['id']}/acknowledge").json()
        assert (acknowledged["state"], acknowledged["acknowledged_by"]) == ("acknowledged", "admin")
        refused(client.post(f"alerts/{alert['id']}/acknowledge"), 409, "wrong_alert_state")
        resolved = client.post(f"alerts/{alert['id']}/resolve", json={"reason": "mended"}).json()
        assert (resolved["state"], resolved["resolved_by"]) == ("resolved", "admin")
        refused(client.post(f"alerts/{alert['id']}/resolve"), 409, "wrong_alert_state")
        assert client.get("alerts", params={"state": "open"}).json()["items"] == []

    def test_are_acknowledged_with_a_note(self, client: httpx.Client, runtime: Runtime) -> None:
        close_window(runtime, 1, value=40.0)
        (alert,) = client.get("alerts").json()["items"]
        assert (alert["note"], alert["acknowledged_at"]) == (None, None)
        noted = client.post(f"alerts/{alert['id']}/acknowledge", json={"note": "the sensor is being changed"}).json()
        assert noted["note"] == "the sensor is being changed"
        assert noted["acknowledged_at"] > alert["opened_at"]
        (told,) = client.get("events", params={"type": "AlertAcknowledged"}).json()["items"]
        assert told["payload"]["note"] == noted["note"]

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"kind": "quality"}, 1),
            ({"kind": "drift"}, 0),
            ({"severity": "error"}, 1),
            ({"severity": "warn"}, 0),
            ({"endpoint": "e"}, 1),
            ({"endpoint": "quiet"}, 0),
            ({"model": "m"}, 1),
            ({"model": "m", "state": "resolved"}, 0),
            ({"endpoint": "e", "kind": "quality", "state": "open", "severity": "error"}, 1),
        ],
    )
    def test_are_found_by_what_they_are(
        self, client: httpx.Client, runtime: Runtime, asked: dict[str, str], found: int
    ) -> None:
        assert client.put("endpoints/quiet", json={"model": "m"}).status_code == 201
        close_window(runtime, 1, value=40.0)
        assert len(client.get("alerts", params=asked).json()["items"]) == found

    def test_lead_to_their_window(self, client: httpx.Client, runtime: Runtime) -> None:
        close_window(runtime, 1, value=40.0)
        (brief,) = client.get("alerts").json()["items"]
        whole = client.get(f"alerts/{brief['id']}").json()
        assert {name: whole[name] for name in brief} == brief
        assert (whole["window"]["id"], whole["window"]["verdict"]) == (brief["window_id"], "degraded")
        assert whole["rulings"] == []

    def test_that_are_not_there(self, client: httpx.Client) -> None:
        refused(client.post("alerts/none/resolve"), 404, "unknown_alert")
        refused(client.get("alerts/none"), 404, "unknown_alert")
        refused(client.get("alerts", params={"endpoint": "none"}), 404, "unknown_endpoint")
        refused(client.get("alerts", params={"model": "none"}), 404, "unknown_model")
        refused(client.get("alerts", params={"severity": "warning"}), 422, "invalid_request")
        refused(client.get("alerts", params={"state": "lost"}), 422, "invalid_request")
