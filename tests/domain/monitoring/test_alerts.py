"""What a window means: verdicts, findings, and when an alert is over."""

from itertools import product

import pytest

from domain.monitoring.alerts import AlertKind, AlertState, findings, is_over, may_move, verdict_of
from domain.monitoring.specs import DriftResult, PerformanceResult
from tests.domain.monitoring.results import drift, quality

QUIET, DRIFTED, BROKEN = drift(), drift(drifted=["temp"]), drift(broken=["hum"])
BOTH = drift(drifted=["temp"], broken=["hum"])
FINE, WORSE = quality(21.0), quality(40.0)
ALLOWED = {("open", "acknowledged"), ("open", "resolved"), ("acknowledged", "resolved")}


@pytest.mark.parametrize(("old", "new"), list(product(AlertState, AlertState)))
def test_moves_as_the_table_says(old: AlertState, new: AlertState) -> None:
    assert may_move(old, new) == ((old, new) in ALLOWED)


@pytest.mark.parametrize(
    ("found", "performance", "verdict"),
    [
        (QUIET, None, "quiet"),
        (QUIET, FINE, "quiet"),
        (DRIFTED, None, "drifted"),
        (DRIFTED, FINE, "drifted"),
        (DRIFTED, WORSE, "degraded"),
        (QUIET, WORSE, "degraded"),
        (BOTH, WORSE, "broken"),
        (BROKEN, None, "broken"),
    ],
)
def test_the_worst_that_can_be_said_is_the_verdict(
    found: DriftResult, performance: PerformanceResult | None, verdict: str
) -> None:
    assert verdict_of(found, performance) == verdict


class TestFindings:
    def test_a_quiet_window_speaks_for_none(self) -> None:
        assert findings(QUIET, FINE) == []

    def test_each_kind_is_told_with_its_figures(self) -> None:
        found = {one.kind: one.reason for one in findings(BOTH, WORSE)}
        assert found == {
            AlertKind.BROKEN_DATA: "Broken data in hum (stuck on 3), 500 rows.",
            AlertKind.DRIFT: "1 of 2 features drifted over 500 rows: temp (PSI 2.00, alarm from 0.20).",
            AlertKind.QUALITY: "mae is 40 on 500 labelled rows, against 20 when it was trained (+100% loss).",
        }

    def test_many_drifted_features_are_counted_after_three(self) -> None:
        (found,) = findings(drift(drifted=["a", "b", "c", "d", "e"]), None)
        assert found.reason.startswith("5 of 7 features")
        assert found.reason.endswith("c (PSI 2.00, alarm from 0.20) and 2 more.")

    def test_without_a_reference_says_so(self) -> None:
        (found,) = findings(QUIET, quality(40.0, reference=None, degraded=True))
        assert "with nothing to compare it to" in found.reason


@pytest.mark.parametrize(
    ("kind", "windows", "over"),
    [
        ("drift", [(QUIET, None)] * 3, True),
        ("drift", [(QUIET, None)] * 2, False),
        ("drift", [(QUIET, None), (DRIFTED, None), (QUIET, None)], False),
        ("drift", [(QUIET, None)] * 3 + [(DRIFTED, None)], True),
        ("drift", [(BROKEN, WORSE)] * 3, True),
        ("broken_data", [(DRIFTED, WORSE)] * 3, True),
        ("broken_data", [(BROKEN, None)] * 3, False),
        ("quality", [(QUIET, None)] * 3, False),
        ("quality", [(DRIFTED, FINE)] * 3, True),
        ("quality", [(QUIET, None), (QUIET, FINE), (QUIET, FINE), (QUIET, FINE)], True),
        ("quality", [(QUIET, FINE), (QUIET, WORSE), (QUIET, FINE)], False),
    ],
)
def test_an_alert_is_over_when_three_windows_that_can_tell_say_the_opposite(
    kind: str, windows: list[tuple[DriftResult, PerformanceResult | None]], over: bool
) -> None:
    assert is_over(AlertKind(kind), windows, needed=3) == over
