"""Experiments and their runs: train, wait, read the metrics and the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from millrace.datasets import Dataset, Version
from millrace.errors import Misuse, Problem
from millrace.html import page, table
from millrace.http import answer, as_written
from millrace.jobs import Job, settle
from millrace.rest.api.experiments import create_experiment, get_experiment, list_experiments, start_run
from millrace.rest.api.runs import get_run, list_runs
from millrace.rest.models import ExperimentCreate, ExperimentRead, RunDetail, RunRead, TrainSpec
from millrace.rest.types import UNSET
from millrace.things import Thing, near

if TYPE_CHECKING:
    from millrace.client import Client


class Experiment(Thing[ExperimentRead]):
    """An experiment by its name."""

    def __init__(self, client: Client, name: str) -> None:
        super().__init__(client)
        self.name = name

    def __repr__(self) -> str:
        return f"<millrace.Experiment {self.name}>"

    def _repr_html_(self) -> str:
        rows = [(run.id, run.data.trainer, run.data.state, tested(run.data)) for run in self.runs(limit=10)]
        facts = {"description": self.data.description, "runs": self.data.runs}
        return page(f"Experiment {self.name}", facts, table(["run", "trainer", "state", "on test rows"], rows))

    def _read(self) -> ExperimentRead:
        with near("experiments", self.name, self._names):
            return answer(get_experiment.sync(self.name, client=self.client.api))

    def train(self, *, dataset: str | Dataset | Version, trainer: str, **spec: Any) -> Run:
        """Start a training run; `run.wait()` follows it.

        `dataset` is a name, `name@3`, or a version. `spec` is the rest of the train spec: `task` and `target`, and if
        need be `features`, `categorical`, `params`, `split`, `seed`, `model` (register the run as a version of it).
        """
        asked = {"dataset": _ref(dataset), "trainer": trainer} | spec
        lacking = [name for name in ("task", "target") if name not in asked]
        if lacking:
            raise Misuse(f"train() needs {' and '.join(lacking)}.", fix='For example task="regression", target="cnt".')
        self._ensure()
        body = as_written(TrainSpec, asked)
        job = answer(start_run.sync(self.name, client=self.client.api, body=body))
        return Run(self.client, job.subject.rpartition("/")[2], job=Job(self.client, job.id, job))

    def runs(self, *, limit: int = 50) -> list[Run]:
        """At most so many, the newest first."""
        found: list[Run] = []
        cursor: str | None = None
        while len(found) < limit:
            rows = answer(
                list_runs.sync(
                    client=self.client.api,
                    experiment=self.name,
                    limit=min(limit - len(found), 100),
                    cursor=cursor or UNSET,
                )
            )
            found += [Run(self.client, row.id, data=row) for row in rows.items]
            cursor = rows.next_cursor
            if cursor is None:
                break
        return found

    def _ensure(self) -> None:
        try:
            answer(get_experiment.sync(self.name, client=self.client.api))
        except Problem as problem:
            if problem.status != 404:
                raise
            answer(create_experiment.sync(client=self.client.api, body=ExperimentCreate(name=self.name)))

    def _names(self) -> list[str]:
        return [one.name for one in answer(list_experiments.sync(client=self.client.api, limit=100)).items]


class Run(Thing[RunRead | RunDetail]):
    """One training; `data` is the run as it was last seen."""

    def __init__(
        self, client: Client, run_id: str, *, data: RunRead | RunDetail | None = None, job: Job | None = None
    ) -> None:
        super().__init__(client, data)
        self.id = run_id
        self._job = job

    def __repr__(self) -> str:
        return f"<millrace.Run {self.id} {self.data.state}>"

    def _repr_html_(self) -> str:
        run = self.data
        facts = {
            "experiment": run.experiment,
            "state": run.state,
            "because": run.reason,
            "trainer": run.trainer,
            "params": run.params.to_dict(),
            "data": f"{run.dataset}@{run.dataset_version}",
            "seed": run.seed,
            "code": run.code_commit,
            "notes": run.notes,
            "started": run.started_at,
            "ended": run.ended_at,
        }
        return page(f"Run {run.id}", facts, table(["metric", "value"], sorted(run.metrics.to_dict().items())))

    def _read(self) -> RunDetail:
        return answer(get_run.sync(self.id, client=self.client.api))

    @property
    def job(self) -> Job:
        """The job that trains."""
        if self._job is None:
            self._job = Job(self.client, self.data.job_id)
        return self._job

    @property
    def metrics(self) -> dict[str, float]:
        """The final metrics; empty while the run has not finished."""
        if self.data.ended_at is None:
            self.refresh()
        return self.data.metrics.to_dict()

    def wait(self) -> Self:
        """Follow the training to its end, with a bar. Raises `JobFailed`, which says why."""
        try:
            self.job.wait()
        finally:
            self._data = None
        settle(self.client, f"runs/{self.id}")
        return self

    def logs(self) -> str:
        """The whole log of the training so far."""
        return self.job.logs()


def tested(run: RunRead | RunDetail) -> dict[str, str]:
    """The metrics on the test rows, which are what one compares."""
    metrics = run.metrics.to_dict().items()
    return {name.removeprefix("test_"): f"{value:.4g}" for name, value in metrics if name.startswith("test_")}


def _ref(dataset: str | Dataset | Version) -> str:
    if isinstance(dataset, Version):
        return dataset.ref
    return dataset.name if isinstance(dataset, Dataset) else dataset
