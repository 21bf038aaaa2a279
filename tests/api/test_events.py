"""The audit trail: what is found, and what leaves it as a file."""

import csv
import io
import json

import httpx
import pytest

from adapters.runtime import Runtime
from domain.access.actor import SCOPES, Actor, Role
from domain.datasets.events import DatasetArchived, DatasetCreated, DatasetUpdated
from domain.events.service import emit
from domain.events.spec import Event
from tests.api.answers import refused
from tests.conftest import ON_BOTH_DATABASES, SteppingClock

FORMULA = '=HYPERLINK("http://evil")'


@pytest.fixture
def trail(runtime: Runtime, clock: SteppingClock) -> None:
    """Three events of two people, an hour apart."""
    told: list[tuple[str, Event]] = [
        ("ann", DatasetCreated(subject="datasets/bikes", name="bikes")),
        ("bob", DatasetUpdated(subject="datasets/bikes/x", name="50% caf\u00e9", revision=2)),
        (FORMULA, DatasetArchived(subject="datasets/bikes_too", name="bikes_too")),
    ]
    for who, event in told:
        with runtime.transaction(Actor(who, Role.DEVELOPER, SCOPES[Role.DEVELOPER])) as session:
            emit(session, event)
        clock.advance(3600)


@ON_BOTH_DATABASES
@pytest.mark.usefixtures("trail")
class TestList:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"type": "DatasetCreated"}, ["DatasetCreated"]),
            ({"type": ["DatasetCreated", "DatasetArchived"]}, ["DatasetArchived", "DatasetCreated"]),
            ({"subject": "datasets/bikes"}, ["DatasetUpdated", "DatasetCreated"]),
            ({"actor": "bob"}, ["DatasetUpdated"]),
            ({"q": "BIKES_TOO"}, ["DatasetArchived"]),
            ({"q": "50% caf\u00e9"}, ["DatasetUpdated"]),
            ({"q": "%"}, ["DatasetUpdated"]),
            ({"q": "hyperlink"}, ["DatasetArchived"]),
            ({"q": "bikes", "actor": "ann"}, ["DatasetCreated"]),
            ({"type": "Nothing"}, []),
            ({"without": ["DatasetUpdated", "DatasetCreated"]}, ["DatasetArchived"]),
            ({"without": "DatasetUpdated", "subject": "datasets/bikes"}, ["DatasetCreated"]),
        ],
    )
    def test_finds_what_holds_in_all(self, client: httpx.Client, query: dict[str, str], found: list[str]) -> None:
        items = client.get("events", params=query).json()["items"]
        assert [one["type"] for one in items if one["type"].startswith("Dataset")] == found

    def test_a_span_has_its_beginning_and_not_its_end(self, client: httpx.Client) -> None:
        newest, middle, _ = client.get("events", params={"subject": "datasets"}).json()["items"]
        span = {"since": middle["at"], "until": newest["at"], "subject": "datasets"}
        assert [one["type"] for one in client.get("events", params=span).json()["items"]] == ["DatasetUpdated"]


class TestExport:
    @pytest.mark.usefixtures("trail")
    def test_lines_are_json_oldest_first(self, client: httpx.Client) -> None:
        answer = client.get("events/export", params={"subject": "datasets"})
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [one["type"] for one in lines] == ["DatasetCreated", "DatasetUpdated", "DatasetArchived"]
        assert lines[1]["payload"] == {"name": "50% caf\u00e9", "revision": 2}
        assert answer.headers["content-disposition"] == 'attachment; filename="events.ndjson"'

    @pytest.mark.usefixtures("trail")
    def test_a_spreadsheet_runs_nothing_of_it(self, client: httpx.Client) -> None:
        answer = client.get("events/export", params={"format": "csv", "type": "DatasetArchived"})
        (row,) = csv.DictReader(io.StringIO(answer.text))
        assert (row["actor"], row["subject"]) == (f"'{FORMULA}", "datasets/bikes_too")
        assert json.loads(row["payload"]) == {"name": "bikes_too"}
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"

    def test_has_more_than_is_read_at_once(self, client: httpx.Client, runtime: Runtime) -> None:
        for start in range(0, 2_100, 700):
            with runtime.transaction() as session:
                for number in range(start, start + 700):
                    emit(session, DatasetCreated(subject=f"datasets/d{number}", name=f"d{number}"))
        lines = client.get("events/export", params={"type": "DatasetCreated"}).text.splitlines()
        assert [json.loads(line)["payload"]["name"] for line in lines] == [f"d{number}" for number in range(2_100)]

    @pytest.mark.parametrize(
        "wrong", [{"format": "xlsx"}, {"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}, {"q": "\x00"}]
    )
    def test_a_filter_that_is_none_is_refused(self, client: httpx.Client, wrong: dict[str, str]) -> None:
        refused(client.get("events/export", params=wrong), 422, "invalid_request")


def test_every_type_says_what_it_means(client: httpx.Client) -> None:
    kinds = {one["type"]: one for one in client.get("event-types").json()}
    assert (kinds["RunFailed"]["noun"], kinds["RunFailed"]["fields"]) == (
        "training",
        ["experiment", "run_id", "reason"],
    )
    assert [name for name, one in kinds.items() if not one["meaning"] or one["meaning"].startswith(f"{name}(")] == []
