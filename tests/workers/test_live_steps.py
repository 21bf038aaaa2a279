"""Steps of a running training: told in batches, not more than one a second, and never waited for."""

from dataclasses import dataclass

import pytest

from adapters.tracking import RunStart
from tests.conftest import TrackingInMemory
from workers.live_steps import LiveSteps

START = RunStart(run_id="r-1", experiment="e", name="n")


@dataclass
class Watch:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def begun() -> list[str]:
    return []


@pytest.fixture
def live(tracking: TrackingInMemory, watch: Watch, begun: list[str]) -> LiveSteps:
    return LiveSteps(tracking, START, begun.append, now=watch)


class TestAdd:
    def test_tells_nothing_of_a_training_that_takes_less_than_a_second(
        self, live: LiveSteps, tracking: TrackingInMemory, watch: Watch
    ) -> None:
        for step in range(100):
            watch.seconds += 0.009
            live.add(step, {"train_loss": 1.0})
        assert (live.begun, live.told, len(live.steps), tracking.live) == ("", 0, 100, {})

    def test_tells_at_most_once_a_second(
        self, live: LiveSteps, tracking: TrackingInMemory, watch: Watch, begun: list[str]
    ) -> None:
        told = []
        for step in range(50):
            watch.seconds += 0.125
            live.add(step, {"train_loss": 1.0})
            told.append(live.told)
        assert sorted(set(told)) == [0, 8, 16, 24, 32, 40, 48]
        assert (live.begun, begun) == ("r1", ["r1"])
        assert [step for step, _ in tracking.live["r-1"]] == list(range(48))

    def test_does_not_wait_again_for_a_tracker_that_is_away(
        self, live: LiveSteps, tracking: TrackingInMemory, watch: Watch
    ) -> None:
        watch.seconds = 2
        live.add(1, {"train_loss": 1.0})
        tracking.away = True
        watch.seconds = 4
        live.add(2, {"train_loss": 0.5})
        tracking.away = False
        watch.seconds = 6
        live.add(3, {"train_loss": 0.2})
        # What has arrived is not known: the run is told whole at the end, in place of the one that was begun.
        assert (live.begun, live.told, len(live.steps)) == ("", 0, 3)
        assert [step for step, _ in tracking.live["r-1"]] == [1]
