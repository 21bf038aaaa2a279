"""Turns of a pipeline whose work is done by hand: each verb records what a job would have come to."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select

from adapters.runtime import Runtime
from domain.events.models import EventRow
from domain.events.queries import latest_of
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.states import JobState
from domain.model_checks import service as model_checks
from domain.pipelines import queries, service
from domain.pipelines.models import PipelineRun, PipelineStep
from domain.pipelines.specs import PipelineSpec
from domain.registry.queries import get_version
from domain.training import service as training
from tests.domain.deployments.versions import ANN, decide
from tests.finished_runs import OUTCOME
from tests.training_data import PATIENTS
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox

ROWS: Final = PATIENTS.rename({"progress": "y"})
SPEC: Final[dict[str, Any]] = {
    "build": {"dataset": "d"},
    "train": {
        "dataset": "d",
        "trainer": "linear",
        "task": "regression",
        "target": "y",
    },
    "model": "m",
}


class Turns:
    """The pipeline `p`, which trains the model `m` on the dataset `d`."""

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools
        self.runtime: Runtime = tools.runtime

    def put(self, **changes: Any) -> None:
        with self.runtime.transaction(ANN) as session:
            service.put_pipeline(session, name="p", spec=PipelineSpec.model_validate(SPEC | changes))

    def start(self, **changes: Any) -> str:
        self.put(**changes)
        with self.runtime.transaction(ANN) as session:
            return service.start(session, name="p", trigger="manual").id

    def work(self, *kinds: str) -> None:
        """Run the queued jobs of these kinds, really."""
        for job in self.queued(*kinds):
            assert run_job(job.id, tools=self._tools, handlers=HANDLERS, worker="test", stop_work=lambda: None)

    def queued(self, *kinds: str) -> Sequence[Job]:
        query = select(Job).where(Job.state == JobState.QUEUED, Job.kind.in_(kinds))
        with self.runtime.reading() as session:
            return session.scalars(query.order_by(Job.id)).all()

    def cancel_job(self, kind: str) -> None:
        (job,) = self.queued(kind)
        with self.runtime.transaction(ANN) as session:
            jobs.cancel(session, job.id, reason="no time")

    def train(self, run_id: str) -> None:
        output = self.step(run_id, "train").output
        with self.runtime.transaction() as session:
            training.begin_run(session, run_id=output["run_id"])
            training.finish_run(session, run_id=output["run_id"], outcome=OUTCOME)

    def check_model(self, number: int) -> None:
        job = self.queued("RunModelChecks")[-1]
        with self.runtime.transaction() as session:
            version = get_version(session, "m", number)
            model_checks.record(
                session, version_id=version.id, job_id=job.id, policy_version=1, checks=[], results=[], metrics={}
            )

    def decide(self, run_id: str, verdict: str) -> None:
        promotion_id = self.step(run_id, "promote").output["promotion_id"]
        with self.runtime.transaction() as session:
            decide(session, promotion_id, verdict=verdict)

    def go_to(self, run_id: str, step: str) -> None:
        """Do the work of the steps before this one."""
        if step in {"check_model", "promote", "deploy"}:
            self.train(run_id)
        if step in {"promote", "deploy"}:
            self.check_model(1)
        if step == "deploy":
            self.decide(run_id, "pass")

    def run(self, run_id: str) -> PipelineRun:
        with self.runtime.reading() as session:
            return queries.get_run(session, run_id)

    def step(self, run_id: str, name: str) -> PipelineStep:
        with self.runtime.reading() as session:
            return next(step for step in queries.steps_of_run(session, run_id) if step.name == name)

    def states(self, run_id: str) -> str:
        with self.runtime.reading() as session:
            return " ".join(f"{step.name}:{step.state}" for step in queries.steps_of_run(session, run_id))

    def runs(self) -> list[PipelineRun]:
        with self.runtime.reading() as session:
            return queries.runs_started(session, queries.get_pipeline(session, "p").id)

    def events(self, *types: str) -> list[EventRow]:
        """Newest first."""
        with self.runtime.reading() as session:
            return latest_of(session, list(types), limit=100)
