"""Windows over HTTP: one by one, as a heat map, and judged again by other policies."""

from itertools import count
from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from domain.db import new_id
from domain.deployments.queries import get_endpoint
from domain.monitoring import service
from domain.monitoring.models import MonitoringWindow
from domain.monitoring.specs import Distribution, DriftResult, PerformanceResult
from domain.monitoring.windows import WindowPlan, time_of_id
from domain.registry.queries import get_version
from tests.api.answers import refused
from tests.conftest import ON_BOTH_DATABASES
from tests.domain.deployments.versions import ANN, add_versions
from tests.domain.monitoring.results import drift, quality

TEMP = Distribution(name="temp", kind="number", edges=[0.0, 1.0], reference=[0.1, 0.8, 0.1], window=[0.0, 0.2, 0.8])
QUIET, DRIFTED, BROKEN = drift(), drift(drifted=["temp"]), drift(broken=["hum"])
_NUMBERS = count()


@pytest.fixture(autouse=True)
def endpoint(client: httpx.Client, runtime: Runtime) -> None:
    with runtime.transaction(ANN) as session:
        add_versions(session, 2)
    for name in ("e", "other"):
        assert client.put(f"endpoints/{name}", json={"model": "m"}).status_code == 201
    with runtime.transaction(ANN) as session:
        get_endpoint(session, "e").live_version_id = get_version(session, "m", 1).id


def close(
    runtime: Runtime,
    found: DriftResult = QUIET,
    performance: PerformanceResult | None = None,
    *,
    ids: tuple[str, str] | None = None,
    distributions: list[Distribution] | None = None,
) -> str:
    """The id of a new window that came to this."""
    first, last = ids or (new_id(), new_id())
    with runtime.transaction() as session:
        plan = WindowPlan((f"s{next(_NUMBERS)}",), first, last, 500)
        service.open_windows(session, endpoint_id=get_endpoint(session, "e").id, plans=[plan])
        window = session.query(MonitoringWindow).filter_by(first_id=first).one()
        service.close_window(
            session,
            window_id=window.id,
            version_id=get_version(session, "m", 1).id,
            drift=found,
            performance=performance,
            distributions=distributions,
        )
        return window.id


class TestWindow:
    def test_is_drawn_with_its_distributions_and_its_truth(self, client: httpx.Client, runtime: Runtime) -> None:
        ids = new_id(), new_id()
        window_id = close(runtime, DRIFTED, ids=ids, distributions=[TEMP])
        client.post("endpoints/e/ground-truth", json={"items": [{"id": ids[0], "value": 1.0}]})
        found = client.get(f"endpoints/e/windows/{window_id}").json()
        assert found["distributions"] == [TEMP.as_json()]
        assert (found["endpoint"], found["version"], found["verdict"], found["truths"]) == ("e", 1, "drifted", 1)
        assert found["first_at"] == f"{time_of_id(ids[0]):%FT%T.%f}Z"

    def test_of_before_they_were_kept_has_none(self, client: httpx.Client, runtime: Runtime) -> None:
        found = client.get(f"endpoints/e/windows/{close(runtime, ids=('00010', '00019'))}").json()
        assert (found["distributions"], found["first_at"], found["last_at"]) == (None, None, None)

    def test_of_another_endpoint_is_not_there(self, client: httpx.Client, runtime: Runtime) -> None:
        window_id = close(runtime)
        refused(client.get(f"endpoints/other/windows/{window_id}"), 404, "unknown_window")
        refused(client.get("endpoints/e/windows/none"), 404, "unknown_window")
        refused(client.get(f"endpoints/none/windows/{window_id}"), 404, "unknown_endpoint")

    def test_tells_how_late_the_truth_came(self, client: httpx.Client, runtime: Runtime) -> None:
        close(runtime, QUIET, quality(21.0).model_copy(update={"delay_seconds": 86_400.0}))
        (found,) = client.get("endpoints/e/performance").json()
        assert (found["performance"]["delay_seconds"], found["performance"]["labelled"]) == (86_400.0, 500)


class TestHeatMap:
    def test_has_a_row_for_each_feature_and_a_column_for_each_window(
        self, client: httpx.Client, runtime: Runtime
    ) -> None:
        ids = [close(runtime, QUIET), close(runtime, DRIFTED), close(runtime, BROKEN)]
        found = client.get("endpoints/e/drift/heatmap").json()
        assert [one["id"] for one in found["windows"]] == ids
        assert [one["verdict"] for one in found["windows"]] == ["quiet", "drifted", "broken"]
        rows = {one["name"]: one for one in found["features"]}
        assert list(rows) == ["hum", "temp", "(prediction)"]
        assert (rows["temp"]["psi"], rows["temp"]["drifted"], rows["temp"]["broken"]) == ([0.01, 2.0, 0.01], [1], [])
        assert (rows["hum"]["psi"], rows["hum"]["threshold"]) == ([0.01, 0.01, None], [0.2, 0.2, None])
        assert rows["hum"]["broken"] == [2]

    def test_is_of_the_newest(self, client: httpx.Client, runtime: Runtime) -> None:
        ids = [close(runtime) for _ in range(3)]
        found = client.get("endpoints/e/drift/heatmap", params={"limit": 2}).json()
        assert [one["id"] for one in found["windows"]] == ids[1:]

    def test_without_windows_is_empty(self, client: httpx.Client) -> None:
        assert client.get("endpoints/e/drift/heatmap").json() == {"endpoint": "e", "windows": [], "features": []}
        refused(client.get("endpoints/none/drift/heatmap"), 404, "unknown_endpoint")


@ON_BOTH_DATABASES
class TestBacktest:
    def ask(self, client: httpx.Client, **body: Any) -> dict[str, Any]:
        answer = client.post("endpoints/e/drift/backtest", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def sure(self, psi: float) -> DriftResult:
        """A window in which the temperature moved so far, beyond chance."""
        found = drift(drifted=["temp"])
        certain = {"psi": psi, "p_value": 1e-9, "bins": 10, "n": 10_000, "n_reference": 10_000}
        features = [one.model_copy(update=certain if one.name == "temp" else {}) for one in found.features]
        return found.model_copy(update={"features": features})

    def test_tells_what_another_policy_would_have_done(self, client: httpx.Client, runtime: Runtime) -> None:
        for psi in (0.3, 0.4, 0.9):
            close(runtime, self.sure(psi))
        governor = {"windows_needed": 1, "windows_seen": 1, "cooldown_seconds": 0}
        found = self.ask(client, policy={"max_effect": 0.5}, governor=governor)
        assert [one["proposed"] for one in found["windows"]] == ["quiet", "quiet", "drifted"]
        assert [one["present"] for one in found["windows"]] == ["drifted"] * 3
        assert [one["recorded"] for one in found["windows"]] == ["drifted"] * 3
        assert (found["changed"], found["metric"]) == (2, "mae")
        assert (found["proposed"]["retrains"], found["proposed"]["refusals"]) == (1, {})
        assert found["present"]["refusals"] == {"hysteresis": 1, "cooldown": 1}
        assert found["present"]["retrains"] == 1
        (alert,) = found["proposed"]["alerts"]
        assert (alert["kind"], alert["window_id"]) == ("drift", found["windows"][2]["id"])
        assert found["recorded"]["alerts"] == 1
        assert found["proposed"]["verdicts"] == {"quiet": 2, "drifted": 1, "degraded": 0, "broken": 0}

    def test_changes_nothing(self, client: httpx.Client, runtime: Runtime) -> None:
        close(runtime, DRIFTED)
        before = client.get("events").json(), client.get("endpoints/e/drift").json()
        self.ask(client, policy={"max_effect": 5.0})
        assert (client.get("events").json(), client.get("endpoints/e/drift").json()) == before
        assert client.get("endpoints/e/monitor").json()["policy"]["max_effect"] == 0.2

    def test_says_which_windows_it_cannot_judge(self, client: httpx.Client, runtime: Runtime) -> None:
        close(runtime, DRIFTED)
        close(runtime, QUIET, quality(20.0))
        found = self.ask(client, policy={"metric": "rmse", "window_rows": 200, "false_discovery": 0.9})
        assert [one["unknown"] for one in found["windows"]] == [
            "What chance alone shows in temp was not kept.",
            "Its quality was measured by mae, not by rmse.",
        ]
        assert (found["proposed"]["unknown"], found["changed"]) == (2, 0)
        assert any("size of windows is not tried" in one for one in found["assumptions"])

    def test_counts_truth_that_a_laxer_policy_would_have_taken(self, client: httpx.Client, runtime: Runtime) -> None:
        ids = [new_id() for _ in range(10)]
        close(runtime, ids=(ids[0], ids[-1]))
        client.post("endpoints/e/ground-truth", json={"items": [{"id": one, "value": 1.0} for one in ids]})
        unknown = "Its mae was not computed, as too little of its truth was there."
        (window,) = self.ask(client, policy={"min_truth_share": 0.02})["windows"]
        assert window["unknown"] == unknown
        (window,) = self.ask(client, policy={"min_truth_share": 0.03})["windows"]
        assert window["proposed"] == "quiet"

    def test_tries_what_saving_the_same_document_would_put_in_force(self, client: httpx.Client) -> None:
        put = {"policy": {"max_effect": 0.9}, "governor": {"cooldown_seconds": 5}}
        assert client.put("endpoints/e/monitor", json=put).status_code == 200
        document = {"policy": {"max_effect": 0.5}}
        tried = self.ask(client, **document)["proposed"]
        saved = client.put("endpoints/e/monitor", json=document).json()
        assert (tried["policy"], tried["governor"]) == (saved["policy"], saved["governor"])

    def test_without_a_body_tries_what_endpoints_begin_with(self, client: httpx.Client) -> None:
        found = self.ask(client)
        assert (found["windows"], found["proposed"]) == ([], found["present"])

    @pytest.mark.parametrize(
        ("body", "code", "where"),
        [
            ({"policy": {"metric": "accuracy"}}, "unfit_metric", "policy.metric"),
            ({"policy": {"max_effect": -1}}, "invalid_request", "body.policy.max_effect"),
            ({"governor": {"windows_needed": 5}}, "invalid_request", "body.governor"),
            ({"limit": 2001}, "invalid_request", "body.limit"),
            ({"gates": "maybe"}, "invalid_request", "body.gates"),
            ({"retrain_seconds": -1}, "invalid_request", "body.retrain_seconds"),
            ({"windows": 3}, "invalid_request", "body.windows"),
        ],
    )
    def test_refuses_what_cannot_be_a_policy(
        self, client: httpx.Client, body: dict[str, Any], code: str, where: str
    ) -> None:
        assert refused(client.post("endpoints/e/drift/backtest", json=body), 422, code)["where"] == where
