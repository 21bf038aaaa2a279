"""The choice of a live target: shares hold, keys stick, and a growing canary keeps its keys."""

import random

import pytest

from domain.deployments.specs import Target
from domain.deployments.traffic import choose, live_targets, point


def target(version: int, share: float, role: str = "live") -> Target:
    return Target.model_validate({"version": version, "package": "0" * 64, "role": role, "share": share})


def test_nobody_answers_when_nothing_is_live() -> None:
    assert choose(live_targets([target(1, 1.0, "standby")]), 0.5) is None


def test_standby_and_zero_share_never_answer() -> None:
    live = live_targets([target(1, 1.0, "standby"), target(3, 0.0), target(2, 1.0)])
    assert [each.version for each in live] == [2]


@pytest.mark.parametrize("at", [0.0, 0.3, 0.999999999])
def test_single_live_target_answers_everything_whatever_its_share(at: float) -> None:
    chosen = choose(live_targets([target(7, 0.1)]), at)
    assert chosen is not None
    assert chosen.version == 7


@pytest.mark.parametrize(("at", "version"), [(0.0, 1), (0.8999, 1), (0.9, 2), (0.9999999999999999, 2)])
def test_the_newest_version_owns_the_end_of_the_interval(at: float, version: int) -> None:
    chosen = choose(live_targets([target(2, 0.1), target(1, 0.9)]), at)
    assert chosen is not None
    assert chosen.version == version


def test_shares_are_relative_to_their_sum() -> None:
    live = live_targets([target(1, 0.2), target(2, 0.2)])
    assert [chosen.version for at in (0.49, 0.51) if (chosen := choose(live, at))] == [1, 2]


def test_random_traffic_follows_the_shares() -> None:
    live = live_targets([target(1, 0.9), target(2, 0.1)])
    source = random.Random(0)
    hits = sum(chosen.version == 2 for _ in range(20_000) if (chosen := choose(live, source.random())))
    assert hits / 20_000 == pytest.approx(0.1, abs=0.01)


def test_keys_spread_evenly_over_the_unit_interval() -> None:
    points = [point("bikes", f"user-{number}") for number in range(20_000)]
    assert min(points) >= 0.0
    assert max(points) < 1.0
    assert sum(at < 0.25 for at in points) / len(points) == pytest.approx(0.25, abs=0.01)


def test_a_key_sticks_and_differs_between_endpoints() -> None:
    assert point("bikes", "anna") == point("bikes", "anna")
    assert point("bikes", "anna") != point("rides", "anna")


def test_a_growing_canary_keeps_the_keys_it_has() -> None:
    points = [point("bikes", f"user-{number}") for number in range(2_000)]

    def canary_keys(share: float) -> set[float]:
        live = live_targets([target(1, 1 - share), target(2, share)])
        return {at for at in points if (chosen := choose(live, at)) and chosen.version == 2}

    assert canary_keys(0.1) < canary_keys(0.25) < canary_keys(1.0)
