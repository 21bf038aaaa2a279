"""Turns of a pipeline on a real database: every way a step can end, and that none hangs."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from domain.deployments import service as deployments
from domain.deployments.queries import active_rollout, get_endpoint
from domain.deployments.specs import EndpointSettings
from domain.jobs.queries import get_job
from domain.pipelines import queries, service
from domain.pipelines.service import PipelineBusy, RunEnded
from domain.promotions import service as promotions
from domain.registry.queries import alias_of, get_model
from domain.registry.service import create_model
from tests.conftest import ON_BOTH_DATABASES, Drain, SteppingClock
from tests.domain.deployments.versions import ANN, BOB, decide, require_approval
from tests.domain.pipelines.turns import ROWS, Turns
from tests.training_data import make_dataset, upload
from workers.handlers.pipelines import fire_schedules
from workers.toolbox import Toolbox

RECIPE = {"kind": "recipe", "concat": ["d@1"]}
SCHEDULE = [{"on": "schedule", "every_seconds": 60}]
NEW_VERSION = [{"on": "dataset_version", "dataset": "d"}]


@pytest.fixture
def turns(client: httpx.Client, drain: Drain, tools: Toolbox) -> Turns:
    """A dataset with one validated version, and the model `m` without any."""
    make_dataset(client, drain, "d", ROWS)
    with tools.runtime.transaction(ANN) as session:
        create_model(session, name="m", task="regression", target="y")
    return Turns(tools)


def champion(turns: Turns) -> int | None:
    with turns.runtime.reading() as session:
        found = alias_of(session, get_model(session, "m"), "champion")
        return found.number if found else None


def test_a_run_knows_the_turn_that_trained_it(turns: Turns) -> None:
    turn = turns.start()
    turns.work("BuildVersion", "RunDataChecks")
    run_id = turns.step(turn, "train").output["run_id"]
    with turns.runtime.reading() as session:
        assert queries.turn_that_trained(session, run_id) == ("p", turn)
        assert queries.turn_that_trained(session, turn) is None


class TestATurn:
    def test_goes_through_to_the_champion(self, turns: Turns) -> None:
        run_id = turns.start()
        assert turns.states(run_id).startswith("build:succeeded check:succeeded train:running check_model:pending")
        turns.go_to(run_id, "deploy")
        run = turns.run(run_id)
        assert (run.state, run.reason, champion(turns)) == ("succeeded", "every step succeeded", 1)
        assert "pending" not in turns.states(run_id)
        assert [event.payload["state"] for event in turns.events("PipelineRunEnded")] == ["succeeded"]

    def test_ends_well_when_the_gate_says_no_and_the_champion_stays(self, turns: Turns) -> None:
        run_id = turns.start()
        turns.go_to(run_id, "promote")
        turns.decide(run_id, "fail")
        run = turns.run(run_id)
        assert (run.state, run.reason) == ("succeeded", "The champion stays: it came to fail.")
        assert turns.states(run_id).endswith("promote:succeeded deploy:skipped")
        assert champion(turns) is None

    def test_without_a_promotion_ends_with_the_checks(self, turns: Turns) -> None:
        run_id = turns.start(promote=False)
        turns.go_to(run_id, "promote")
        assert (turns.run(run_id).state, turns.queued("GatherEvidence")) == ("succeeded", [])

    def test_waits_for_a_person_and_ends_with_a_refusal(self, turns: Turns) -> None:
        with turns.runtime.transaction(ANN) as session:
            require_approval(session)
        run_id = turns.start()
        turns.go_to(run_id, "deploy")
        assert turns.states(run_id).endswith("promote:succeeded deploy:running")
        with turns.runtime.transaction(BOB) as session:
            promotion_id = turns.step(run_id, "promote").output["promotion_id"]
            promotions.reject(session, promotion_id=promotion_id, reason="not now")
        assert (turns.run(run_id).state, turns.run(run_id).reason) == ("succeeded", "A person refused: not now")

    def test_is_refused_while_another_has_not_ended(self, turns: Turns) -> None:
        turns.start()
        with pytest.raises(PipelineBusy, match="has not ended"):
            turns.start()

    def test_that_cannot_begin_fails_with_the_reason(self, turns: Turns) -> None:
        run_id = turns.start(build={"dataset": "e"}, train={**_train(), "dataset": "e"})
        run = turns.run(run_id)
        assert (run.state, run.reason) == ("failed", "build: There is no dataset named 'e'.")
        assert turns.states(run_id).endswith("promote:skipped deploy:skipped")


def _train() -> dict[str, str]:
    return {"dataset": "d", "trainer": "linear", "task": "regression", "target": "y"}


class TestAJobThatComesToNothing:
    @pytest.mark.parametrize(
        ("step", "kind", "state"),
        [
            ("build", "BuildVersion", "failed"),
            ("train", "TrainModel", "failed"),
            ("check_model", "RunModelChecks", "failed"),
            # The gate could not answer: the champion stays, and the run is through.
            ("promote", "GatherEvidence", "succeeded"),
        ],
    )
    def test_ends_the_turn(self, turns: Turns, step: str, kind: str, state: str) -> None:
        source = RECIPE if step == "build" else None
        run_id = turns.start(build={"dataset": "d", "source": source})
        if step != "build":
            turns.go_to(run_id, step)
        turns.cancel_job(kind)
        run = turns.run(run_id)
        assert run.state == state
        assert "no time" in run.reason
        assert "running" not in turns.states(run_id)

    def test_of_a_rollout_ends_the_turn(self, turns: Turns) -> None:
        with turns.runtime.transaction(ANN) as session:
            deployments.put_endpoint(session, name="e", model="m", settings=EndpointSettings())
        run_id = turns.start()
        turns.go_to(run_id, "deploy")
        assert turns.states(run_id).endswith("deploy:running")
        turns.cancel_job("RollOut")
        assert (turns.run(run_id).state, turns.run(run_id).reason) == ("failed", "deploy: no time")


class TestAnEventThatHasAlreadyHappened:
    def test_a_build_that_finds_its_version_again_goes_on(self, turns: Turns) -> None:
        for _ in range(2):
            run_id = turns.start(build={"dataset": "d", "source": RECIPE}, promote=False)
            turns.work("BuildVersion")
            turns.work("RunDataChecks")
            assert "train:running" in turns.states(run_id)
            assert turns.step(run_id, "build").output["number"] == 2
            with turns.runtime.transaction(ANN) as session:
                service.cancel(session, run_id=run_id)
        assert "found again" in turns.step(run_id, "build").reason

    def test_a_rejected_version_found_again_fails(self, client: httpx.Client, turns: Turns) -> None:
        client.put("datasets/d/check-suite", json={"checks": [{"check": "row_count", "min": 1000}]})
        for reason in ("is rejected", "is rejected"):
            run_id = turns.start(build={"dataset": "d", "source": RECIPE})
            turns.work("BuildVersion")
            turns.work("RunDataChecks")
            assert turns.run(run_id).state == "failed"
            assert reason in turns.run(run_id).reason

    def test_the_check_waits_for_the_evaluation_rows_too(self, client: httpx.Client, turns: Turns) -> None:
        client.post("datasets", json={"name": "rows"})
        run_id = turns.start(evaluation={"dataset": "rows", "source": RECIPE})
        turns.work("BuildVersion")
        assert "check:running train:pending" in turns.states(run_id)
        turns.work("RunDataChecks")
        assert turns.step(run_id, "check").reason == "validated: rows version 1, d version 1"
        assert "train:running" in turns.states(run_id)

    def test_evaluation_rows_that_are_rejected_fail_the_check(self, client: httpx.Client, turns: Turns) -> None:
        client.post("datasets", json={"name": "rows"})
        client.put("datasets/rows/check-suite", json={"checks": [{"check": "row_count", "min": 1000}]})
        run_id = turns.start(evaluation={"dataset": "rows", "source": RECIPE})
        turns.work("BuildVersion")
        turns.work("RunDataChecks")
        assert turns.run(run_id).state == "failed"
        assert turns.run(run_id).reason.startswith("check: rows version 1 is rejected:")

    def test_a_promotion_that_cannot_be_applied_fails_the_deployment(self, turns: Turns) -> None:
        run_id = turns.start()
        turns.go_to(run_id, "promote")
        with turns.runtime.transaction(ANN) as session:
            # Somebody else's promotion of the same version is decided first.
            other = promotions.request(session, model="m", number=1)[0].id
        with turns.runtime.transaction() as session:
            decide(session, other)
        turns.decide(run_id, "pass")
        run = turns.run(run_id)
        assert (run.state, run.reason.split(":")[0]) == ("failed", "deploy")
        assert "became champion of 'm' meanwhile" in run.reason


class TestCancel:
    @pytest.mark.parametrize(("step", "kind"), [("train", "TrainModel"), ("promote", "GatherEvidence")])
    def test_stops_the_job_of_the_step(self, turns: Turns, step: str, kind: str) -> None:
        run_id = turns.start()
        turns.go_to(run_id, step)
        job_id = turns.step(run_id, step).output["job_id"]
        with turns.runtime.transaction(ANN) as session:
            service.cancel(session, run_id=run_id)
        with turns.runtime.reading() as session:
            job = get_job(session, job_id)
        assert (job.kind, job.state, turns.run(run_id).state) == (kind, "cancelled", "cancelled")
        assert turns.run(run_id).reason == "cancelled by ann"
        assert not {"pending", "running"} & {state.split(":")[1] for state in turns.states(run_id).split()}

    def test_aborts_the_rollout(self, turns: Turns) -> None:
        with turns.runtime.transaction(ANN) as session:
            deployments.put_endpoint(session, name="e", model="m", settings=EndpointSettings())
        run_id = turns.start()
        turns.go_to(run_id, "deploy")
        with turns.runtime.transaction(ANN) as session:
            service.cancel(session, run_id=run_id)
        with turns.runtime.reading() as session:
            assert active_rollout(session, get_endpoint(session, "e").id) is None
        assert turns.states(run_id).endswith("deploy:cancelled")

    def test_of_what_has_ended_is_refused(self, turns: Turns) -> None:
        run_id = turns.start()
        for refused in (False, True):
            with turns.runtime.transaction(ANN) as session:
                if refused:
                    with pytest.raises(RunEnded, match="has already cancelled"):
                        service.cancel(session, run_id=run_id)
                else:
                    service.cancel(session, run_id=run_id)


class TestTriggers:
    def test_a_new_version_starts_a_run(self, client: httpx.Client, turns: Turns) -> None:
        turns.put(triggers=NEW_VERSION)
        upload(client, "d", ROWS.head(300))
        turns.work("RunDataChecks")
        (run,) = turns.runs()
        assert (run.trigger, run.trigger_reason) == ("dataset_version", "d version 2 is validated")

    def test_a_new_version_while_a_run_has_not_ended_is_told(self, client: httpx.Client, turns: Turns) -> None:
        run_id = turns.start(triggers=NEW_VERSION)
        upload(client, "d", ROWS.head(300))
        turns.work("RunDataChecks")
        (refusal,) = turns.events("PipelineRunRefused")
        assert refusal.payload["reason"] == f"d version 2 is validated, and run {run_id} has not ended."
        assert len(turns.runs()) == 1

    def test_the_version_that_its_own_run_built_is_no_news(self, turns: Turns) -> None:
        turns.start(build={"dataset": "d", "source": RECIPE}, triggers=NEW_VERSION)
        turns.work("BuildVersion")
        turns.work("RunDataChecks")
        assert len(turns.runs()) == 1
        assert turns.events("PipelineRunRefused") == []

    def test_a_schedule_starts_a_run_when_it_has_come_round(
        self, turns: Turns, tools: Toolbox, clock: SteppingClock
    ) -> None:
        turns.put(triggers=SCHEDULE)
        fire_schedules(tools)
        assert turns.runs() == []
        clock.advance(61)
        fire_schedules(tools)
        assert [run.trigger for run in turns.runs()] == ["schedule"]
        clock.advance(61)
        fire_schedules(tools)  # the first one has not ended
        assert len(turns.runs()) == 1

    @ON_BOTH_DATABASES
    def test_ticks_at_once_start_one_run(self, turns: Turns, tools: Toolbox, clock: SteppingClock) -> None:
        turns.put(triggers=SCHEDULE, build={"dataset": "e"}, train={**_train(), "dataset": "e"})  # ends at once
        clock.advance(61)
        start = Barrier(6)

        def fire(_: int) -> None:
            start.wait()
            fire_schedules(tools)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(fire, range(6)))
        assert [run.state for run in turns.runs()] == ["failed"]


class TestPutPipeline:
    def test_the_same_spec_again_is_no_news(self, turns: Turns) -> None:
        turns.put()
        turns.put()
        turns.put(promote=False)
        assert [event.payload["revision"] for event in turns.events("PipelineChanged")] == [2, 1]
