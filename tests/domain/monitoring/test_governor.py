"""The governor: each rule, and which one speaks first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.monitoring.governor import GovernorFacts, may_retrain
from domain.monitoring.specs import GovernorPolicy
from domain.monitoring.windows import WindowVerdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = GovernorPolicy()  # 2 of the last 3, an hour, 4 a day, 3 refusals
D, G, Q, B = WindowVerdict.DRIFTED, WindowVerdict.DEGRADED, WindowVerdict.QUIET, WindowVerdict.BROKEN
BAD = GovernorFacts(windows=[D, D], broken_columns=[], in_flight=None, started=[], failed_gates=0)


def ago(**spans: float) -> datetime:
    return NOW - timedelta(**spans)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, "go"),
        ({"windows": [G, D]}, "go"),
        ({"windows": [D, Q, G]}, "go"),
        ({"windows": [D, Q, Q]}, "hysteresis"),
        ({"windows": [D, Q, Q, D, D]}, "hysteresis"),
        ({"windows": [D, B, B]}, "hysteresis"),
        ({"windows": []}, "hysteresis"),
        ({"broken_columns": ["temp"]}, "broken_data"),
        ({"in_flight": "r1"}, "in_flight"),
        ({"failed_gates": 2}, "go"),
        ({"failed_gates": 3}, "circuit_breaker"),
        ({"started": [ago(minutes=59)]}, "cooldown"),
        ({"started": [ago(minutes=60)]}, "go"),
        ({"started": [ago(hours=hour) for hour in (2, 4, 6)]}, "go"),
        ({"started": [ago(hours=hour) for hour in (2, 4, 6, 8)]}, "budget"),
        ({"started": [ago(hours=hour) for hour in (2, 4, 6, 24)]}, "go"),
        # The order: what is wrong with the data first, then what runs, then what the windows say, then the history.
        ({"broken_columns": ["temp"], "in_flight": "r1"}, "broken_data"),
        ({"in_flight": "r1", "windows": [Q]}, "in_flight"),
        ({"windows": [Q], "failed_gates": 9}, "hysteresis"),
        ({"failed_gates": 9, "started": [ago(minutes=1)]}, "circuit_breaker"),
    ],
)
def test_rules(changes: dict[str, object], rule: str) -> None:
    ruling = may_retrain(replace(BAD, **changes), POLICY, NOW)  # type: ignore[arg-type]  # the table is not typed by field
    assert (ruling.rule, ruling.start) == (rule, rule == "go")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "2 of the last 2 windows are bad, nothing is running, budget 0 of 4 used."),
        ({"broken_columns": ["temp", "hum"]}, "Broken data is not drift: look at temp, hum first."),
        ({"windows": [D]}, "1 of the last 1 windows are bad; 2 are needed."),
        ({"started": [ago(seconds=90)]}, "The last retrain started 90 s ago; the next may start in 58 min."),
    ],
)
def test_says_why_with_figures(changes: dict[str, object], told: str) -> None:
    assert may_retrain(replace(BAD, **changes), POLICY, NOW).reason == told  # type: ignore[arg-type]  # as above
