"""Lineage on a real database: from a prediction to its rows, and from a drift to the run that answered it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, select

from adapters.runtime import Runtime
from domain.batch_predictions.service import request as request_batch
from domain.batch_predictions.specs import BatchAsk
from domain.datasets import service as datasets
from domain.datasets.manifest import ManifestEntry
from domain.datasets.queries import get_version as get_data
from domain.datasets.specs import TrafficSource, UploadSource
from domain.db import WriteSession, new_id
from domain.deployments import service as deployments
from domain.deployments.jobs import LookUpPrediction
from domain.deployments.models import Rollout
from domain.deployments.queries import active_rollout, get_endpoint
from domain.deployments.specs import EndpointSettings
from domain.errors import NotFound
from domain.experiments.models import Run
from domain.jobs import service as jobs
from domain.jobs.states import JobState
from domain.lineage.graph import Direction
from domain.lineage.queries import Graph, lineage_of
from domain.lineage.subjects import UnknownSubject
from domain.monitoring.alerts import AlertKind
from domain.monitoring.models import Alert, MonitoringWindow
from domain.monitoring.windows import WindowState, WindowVerdict
from domain.pipelines import service as pipelines
from domain.pipelines.models import PipelineStep
from domain.pipelines.specs import PipelineSpec
from domain.promotions import service as promotions
from domain.promotions.specs import Decision, Evidence
from tests.conftest import ON_BOTH_DATABASES
from tests.domain.deployments.versions import ANN, add_versions, request
from tests.domain.pipelines.turns import SPEC

PREDICTION = "0199b5a2-0000-7000-8000-000000000000"
COMMIT = "0f3a9c1d" * 5


@pytest.fixture
def ids(runtime: Runtime) -> dict[str, str]:
    """A model's life: data, two runs, a decision on other rows, a rollout, a prediction, a drift, a retrain."""
    with runtime.transaction(ANN) as session:
        first, second = add_versions(session, 2)
        frozen = _dataset(session, "frozen")
        session.get_one(Run, second.run_id).code_commit = COMMIT
        deployments.put_endpoint(session, name="e", model="m", settings=EndpointSettings())
        promotion_id = request(session, 1)
    with runtime.transaction(ANN) as session:
        _decide(session, promotion_id, f"frozen version 1 ({frozen})")
    with runtime.transaction(ANN) as session:
        endpoint = get_endpoint(session, "e")
        rollout = active_rollout(session, endpoint.id)
        assert rollout is not None
        window_id, alert_id = _drift(session, endpoint.id, first.id)
        pipelines.put_pipeline(session, name="p", spec=PipelineSpec.model_validate(SPEC))
        turn = pipelines.start(session, name="p", trigger="drift", reason="far", cause=f"window:{window_id}")
        step = session.scalars(
            select(PipelineStep).where(PipelineStep.run_id == turn.id, PipelineStep.name == "train")
        ).one()
        step.output = {"run_id": second.run_id}
        _predicted(session, rollout.id)
        parent = get_data(session, "d", 1)
        batch, _ = request_batch(session, ask=BatchAsk(dataset="d@1", model="m@1", into="frozen"))
        datasets.create_dataset(session, name="labelled")
        entries = [ManifestEntry("d.csv", "c" * 32, 10)]
        traffic = TrafficSource(endpoint="e", target="y")
        datasets.add_version(session, dataset="labelled", entries=entries, source=traffic, parents=[parent])
    return {
        "promotion": promotion_id, "rollout": rollout.id, "run": first.run_id, "retrain": second.run_id,
        "window": window_id, "alert": alert_id, "turn": turn.id, "batch": batch.id,
    }  # fmt: skip


def _dataset(session: WriteSession, name: str) -> str:
    datasets.create_dataset(session, name=name)
    entries = [ManifestEntry("d.csv", "b" * 32, 10)]
    return datasets.add_version(session, dataset=name, entries=entries, source=UploadSource())[0].digest


def _decide(session: WriteSession, promotion_id: str, frozen_rows: str) -> None:
    evidence = Evidence(
        policy_version=1,
        candidate_version=1,
        champion_version=None,
        check_report_id=None,
        frozen_rows=frozen_rows,
        comparison=None,
    )
    decision = Decision(verdict="pass", gates=[], reason="good")
    promotions.record_decision(session, promotion_id=promotion_id, evidence=evidence, decision=decision)


def _drift(session: WriteSession, endpoint_id: str, version_id: str) -> tuple[str, str]:
    now = session.now()
    window = MonitoringWindow(
        id=new_id(), endpoint_id=endpoint_id, version_id=version_id, state=WindowState.CLOSED,
        verdict=WindowVerdict.DRIFTED, segments=[], first_id="0", last_id="1", rows=2, opened_at=now, closed_at=now,
    )  # fmt: skip
    quiet = MonitoringWindow(
        id=new_id(), endpoint_id=endpoint_id, version_id=version_id, state=WindowState.CLOSED,
        verdict=WindowVerdict.QUIET, segments=[], first_id="2", last_id="3", rows=2, opened_at=now, closed_at=now,
    )  # fmt: skip
    session.add_all([window, quiet])
    session.flush()
    alert = Alert(
        id=new_id(), endpoint_id=endpoint_id, kind=AlertKind.DRIFT, severity="warning", reason="far", next_step="look",
        window_id=window.id, opened_at=now, last_seen_at=now,
    )  # fmt: skip
    session.add(alert)
    session.flush()
    return window.id, alert.id


def _predicted(session: WriteSession, rollout_id: str) -> None:
    """What is left when somebody has looked the prediction up."""
    rollout = session.get_one(Rollout, rollout_id)
    rollout.step_began_at = rollout.started_at
    subject = f"predictions/{PREDICTION}"
    job = jobs.submit(session, LookUpPrediction(prediction_id=PREDICTION), subject=subject)
    job.state = JobState.SUCCEEDED
    job.result = {"endpoint": "e", "version": 1, "at": session.now().isoformat(), "prediction": 3.5, "inputs": {"x": 1}}


def lineage(runtime: Runtime, of: str, direction: Direction = Direction.BOTH, depth: int = 20, **rest: Any) -> Graph:
    with runtime.reading() as session:
        return lineage_of(session, of, depth=depth, direction=direction, **rest)


def nodes_of(graph: Graph) -> set[str]:
    return {node.id for node, _ in graph.nodes}


@ON_BOTH_DATABASES
class TestLineage:
    def test_leads_from_a_prediction_to_its_rows(self, runtime: Runtime, ids: dict[str, str]) -> None:
        graph = lineage(runtime, f"predictions/{PREDICTION}", Direction.UP)
        assert nodes_of(graph) == {
            f"predictions/{PREDICTION}",
            "endpoints/e",
            "models/m/versions/1",
            f"rollouts/{ids['rollout']}",
            f"promotions/{ids['promotion']}",
            f"runs/{ids['run']}",
            "datasets/d/versions/1",
            "datasets/frozen/versions/1",
        }
        edges = set(graph.edges)
        assert ("models/m/versions/1", f"predictions/{PREDICTION}", "answered") in edges
        assert ("datasets/frozen/versions/1", f"promotions/{ids['promotion']}", "was evidence for") in edges
        assert ("datasets/d/versions/1", f"runs/{ids['run']}", "trained") in edges
        assert graph.nodes[0][0].facts["inputs"] == {"x": 1}

    def test_says_why_a_model_was_retrained(self, runtime: Runtime, ids: dict[str, str]) -> None:
        graph = lineage(runtime, "models/m/versions/2", Direction.UP)
        assert {
            (f"windows/{ids['window']}", f"pipeline-runs/{ids['turn']}", "set off"),
            (f"alerts/{ids['alert']}", f"pipeline-runs/{ids['turn']}", "stood open for"),
            (f"windows/{ids['window']}", f"alerts/{ids['alert']}", "raised"),
            (f"pipeline-runs/{ids['turn']}", f"runs/{ids['retrain']}", "started"),
            ("models/m/versions/1", f"windows/{ids['window']}", "was watched"),
            (f"code/{COMMIT}", f"runs/{ids['retrain']}", "trained"),
        } <= set(graph.edges)

    def test_leads_from_rows_to_all_that_was_made_of_them(self, runtime: Runtime, ids: dict[str, str]) -> None:
        graph = lineage(runtime, "datasets/d/versions/1", Direction.DOWN)
        assert {
            "datasets/labelled/versions/1",
            "models/m/versions/1",
            "models/m/versions/2",
            "endpoints/e",
            f"batch-predictions/{ids['batch']}",
            f"windows/{ids['window']}",
        } <= nodes_of(graph)
        assert "datasets/frozen/versions/1" not in nodes_of(graph)

    def test_of_an_endpoint_shows_what_was_recorded_there(self, runtime: Runtime, ids: dict[str, str]) -> None:
        edges = set(lineage(runtime, "endpoints/e").edges)
        assert ("endpoints/e", "datasets/labelled/versions/1", "recorded") in edges
        assert (f"rollouts/{ids['rollout']}", "endpoints/e", "took place on") in edges
        assert (
            len([one for one in edges if one[2] == "was watched" and one[0] == "endpoints/e"]) == 1
        )  # not the quiet one

    @pytest.mark.parametrize("kind", ["runs/{run}", "promotions/{promotion}", "rollouts/{rollout}", "alerts/{alert}"])
    def test_begins_with_what_was_asked_about(self, runtime: Runtime, ids: dict[str, str], kind: str) -> None:
        of = kind.format_map(ids)
        graph = lineage(runtime, of, depth=1)
        assert (graph.nodes[0][0].id, graph.nodes[0][0].path) == (of, of)
        assert len(graph.nodes) > 1

    def test_asks_the_database_no_more_when_there_is_more(self, runtime: Runtime, ids: dict[str, str]) -> None:
        with runtime.transaction(ANN) as session:
            parent = get_data(session, "d", 1)
            for number in range(40):
                entries = [ManifestEntry("d.csv", f"{number:032}", 10)]
                datasets.add_version(
                    session, dataset="labelled", entries=entries, source=UploadSource(), parents=[parent]
                )
        with counted(runtime) as statements:
            graph = lineage(runtime, "datasets/d/versions/1", Direction.DOWN, depth=2)
        assert len(graph.nodes) > 40
        assert len(statements) < 45

    def test_is_cut_at_the_limit_and_says_so(self, runtime: Runtime, ids: dict[str, str]) -> None:
        graph = lineage(runtime, "datasets/d/versions/1", limit=4)
        assert (len(graph.nodes), graph.truncated) == (4, True)
        assert {end for source, target, _ in graph.edges for end in (source, target)} <= nodes_of(graph)


@contextmanager
def counted(runtime: Runtime) -> Iterator[list[str]]:
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(runtime.database.engine, "before_cursor_execute", count)
    yield statements
    event.remove(runtime.database.engine, "before_cursor_execute", count)


class TestSubject:
    @pytest.mark.parametrize(
        "of",
        ["runs", "runs/7", "datasets/d", "datasets/d/versions/0", "models/m/versions/x", "", "/runs/..", "tokens/a"],
    )
    def test_that_has_no_lineage_is_refused_with_the_forms(self, runtime: Runtime, of: str) -> None:
        with pytest.raises(UnknownSubject) as refused:
            lineage(runtime, of)
        assert "datasets/{name}/versions/{n}" in str(refused.value.fix)

    @pytest.mark.parametrize(
        ("of", "near"),
        [
            ("datasets/dd/versions/1", "'d'"),
            ("datasets/d/versions/9", "versions 1 to 1"),
            ("models/mm/versions/1", "'m'"),
            ("runs/01a2169f-b4e4-76d6-b92d-9acd30e7f233", None),
            ("predictions/01a2169f-b4e4-76d6-b92d-9acec4ec13ec", None),
        ],
    )
    def test_that_is_not_there_is_not_found(self, runtime: Runtime, of: str, near: str | None) -> None:
        with runtime.transaction(ANN) as session:
            add_versions(session, 1)
        with pytest.raises(NotFound) as missing:
            lineage(runtime, of)
        assert near is None or near in str(missing.value.fix)
