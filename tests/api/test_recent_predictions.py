"""The newest recorded answers of an endpoint: what is in the list, in which order, and why it may be empty."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import orjson
import pytest

from adapters.runtime import Runtime
from domain.deployments.service import put_endpoint
from domain.deployments.specs import EndpointSettings
from domain.registry.service import create_model
from domain.registry.specs import InputColumn, Label, Signature
from serving.segments import Recorded, segment_files
from tests.api.answers import refused
from tests.conftest import Drain, SteppingClock
from tests.flows.plane import working
from tests.workers.test_traffic import uuid7_at
from workers.compaction import compact

PATH = "endpoints/bikes/predictions"
NOW = datetime.now(UTC)
INPUTS = [InputColumn(name="hr", type="integer"), InputColumn(name="name", type="string")]
NUMBERS = Signature(task="regression", target="cnt", inputs=INPUTS)
LABELS = Signature(task="classification", target="cnt", inputs=INPUTS, classes=["few", "many"])


def answered(
    runtime: Runtime, *moments: datetime, answer: Label = 1.0, version: int = 1, mode: str = "live"
) -> list[str]:
    """Recorded answers of these moments, in one segment as serving writes it; their ids."""
    ids = [uuid7_at(at, place) for place, at in enumerate(moments)]
    labelled = isinstance(answer, str)
    record = Recorded(
        endpoint="bikes", version=version, package="0" * 64, mode=mode, signature=LABELS if labelled else NUMBERS,
        at=int(moments[-1].timestamp() * 1e6), latency_us=1200, ids=ids,
        inputs=orjson.dumps([{"hr": 8, "name": "Ann"}] * len(ids)), has_extra=False, redact=("name",),
        predictions=[answer] * len(ids), probabilities=np.full((len(ids), 2), 0.5) if labelled else None,
    )  # fmt: skip
    for key, content in segment_files([record], rows=1000):
        runtime.models.put(key, content)
    return ids


def put(runtime: Runtime, **settings: Any) -> None:
    with runtime.transaction() as session:
        put_endpoint(session, name="bikes", model="bikes", settings=EndpointSettings.model_validate(settings))


@pytest.fixture(autouse=True)
def endpoint(runtime: Runtime, client: httpx.Client) -> None:
    with runtime.transaction() as session:
        create_model(session, name="bikes", task="regression", target="cnt")
    put(runtime)


def recent(client: httpx.Client, drain: Drain, **query: int) -> dict[str, Any]:
    with working(drain):
        answer = client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [one["id"] for one in found["predictions"]]


def readings(client: httpx.Client) -> int:
    return len(client.get("jobs", params={"kind": "ReadPredictions"}).json()["items"])


class TestList:
    def test_answers_come_newest_first_with_what_is_known_of_them(
        self, client: httpx.Client, drain: Drain, runtime: Runtime
    ) -> None:
        [first] = answered(runtime, NOW - timedelta(minutes=2), answer=81.5)
        [second] = answered(runtime, NOW - timedelta(minutes=1), answer=float("nan"), version=2)
        client.post("endpoints/bikes/ground-truth", json={"items": [{"id": first, "value": 80.0}]})
        found = recent(client, drain)
        newest, oldest = found["predictions"]
        assert oldest == {
            "id": first, "at": oldest["at"], "version": 1, "mode": "live", "latency_us": 1200, "prediction": 81.5,
            "ground_truth": 80.0,
        }  # fmt: skip
        assert datetime.fromisoformat(oldest["at"]) == NOW - timedelta(minutes=2)
        assert (newest["id"], newest["version"], newest["prediction"], newest["ground_truth"]) == (
            second,
            2,
            None,
            None,
        )
        assert (found["model"], found["recording"], found["reason"]) == ("bikes", True, None)
        assert datetime.fromisoformat(found["as_of"]) > NOW

    def test_each_leads_to_the_prediction(self, client: httpx.Client, drain: Drain, runtime: Runtime) -> None:
        answered(runtime, NOW, answer=81.5)
        [wanted] = ids(recent(client, drain))
        with working(drain):
            whole = client.get(f"predictions/{wanted}").json()
        assert (whole["prediction"], whole["inputs"]) == (81.5, {"hr": 8, "name": None})

    def test_segments_that_overlap_are_put_in_order(self, client: httpx.Client, drain: Drain, runtime: Runtime) -> None:
        moments = [NOW - timedelta(seconds=seconds) for seconds in range(9, 0, -1)]
        odd = answered(runtime, *moments[::2], answer=1.0)
        even = answered(runtime, *moments[1::2], answer="few", version=2)
        newest = sorted(odd + even, reverse=True)
        found = recent(client, drain)
        assert ids(found) == newest
        assert [one["prediction"] for one in found["predictions"][:3]] == [1.0, "few", 1.0]
        assert ids(recent(client, drain, limit=4)) == newest[:4]

    def test_a_hundred_at_most_are_read_from_busy_segments(
        self, client: httpx.Client, drain: Drain, runtime: Runtime
    ) -> None:
        answered(runtime, *[NOW - timedelta(seconds=2)] * 150)
        newest = answered(runtime, *[NOW] * 150)[50:]
        assert ids(recent(client, drain, limit=100)) == newest[::-1]

    def test_a_quiet_endpoint_has_those_of_long_ago(self, client: httpx.Client, drain: Drain, runtime: Runtime) -> None:
        old = [answered(runtime, NOW - timedelta(days=days))[0] for days in (0, 2, 90)]
        assert ids(recent(client, drain)) == old

    def test_what_was_compacted_and_what_it_was_made_of_count_once(
        self, client: httpx.Client, drain: Drain, runtime: Runtime
    ) -> None:
        hour = (NOW - timedelta(hours=2)).replace(minute=0, second=0, microsecond=0)
        first = answered(runtime, hour)
        parts = {info.key: runtime.models.get(info.key) for info in runtime.models.list("predictions")}
        second = answered(runtime, hour + timedelta(minutes=1))
        assert compact(runtime.models, "bikes", before_id="g", now=NOW) == 2
        for key, content in parts.items():
            runtime.models.put(key, content)
        assert ids(recent(client, drain)) == [*second, *first]

    def test_what_a_candidate_said_to_copies_was_answered_to_nobody(
        self, client: httpx.Client, drain: Drain, runtime: Runtime
    ) -> None:
        answered(runtime, NOW, mode="shadow")
        assert recent(client, drain)["predictions"] == []

    def test_a_moment_later_the_same_reading_answers(
        self, client: httpx.Client, drain: Drain, runtime: Runtime, clock: SteppingClock
    ) -> None:
        assert ids(recent(client, drain)) == []
        later = answered(runtime, NOW)
        assert (ids(recent(client, drain)), readings(client)) == ([], 1)
        clock.advance(5)
        assert (ids(recent(client, drain)), readings(client)) == (later, 2)


class TestReason:
    def test_nothing_is_recorded_before_a_version_answers(self, client: httpx.Client, drain: Drain) -> None:
        found = recent(client, drain)
        assert (found["predictions"], found["recording"]) == ([], True)
        assert found["reason"].startswith("No version answers here yet")

    @pytest.mark.parametrize("off", [{"record": False}, {"record_share": 0.0}])
    def test_recording_may_be_off(
        self, client: httpx.Client, drain: Drain, runtime: Runtime, off: dict[str, Any]
    ) -> None:
        put(runtime, **off)
        found = recent(client, drain)
        assert (found["predictions"], found["recording"]) == ([], False)
        assert found["reason"].startswith("Recording is off")

    def test_what_was_kept_before_it_was_turned_off_is_still_listed(
        self, client: httpx.Client, drain: Drain, runtime: Runtime
    ) -> None:
        kept = answered(runtime, NOW)
        put(runtime, record=False)
        found = recent(client, drain)
        assert (ids(found), found["reason"].split(":")[0]) == (kept, "Recording is off")


class TestRefusals:
    def test_an_endpoint_that_is_not_there(self, client: httpx.Client) -> None:
        refused(client.get("endpoints/bikse/predictions"), 404, "unknown_endpoint")

    @pytest.mark.parametrize("limit", [0, 101])
    def test_a_limit_out_of_bounds(self, client: httpx.Client, limit: int) -> None:
        problem = refused(client.get(PATH, params={"limit": limit}), 422, "invalid_request")
        assert (problem["where"], readings(client)) == ("query.limit", 0)

    def test_what_cannot_be_read_is_said_with_its_job(
        self, client: httpx.Client, drain: Drain, runtime: Runtime
    ) -> None:
        span = uuid7_at(NOW)
        runtime.models.put(f"predictions/bikes/{NOW:%Y-%m-%dT%H}/{span}_{span}_1.parquet", b"no table")
        with working(drain):
            problem = refused(client.get(PATH), 503, "look_up_failed")
        assert problem["where"].startswith("jobs/")
