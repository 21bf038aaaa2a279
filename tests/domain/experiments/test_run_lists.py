"""Which runs a filter finds, and in which order they come: the same on both databases."""

from typing import Any

import pytest
from sqlalchemy import event

from adapters.runtime import Runtime
from api.runs import read_runs
from domain.experiments import queries
from domain.experiments.filters import parse
from domain.experiments.models import Run
from domain.pages import BadCursor, PageRequest
from domain.training.specs import TrainSpec
from tests.conftest import ON_BOTH_DATABASES
from tests.finished_runs import finished_run, make_data

pytestmark = ON_BOTH_DATABASES

SPEC = TrainSpec(dataset="d", trainer="linear", task="regression", target="y", model="m").as_json()
Asked = tuple[dict[str, Any], dict[str, Any]]
# By name the metrics and the parameters of a run.
RUNS: dict[str, Asked] = {
    "low": ({"mae": 10}, {"depth": 3, "features": "sqrt", "warm": True}),
    "high": ({"mae": 70.5, "odd name @ 5": 1.0}, {"depth": 12, "features": 0.5, "warm": False}),
    "same": ({"mae": 10.0}, {"depth": 3.0, "features": "log2"}),
    "nothing": ({}, {}),
    "undefined": ({"mae": None}, {"depth": None}),
    "imported": ({"mae": 20.0}, {"depth": "5", "features": "Sqrt(all)"}),
    "word": ({"mae": 30.0}, {"depth": "NaN"}),
}


def fill(runtime: Runtime, runs: dict[str, Asked]) -> dict[str, str]:
    """Names by the ids of the runs."""
    names: dict[str, str] = {}
    with runtime.transaction() as session:
        data = make_data(session)
        for name, (metrics, params) in runs.items():
            run_id = finished_run(session, data)
            run = session.get_one(Run, run_id)
            run.metrics, run.params, run.created_by = metrics, params, name
            run.spec, run.package = SPEC, {}
            names[run_id] = name
    return names


@pytest.fixture
def names(runtime: Runtime) -> dict[str, str]:
    return fill(runtime, RUNS)


def found(runtime: Runtime, names: dict[str, str], text: str) -> list[str]:
    with runtime.reading() as session:
        page = queries.list_runs(session, PageRequest(), where=parse(text), sort="created_at")
        return [names[run.id] for run in page.items]


FILTERS = [
    ("metrics.mae < 50", "low same imported word"),
    ("metrics.mae <= 10", "low same"),
    ("metrics.mae = 10", "low same"),
    ("metrics.mae != 10", "high imported word"),
    ("not metrics.mae < 50", "high"),
    ("metrics.mae in (10, 70.5)", "low high same"),
    ("metrics.`odd name @ 5` > 0", "high"),
    ("metrics.absent > 0", ""),
    ("not metrics.absent > 0", ""),
    ("params.depth = 3", "low same"),
    ("params.depth = 5", "imported"),
    ("params.depth > 2", "low high same"),
    ("params.depth < 1e300", "low high same"),
    ("params.depth != 3", "high imported word"),
    ("not params.depth = 3", "high imported word"),
    ('params.depth = "3"', ""),
    ('params.depth = "5"', "imported"),
    ("params.features = sqrt", "low"),
    ("params.features != sqrt", "high same imported"),
    ("params.features ~ SQRT", "low imported"),
    ("params.features ~ '%'", ""),
    ("params.features = 0.5", "high"),
    ("params.warm = true", "low"),
    ("params.warm != true", "high"),
    ('params.warm = "true"', ""),
    ("params.depth in (3, 12) and metrics.mae < 50", "low same"),
    ("metrics.mae > 60 or (params.features = log2 and not params.warm = true)", "high"),
    ("metrics.mae > 60 or params.features = log2", "high same"),
    ("seed = 2.5", ""),
    ("seed < 0.5 and seed > -1e300", "low high same nothing undefined imported word"),
    ("created_by = low or created_by ~ Hig", "low high"),
    ("dataset = d and dataset_version >= 1 and experiment ~ e and task = regression", "all"),
    ("dataset != d", ""),
    ("dataset = other or dataset_version > 1.5 or experiment = x", ""),
    ("state in (finished, failed) and created_at > 2026-01-01 and ended_at <= 9000-01-01", "all"),
    ("state != finished", ""),
    ("model = m and target = y and params.trainer = linear", "all"),
    ("sweep_id = x or not sweep_id = x", ""),
    ("code_commit ~ ''", ""),
    ('created_by = "\' or 1=1 --"', ""),
]


def test_a_filter_finds_what_holds(runtime: Runtime, names: dict[str, str]) -> None:
    wanted = {text: list(RUNS) if expected == "all" else expected.split() for text, expected in FILTERS}
    assert {text: found(runtime, names, text) for text in wanted} == wanted


def pages(runtime: Runtime, names: dict[str, str], sort: str, limit: int) -> list[str]:
    cursor, read = None, []
    for _ in range(50):
        with runtime.reading() as session:
            page = queries.list_runs(session, PageRequest(limit, cursor), sort=sort)
        read += [names[run.id] for run in page.items]
        cursor = page.next_cursor
        assert cursor is None or len(cursor) <= 200
        if cursor is None:
            return read
    raise AssertionError("the pages never end")


ORDERS = {
    # Equal ones and those without a value: the newest first.
    "metrics.mae": "same low imported word high undefined nothing",
    "-metrics.mae": "high word imported same low undefined nothing",
    "params.depth": "same low high imported word undefined nothing",
    "-params.depth": "high same low word imported undefined nothing",
    "params.absent": "word imported undefined nothing same high low",
}


class TestSort:
    def test_goes_through_all_in_pages_of_any_size(self, runtime: Runtime, names: dict[str, str]) -> None:
        for limit in (1, 2, 3, 50):
            assert {sort: " ".join(pages(runtime, names, sort, limit)) for sort in ORDERS} == ORDERS, limit

    def test_holds_with_long_texts_of_any_script(self, runtime: Runtime) -> None:
        texts = ["\U0001f6b2" * 40 + end for end in "ab"] + ["x" * 300, "\x01" * 40, "y"]
        names = fill(runtime, {str(place): ({}, {"p": text}) for place, text in enumerate(texts)})
        assert sorted(pages(runtime, names, "params.p", 1)) == sorted(names.values())

    def test_refuses_a_cursor_of_another_order(self, runtime: Runtime, names: dict[str, str]) -> None:
        with runtime.reading() as session:
            by_metric = queries.list_runs(session, PageRequest(1), sort="metrics.mae").next_cursor
            by_text = queries.list_runs(session, PageRequest(4), sort="params.depth").next_cursor
            for sort, cursor in (
                ("metrics.mae", by_text),
                ("metrics.mae", "bm90aGluZw=="),
                ("metrics.mae", "WzAsIDEsIDJd"),
            ):
                with pytest.raises(BadCursor):
                    queries.list_runs(session, PageRequest(1, cursor), sort=sort)
            assert by_metric is not None

    def test_refuses_what_is_no_order(self, runtime: Runtime) -> None:
        for sort in ("metrics", "metrics.", "mae", "-", "", "created_at desc", "state", "--metrics.mae"):
            with pytest.raises(queries.BadRunSort), runtime.reading() as session:
                queries.list_runs(session, PageRequest(), sort=sort)


def test_reading_asks_no_more_often_for_more_runs(runtime: Runtime, names: dict[str, str]) -> None:
    asked: list[str] = []

    def remember(*arguments: Any) -> None:
        asked.append(str(arguments[2]))

    for count in (1, 6):
        with runtime.reading() as session:
            rows = queries.list_runs(session, PageRequest(count)).items
            engine = session.get_bind()
            event.listen(engine, "before_cursor_execute", remember)
            read = read_runs(session, rows)
            event.remove(engine, "before_cursor_execute", remember)
        assert [run.id for run in read] == [row.id for row in rows]
        assert len(asked) == 3
        asked.clear()
