"""A system with the amounts that the dashboard has to stay quick with: filled in bulk, without a training.

10,000 runs of 30 metrics and 30 parameters, a run of 5,000 metrics and one whose metrics are no numbers, 10,000 jobs,
100,000 events, 10,000 files in a version, drift of 200 features over 100 windows, 100 runs with curves of 10,000
points.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import exp, sin
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
from sqlalchemy import insert

from adapters.runtime import Runtime
from domain.datasets.models import Dataset, DatasetFile, DatasetVersion
from domain.datasets.states import VersionState
from domain.db import WriteSession, new_id
from domain.deployments import service as deployments
from domain.deployments.specs import EndpointSettings
from domain.events.models import EventRow
from domain.experiments.models import Experiment, Run
from domain.experiments.states import RunState
from domain.jobs.models import Job
from domain.jobs.states import JobState
from domain.monitoring.models import MonitoringWindow
from domain.monitoring.specs import DriftResult, FeatureDrift
from domain.monitoring.windows import WindowState, WindowVerdict
from domain.registry import service as registry
from domain.training.specs import TrainSpec

RUNS: Final = 10_000
METRICS: Final = 30
MANY_METRICS: Final = 5_000
EVENTS: Final = 100_000
FILES: Final = 10_000
FEATURES: Final = 200
WINDOWS: Final = 100
COMPARED: Final = 100
POINTS: Final = 10_000
CURVE: Final = "train_loss"
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SPEC: Final = TrainSpec(dataset="big", trainer="linear", task="regression", target="y", model="big").as_json()


class Filled:
    """What the pages need to be opened: ids of the runs that are compared and of the wide one."""

    def __init__(self, runtime: Runtime, tracked: list[str]) -> None:
        self.random = Random(0)
        self.tracked = tracked
        with runtime.transaction() as session:
            version = _dataset(session)
            self.compared, self.wide = self._runs(session, version)
            _events(session)
            _windows(session, self.random)

    def _runs(self, session: WriteSession, version: str) -> tuple[list[str], str]:
        experiment = Experiment(id=new_id(), name="many", description="", created_at=_START, created_by="bench")
        session.add(experiment)
        session.flush()
        runs = [self._run(place, experiment.id, version) for place in range(RUNS)]
        wide, odd, compared = runs[-1], runs[-2], runs[-COMPARED - 2 : -2]
        wide["metrics"] = {f"test_metric_{place:04}": self.random.random() for place in range(MANY_METRICS)}
        odd["metrics"] = {**odd["metrics"], "test_metric_00": None, "test_metric_01": None}
        for run, known in zip(compared, self.tracked, strict=True):
            run["mlflow_run_id"] = known
        session.execute(insert(Job), [_job(run) for run in runs])
        session.execute(insert(Run), runs)
        return [run["id"] for run in compared], wide["id"]

    def _run(self, place: int, experiment: str, version: str) -> dict[str, Any]:
        at = _START + timedelta(minutes=place)
        return {
            "id": new_id(), "experiment_id": experiment, "state": RunState.FINISHED, "job_id": new_id(),
            "spec": _SPEC, "trainer": "linear", "seed": place,
            "params": {f"rate_{one:02}": self.random.random() for one in range(METRICS)},
            "metrics": {f"test_metric_{one:02}": self.random.random() for one in range(METRICS)},
            "importances": {}, "environment": {}, "package": {}, "notes": [], "curve": [], "reason": "",
            "dataset_version_id": version, "dataset_digest": "a" * 32, "mlflow_run_id": "",
            "created_by": "bench", "created_at": at, "started_at": at, "ended_at": at + timedelta(seconds=place % 900),
        }  # fmt: skip


def _dataset(session: WriteSession) -> str:
    dataset = Dataset(id=new_id(), name="big", description="", versions=1, created_at=_START, created_by="bench")
    session.add(dataset)
    session.flush()
    version = DatasetVersion(
        id=new_id(), dataset_id=dataset.id, number=1, digest="a" * 32, format="folder", state=VersionState.VALIDATED,
        files=FILES, size=FILES * 1000, message="", source={"kind": "upload"}, created_at=_START, created_by="bench",
    )  # fmt: skip
    session.add(version)
    session.flush()
    files = [
        {"version_id": version.id, "path": f"part-{place:05}.csv", "md5": f"{place:032x}", "size": place}
        for place in range(FILES)
    ]
    session.execute(insert(DatasetFile), files)
    return version.id


def _job(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": run["job_id"], "kind": "TrainModel", "subject": f"runs/{run['id']}", "payload": {"run_id": run["id"]},
        "state": JobState.SUCCEEDED, "max_attempts": 3, "attempt": 1, "progress": 1.0, "message": "done",
        "actor": "bench", "available_at": run["created_at"], "created_at": run["created_at"],
        "started_at": run["started_at"], "ended_at": run["ended_at"],
    }  # fmt: skip


def _events(session: WriteSession) -> None:
    rows = [
        {
            "type": "DatasetVersionValidated", "subject": f"datasets/big-{place % 100}", "actor": "bench",
            "at": _START + timedelta(seconds=place), "payload": {"dataset": "big", "number": place},
        }
        for place in range(EVENTS)
    ]  # fmt: skip
    session.execute(insert(EventRow), rows)


def _windows(session: WriteSession, random: Random) -> None:
    registry.create_model(session, name="big", task="regression", target="y")
    endpoint, _ = deployments.put_endpoint(session, name="big", model="big", settings=EndpointSettings())
    rows = []
    for place in range(WINDOWS):
        at = _START + timedelta(hours=place)
        rows.append(
            {
                "id": new_id(), "endpoint_id": endpoint.id, "state": WindowState.CLOSED,
                "verdict": WindowVerdict.QUIET, "segments": [], "first_id": f"{place}a", "last_id": f"{place}b",
                "rows": 1000, "drift": _drift(random), "performance": None,
                "opened_at": at, "closed_at": at,
            }
        )  # fmt: skip
    session.execute(insert(MonitoringWindow), rows)


def _drift(random: Random) -> dict[str, Any]:
    features = [
        FeatureDrift(
            name=f"feature_{place:03}", kind="number", n_reference=1000, n=1000, psi=random.random() / 2,
            js=0.1, kl=0.1, test="ks", statistic=0.1, p_value=0.5, q_value=0.5, threshold=0.2, null_share=0.0,
            null_share_reference=0.0, drifted=False, broken=False,
        )
        for place in range(FEATURES)
    ]  # fmt: skip
    return DriftResult(rows=1000, features=features, drifted=[], broken=[]).model_dump(mode="json")


def fill_curves(url: str, database: Path) -> list[str]:
    """MLflow's ids of the compared runs, each with a curve. Written past its API, since there are a million points."""
    with httpx.Client(base_url=f"{url}/api/2.0/mlflow") as client, closing(sqlite3.connect(database)) as connection:
        ids = []
        for place in range(COMPARED):
            answer = client.post("/runs/create", json={"experiment_id": "0", "run_name": f"run {place}"})
            ids.append(answer.raise_for_status().json()["run"]["info"]["run_id"])
        for place, run in enumerate(ids):
            connection.executemany(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?, ?, ?, ?, ?, 0)",
                _curve(run, place),
            )
            last = (CURVE, 0.5, 0, POINTS - 1, False, run)
            connection.execute(
                "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)",
                last,
            )
        connection.commit()
    return ids


def _curve(run: str, place: int) -> Iterator[tuple[str, float, int, str, int]]:
    for step in range(POINTS):
        yield CURVE, exp(-step / (500 + 20 * place)) + sin(step / 7) / 50, step, run, step
