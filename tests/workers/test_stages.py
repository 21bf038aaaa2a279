"""What the stages of a job took: measured by the worker, kept however the job ends, priced when it is read."""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from adapters.runtime import Runtime
from adapters.settings import Settings
from domain.errors import Invalid, Unavailable
from domain.jobs import service
from domain.jobs.spec import JobSpec
from tests.conftest import ON_BOTH_DATABASES, SteppingClock
from tests.flows.errands import Errand
from workers.run import RunningJob, run_job
from workers.stages import Meter
from workers.toolbox import Toolbox

MB = 10**6
Work = Callable[[RunningJob[Any]], None]
HOLD = """import time
held = b"x" * 100_000_000
while time.process_time() < 0.2: pass
print("held", flush=True)
input()"""


@pytest.fixture
def perform(runtime: Runtime, tools: Toolbox) -> Callable[..., str]:
    """Runs an errand with this work, a new one or that of this id; gives its id."""

    def one(work: Work, job_id: str | None = None) -> str:
        if job_id is None:
            with runtime.transaction() as session:
                job_id = service.submit(session, Errand(), subject="errands").id
        handlers: dict[type[JobSpec], Any] = {Errand: lambda job, _: work(job)}
        assert run_job(job_id, tools=tools, handlers=handlers, worker="w", stop_work=lambda: None)
        return job_id

    return one


def usage_of(client: httpx.Client, job_id: str) -> dict[str, Any]:
    usage: dict[str, Any] = client.get(f"jobs/{job_id}").json()["usage"]
    return usage


def names(usage: dict[str, Any]) -> list[tuple[int, str]]:
    return [(stage["attempt"], stage["name"]) for stage in usage["stages"]]


def burn(seconds: float) -> list[str]:
    """A program that computes for so long."""
    code = f"import time\nwhile time.process_time() < {seconds}: pass"
    return [sys.executable, "-S", "-c", code]


@ON_BOTH_DATABASES
class TestAJob:
    def test_has_the_time_of_each_stage_and_of_the_whole(
        self, client: httpx.Client, perform: Callable[..., str]
    ) -> None:
        longest, dearest = 0.0, 0.0

        def work(job: RunningJob[Errand]) -> None:
            nonlocal longest, dearest
            began, idle = time.perf_counter(), time.process_time()
            job.stage("wait")
            time.sleep(0.2)
            job.stage("compute")
            longest, dearest = time.perf_counter() - began, time.process_time() - idle
            started = time.process_time()
            while time.process_time() - started < 0.2:
                pass

        usage = usage_of(client, perform(work))
        assert names(usage) == [(1, "prepare"), (1, "wait"), (1, "compute")]
        _, wait, compute = usage["stages"]
        assert 0.2 <= wait["wall_seconds"] <= longest
        assert wait["cpu_seconds"] <= dearest
        assert compute["cpu_seconds"] > 0.19
        for total in ("wall_seconds", "cpu_seconds"):
            assert usage[total] == pytest.approx(sum(stage[total] for stage in usage["stages"]))
        assert usage["peak_bytes"] == max(stage["peak_bytes"] for stage in usage["stages"]) > 10 * MB

    def test_that_names_none_has_one_all_the_same(self, client: httpx.Client, perform: Callable[..., str]) -> None:
        usage = usage_of(client, perform(lambda _: time.sleep(0.1)))
        assert names(usage) == [(1, "prepare")]
        assert usage["wall_seconds"] >= 0.1

    def test_that_comes_back_to_a_stage_goes_on_with_it(
        self, client: httpx.Client, perform: Callable[..., str]
    ) -> None:
        def work(job: RunningJob[Errand]) -> None:
            for stage in ("read", "write", "read"):
                job.stage(stage)
                time.sleep(0.1)

        usage = usage_of(client, perform(work))
        assert names(usage) == [(1, "prepare"), (1, "read"), (1, "write")]
        assert usage["stages"][1]["wall_seconds"] >= 0.2

    @pytest.mark.parametrize("error", [Invalid("no such thing"), Unavailable("away"), ZeroDivisionError()])
    def test_that_fails_keeps_its_stages_and_adds_those_of_the_next_attempt(
        self, client: httpx.Client, perform: Callable[..., str], clock: SteppingClock, error: Exception
    ) -> None:
        def fail(job: RunningJob[Errand]) -> None:
            job.stage("read")
            raise error

        job_id = perform(fail)
        assert names(usage_of(client, job_id)) == [(1, "prepare"), (1, "read")]
        if client.get(f"jobs/{job_id}").json()["state"] == "failed":
            assert client.post(f"jobs/{job_id}/retry").status_code == 202
        clock.advance(300)
        perform(lambda job: job.stage("write"), job_id)
        assert names(usage_of(client, job_id)) == [(1, "prepare"), (1, "read"), (2, "prepare"), (2, "write")]

    def test_that_is_killed_keeps_what_its_last_heartbeat_said(
        self, client: httpx.Client, runtime: Runtime, perform: Callable[..., str], clock: SteppingClock
    ) -> None:
        def vanish(job: RunningJob[Errand]) -> None:
            job.stage("read")
            job.beat()
            job.stage("write")
            clock.advance(60)
            with runtime.transaction() as session:
                assert service.reap(session) == [job.id]

        job_id = perform(vanish)
        assert client.get(f"jobs/{job_id}").json()["state"] == "queued"
        assert names(usage_of(client, job_id)) == [(1, "prepare"), (1, "read")]

    def test_that_waits_has_none(self, client: httpx.Client, runtime: Runtime) -> None:
        with runtime.transaction() as session:
            job_id = service.submit(session, Errand(), subject="errands").id
        assert client.get(f"jobs/{job_id}").json()["usage"] is None


class TestTheMeter:
    def test_sees_the_memory_of_a_moment_in_its_stage_only(self) -> None:
        meter = Meter(1)
        meter.stage("large")
        touched = b"x" * (200 * MB)
        del touched
        meter.stage("small")
        _, large, small = meter.measured()
        assert large.peak_bytes - small.peak_bytes > 150 * MB

    def test_counts_the_cpu_of_a_child_that_has_ended(self) -> None:
        meter = Meter(1)
        meter.stage("child")
        subprocess.run(burn(0.3), check=True)
        meter.stage("after")
        _, child, after = meter.measured()
        assert child.cpu_seconds >= 0.3
        assert after.cpu_seconds < 0.2

    def test_counts_a_child_that_still_runs_in_the_stage_that_it_ran_in(self) -> None:
        meter = Meter(1)
        meter.stage("child")
        with subprocess.Popen([sys.executable, "-S", "-c", HOLD], stdin=-1, stdout=-1) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"held\n"
            meter.measured()  # as the heartbeat does
            child.communicate(b"\n")
        meter.stage("after")
        _, with_child, after = meter.measured()
        assert with_child.cpu_seconds >= 0.2
        assert with_child.peak_bytes - after.peak_bytes > 70 * MB
        assert after.cpu_seconds < 0.15

    def test_costs_the_worker_less_than_a_hundredth(self) -> None:
        """A look is taken with each heartbeat, of which there is one a second."""
        meter, looks = Meter(1), 20
        started = time.process_time()
        for _ in range(looks):
            meter.measured()
        assert (time.process_time() - started) / looks < 0.01


class TestPrices:
    @pytest.fixture
    def settings(self, settings: Settings, request: pytest.FixtureRequest) -> Settings:
        return settings.model_copy(update=request.param)

    @pytest.mark.parametrize(
        ("settings", "cpu", "memory"),
        [
            ({"cpu_hour_price": 3600.0, "gb_hour_price": 7200.0, "currency": "EUR"}, 1.0, 2.0),
            ({"cpu_hour_price": 3600.0, "currency": "EUR"}, 1.0, 0.0),
            ({"gb_hour_price": 3600.0, "currency": "EUR"}, 0.0, 1.0),
            ({"cpu_hour_price": 0.0, "currency": "EUR"}, 0.0, 0.0),
        ],
        indirect=["settings"],
    )
    def test_make_a_cost_of_each_stage_and_of_the_whole(
        self, client: httpx.Client, perform: Callable[..., str], cpu: float, memory: float
    ) -> None:
        usage = usage_of(client, perform(lambda job: job.stage("write")))
        costs = [
            cpu * stage["cpu_seconds"] + memory * stage["wall_seconds"] * stage["peak_bytes"] / 1e9
            for stage in usage["stages"]
        ]
        assert [stage["cost"] for stage in usage["stages"]] == pytest.approx(costs)
        assert (usage["cost"], usage["currency"]) == (pytest.approx(sum(costs)), "EUR")

    @pytest.mark.parametrize("settings", [{}], indirect=True)
    def test_that_are_not_set_make_none(self, client: httpx.Client, perform: Callable[..., str]) -> None:
        usage = usage_of(client, perform(lambda job: job.stage("write")))
        assert usage["cost"] is None
        assert [stage["cost"] for stage in usage["stages"]] == [None, None]

    @pytest.mark.parametrize("price", ["-1", "nan", "inf", "cheap"])
    def test_that_are_none_are_refused(self, price: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MILLRACE_CPU_HOUR_PRICE", price)
        with pytest.raises(ValueError, match="cpu_hour_price"):
            Settings(_env_file=None)
