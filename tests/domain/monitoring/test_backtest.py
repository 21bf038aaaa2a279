"""Other policies over kept windows: each verdict as if it had been computed, and what would have followed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest

from domain.monitoring.alerts import verdict_of
from domain.monitoring.backtest import Judged, KeptWindow, judge, psi_null, replay
from domain.monitoring.specs import DriftResult, FeatureDrift, GovernorPolicy, MonitorPolicy, PerformanceResult
from domain.monitoring.windows import WindowVerdict
from ml.divergence import psi_null as scipy_psi_null
from ml.drift import drift as computed
from tests.domain.monitoring.results import drift, feature, quality

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Q, D, G, B = WindowVerdict.QUIET, WindowVerdict.DRIFTED, WindowVerdict.DEGRADED, WindowVerdict.BROKEN


def kept(
    found: DriftResult, performance: PerformanceResult | None = None, *, truths: int | None = None, hour: float = 0.0
) -> KeptWindow:
    at = NOON + timedelta(hours=hour)
    return KeptWindow(f"w{hour:g}", 1, at, found.rows, found, performance, truths)


def verdict(window: KeptWindow, metric: str = "mae", **policy: Any) -> WindowVerdict | str | None:
    """By the defaults with these changes; the reason where it is not known."""
    found = judge(window, MonitorPolicy.model_validate(policy), metric=metric)
    assert (found.verdict is None) == (found.unknown is not None)
    return found.verdict or found.unknown


def measured(**changes: object) -> DriftResult:
    """One feature that drifted clearly, over a hundred thousand rows, with these changes; and a quiet one."""
    sure = {"psi": 0.5, "p_value": 1e-9, "bins": 10, "n": 100_000, "n_reference": 100_000, "drifted": True}
    found: list[FeatureDrift] = [feature("temp").model_copy(update=sure | changes), feature("hum")]
    return DriftResult(
        rows=500,
        features=found,
        drifted=[one.name for one in found if one.drifted],
        broken=[one.name for one in found if one.broken],
    )


class TestChance:
    @pytest.mark.parametrize(("bins", "alpha"), list(product([1, 2, 3, 10, 11, 60, 301], [0.9, 0.05, 1e-4, 1e-12])))
    def test_is_what_scipy_says(self, bins: int, alpha: float) -> None:
        assert psi_null(1000, 300, bins, alpha) == pytest.approx(scipy_psi_null(1000, 300, bins, alpha), rel=1e-9)

    @pytest.mark.parametrize("alpha", [5e-324, 0.0])
    def test_ends_where_there_is_none(self, alpha: float) -> None:
        assert np.isfinite(psi_null(10, 10, 10, alpha))


class TestJudgesAsItWouldHaveBeenComputed:
    """Windows measured by one policy and judged by another come to what measuring by that one gives."""

    POLICIES = (
        MonitorPolicy(),
        MonitorPolicy(max_effect=0.05),
        MonitorPolicy(max_effect=1.0),
        MonitorPolicy(false_discovery=1e-6),
        MonitorPolicy(false_discovery=0.9, max_effect=0.01),
        MonitorPolicy(max_null_share=0.3),
    )

    def window(self, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        draw = np.random.default_rng(seed)
        rows = int(draw.choice([60, 400, 3000]))
        shift, nulls = draw.choice([0.0, 0.1, 0.3, 1.0]), float(draw.choice([0.0, 0.0, 0.2]))

        def table(n: int, by: float, share: float) -> pl.DataFrame:
            columns = {f"x{place}": draw.normal(by if place < 2 else 0.0, 1, n) for place in range(4)}
            levels = draw.choice(["a", "b", "c"], n, p=[0.5 - by / 4, 0.3 + by / 4, 0.2])
            return pl.DataFrame(columns | {"kind": levels}).with_columns(
                x3=pl.when(pl.Series(draw.random(n) < share)).then(None).otherwise(pl.col("x3"))
            )

        return table(2000, 0.0, 0.0), table(rows, shift, nulls)

    @pytest.mark.parametrize("seed", range(12))
    def test_by_each_policy(self, seed: int) -> None:
        reference, window = self.window(seed)
        told = 0
        results = [computed(reference, window, policy=policy) for policy in self.POLICIES]
        for then, (wanted, now) in product(results, zip(results, self.POLICIES, strict=True)):
            found = judge(kept(then), now, metric="mae")
            if found.unknown is not None:
                assert "full of nulls" in found.unknown
                continue
            told += 1
            assert (found.drift.drifted, found.drift.broken) == (wanted.drifted, wanted.broken)
            assert found.verdict == verdict_of(wanted, None)
            for one, same in zip(found.drift.features, wanted.features, strict=True):
                assert (one.name, one.reason) == (same.name, same.reason)
                assert one.q_value == pytest.approx(same.q_value)
                if not one.broken:
                    assert one.threshold == pytest.approx(same.threshold)
        assert told >= 30


class TestDrift:
    @pytest.mark.parametrize(
        ("changes", "policy", "found"),
        [
            ({}, {}, D),
            ({}, {"max_effect": 0.6}, Q),
            ({"psi": 0.15, "drifted": False}, {}, Q),
            ({"psi": 0.15, "drifted": False}, {"max_effect": 0.1}, D),
            ({"p_value": 0.04}, {}, Q),  # two features: 0.08 when adjusted
            ({"p_value": 0.02}, {}, D),
            ({"p_value": 0.02}, {"false_discovery": 0.01}, Q),
            ({"n": 30}, {}, Q),  # chance alone shows so much in thirty rows
            # Windows of before the bins were kept can still be quiet for sure.
            ({"bins": None}, {"max_effect": 0.6}, Q),
            ({"bins": None}, {"false_discovery": 1e-12}, Q),
            ({"bins": None}, {}, "What chance alone shows in temp was not kept."),
        ],
    )
    def test_is_an_effect_that_matters_and_that_chance_does_not_show(
        self, changes: dict[str, Any], policy: dict[str, Any], found: object
    ) -> None:
        assert verdict(kept(measured(**changes)), **policy) == found


class TestBroken:
    NULLS = measured(
        broken=True, drifted=False, reason="null in 10.0% of the rows (0.0% in the reference)", null_share=0.1
    )

    @pytest.mark.parametrize(
        ("found", "policy", "wanted"),
        [
            (NULLS, {}, B),
            (NULLS, {"max_null_share": 0.2}, "Whether temp drifted was not looked at, as it was full of nulls."),
            (measured(null_share=0.1), {"max_null_share": 0.2}, D),
            (measured(null_share=0.1), {}, B),
            (measured(null_share=0.1, null_share_reference=0.06), {}, D),
            (measured(broken=True, drifted=False, reason="missing", null_share=1.0), {"max_null_share": 1.0}, B),
            (measured(broken=True, drifted=False, reason="stuck on 3"), {"max_null_share": 1.0}, B),
        ],
    )
    def test_by_nulls_as_the_policy_says_and_else_for_good(
        self, found: DriftResult, policy: dict[str, Any], wanted: object
    ) -> None:
        assert verdict(kept(found), **policy) == wanted

    def test_what_breaks_now_is_named(self) -> None:
        found = judge(kept(measured(null_share=0.1)), MonitorPolicy(), metric="mae")
        assert (found.drift.broken, found.drift.drifted) == (["temp"], [])
        assert found.drift.features[0].reason == "null in 10.0% of the rows (0.0% in the reference)"

    def test_is_certain_whatever_else_is_not_known(self) -> None:
        assert verdict(kept(measured(null_share=0.1), quality(20.0)), metric="rmse") == B


class TestQuality:
    @pytest.mark.parametrize(
        ("performance", "metric", "policy", "wanted"),
        [
            (quality(24.0), "mae", {}, Q),
            (quality(24.0), "mae", {"max_quality_loss": 0.1}, G),
            (quality(40.0), "mae", {"max_quality_loss": 1.5}, Q),
            (quality(40.0, reference=None), "mae", {}, Q),
            (quality(40.0), "rmse", {}, "Its quality was measured by mae, not by rmse."),
            (quality(40.0).model_copy(update={"labelled": 300}), "mae", {"min_truth_share": 0.5}, G),
            (quality(40.0).model_copy(update={"labelled": 300}), "mae", {"min_truth_share": 0.7}, Q),
        ],
    )
    def test_by_the_loss_and_the_truth_that_the_policy_wants(
        self, performance: PerformanceResult, metric: str, policy: dict[str, Any], wanted: object
    ) -> None:
        assert verdict(kept(drift(), performance), metric, **policy) == wanted

    @pytest.mark.parametrize(
        ("truths", "wanted"),
        [(None, Q), (249, Q), (250, "Its mae was not computed, as too little of its truth was there.")],
    )
    def test_that_was_not_computed_may_be_missing(self, truths: int | None, wanted: object) -> None:
        assert verdict(kept(drift(), truths=truths), min_truth_share=0.5) == wanted

    def test_that_dropped_is_certain_whatever_drift_is_not_known(self) -> None:
        assert verdict(kept(measured(bins=None), quality(40.0))) == G


def history(*verdicts: str, version: int = 1) -> list[Judged]:
    """A window an hour: q quiet, d drifted, g degraded, b broken, ? unknown."""
    results = {
        "q": (drift(), None, Q),
        "d": (drift(drifted=["temp"]), None, D),
        "g": (drift(), quality(40.0), G),
        "o": (drift(), quality(20.0), Q),
        "b": (drift(broken=["hum"]), None, B),
        "?": (drift(), None, None),
    }
    found = []
    for place, letter in enumerate("".join(verdicts)):
        result, performance, told = results[letter]
        window = replace(kept(result, performance, hour=place), version=version)
        found.append(Judged(window, result, performance, told, None if told else "It is not known."))
    return found


def rules(judged: Sequence[Judged], seconds: float = 0.0, outcome: str = "pass", **governor: Any) -> str:
    """What the governor would have said, in one line."""
    policy = GovernorPolicy.model_validate({"windows_needed": 1, "windows_seen": 2, "cooldown_seconds": 0} | governor)
    found = replay(judged, policy, retrain_seconds=seconds, outcome="fail" if outcome == "fail" else "pass")
    return " ".join(f"{one.window_id}:{one.ruling.rule}" for one in found.rulings)


class TestGovernor:
    @pytest.mark.parametrize(
        ("windows", "changes", "said"),
        [
            ("qqq", {}, ""),
            ("dqd", {}, "w0:go w2:go"),
            ("?d?", {}, "w1:go"),
            ("dd", {"windows_needed": 2}, "w0:hysteresis w1:go"),
            ("dqqd", {"windows_needed": 2, "windows_seen": 3}, "w0:hysteresis w3:hysteresis"),
            ("bd", {}, "w0:broken_data w1:go"),
            ("dgd", {"cooldown_seconds": 5400}, "w0:go w1:cooldown w2:go"),
            ("ddd", {"daily_budget": 2}, "w0:go w1:go w2:budget"),
            ("d" + "q" * 24 + "d", {"daily_budget": 1}, "w0:go w25:go"),
        ],
    )
    def test_is_asked_about_each_window_that_is_not_quiet(
        self, windows: str, changes: dict[str, Any], said: str
    ) -> None:
        assert rules(history(windows), **changes) == said

    def test_waits_for_a_retrain_that_would_still_run(self) -> None:
        assert rules(history("dddd"), seconds=5400) == "w0:go w1:in_flight w2:go w3:in_flight"
        found = replay(history("dd"), GovernorPolicy(windows_needed=1), retrain_seconds=5400, outcome="pass")
        assert found.rulings[1].ruling.reason == "Retrain of 2026-01-01 12:00 is still running; one at a time."

    def test_stops_when_the_gate_is_taken_to_refuse(self) -> None:
        assert rules(history("ddd"), outcome="fail", max_failed_gates=2) == "w0:go w1:go w2:circuit_breaker"

    def test_counts_windows_of_the_same_version_alone(self) -> None:
        judged = [*history("d"), *(replace(one, window=replace(one.window, version=2)) for one in history("d"))]
        assert rules(judged, windows_needed=2) == "w0:hysteresis w0:hysteresis"


class TestAlerts:
    def alerts(self, windows: str) -> list[tuple[str, str, str | None, int]]:
        found = replay(history(windows), GovernorPolicy(), retrain_seconds=0, outcome="pass")
        return [
            (one.kind, one.window_id, f"{one.resolved_at:%H}" if one.resolved_at else None, one.occurrences)
            for one in found.alerts
        ]

    @pytest.mark.parametrize(
        ("windows", "wanted"),
        [
            ("qqqq", []),
            ("qdd", [("drift", "w1", None, 2)]),
            ("dqqq", [("drift", "w0", "15", 1)]),
            ("dqq", [("drift", "w0", None, 1)]),
            ("dqqqd", [("drift", "w0", "15", 1), ("drift", "w4", None, 1)]),
            ("d?qq?q", [("drift", "w0", "17", 1)]),
            ("gqqqq", [("quality", "w0", None, 1)]),
            ("gooo", [("quality", "w0", "15", 1)]),
            ("bdqqq", [("broken_data", "w0", "15", 1), ("drift", "w1", "16", 1)]),
        ],
    )
    def test_open_and_resolve_as_they_would_have(
        self, windows: str, wanted: list[tuple[str, str, str | None, int]]
    ) -> None:
        assert self.alerts(windows) == wanted
