"""The gate: every kind of evidence, and what it comes to."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.model_checks.specs import ModelCheckResult, PairedComparison
from domain.promotions.gates import compare_verdict, evaluate
from domain.promotions.specs import Evidence, Policy

METRIC = {"gate": "metric", "metric": "mae", "max": 60}
CHAMPION = {"gate": "champion", "metric": "mae", "min_effect": 0.01}


def comparison(**changes: Any) -> PairedComparison:
    plain = {
        "metric": "mae", "higher_is_better": False, "rows": 500, "rows_excluded": 0, "champion_value": 100.0,
        "challenger_value": 40.0, "effect": 0.6, "low": 0.5, "high": 0.7, "p_value": 0.001, "alpha": 0.05,
        "min_effect": 0.01, "rows_needed": None, "method": "paired bootstrap",
    }  # fmt: skip
    return PairedComparison.model_validate(plain | changes)


def evidence(**changes: Any) -> Evidence:
    plain = {
        "policy_version": 1, "candidate_version": 2, "champion_version": 1, "check_report_id": "r",
        "frozen_rows": "rows@1", "comparison": comparison(),
    }  # fmt: skip
    return Evidence.model_validate(plain | changes)


def check(verdict: str = "pass") -> ModelCheckResult:
    return ModelCheckResult.model_validate({"gate": "metric", "verdict": verdict, "message": f"mae: {verdict}."})


def policy(*gates: dict[str, Any]) -> Policy:
    return Policy.model_validate({"gates": list(gates)})


class TestComparison:
    @pytest.mark.parametrize(
        ("figures", "verdict"),
        [
            ({}, "pass"),
            ({"low": 0.0101}, "pass"),
            ({"low": 0.01}, "inconclusive"),  # the bound must be above the minimum, not at it
            ({"p_value": 0.05}, "pass"),
            ({"p_value": 0.051}, "inconclusive"),
            ({"effect": 0.005, "low": 0.001, "high": 0.009}, "fail"),  # surely better, and surely by too little
            ({"effect": -0.2, "low": -0.3, "high": -0.1}, "fail"),
            ({"effect": -0.01, "low": -0.3, "high": 0.3}, "fail"),
            ({"effect": 0.0, "low": -0.3, "high": 0.3}, "fail"),
            ({"effect": 0.02, "low": -0.1, "high": 0.14, "p_value": 0.4}, "inconclusive"),
        ],
    )
    def test_comes_to(self, figures: dict[str, float], verdict: str) -> None:
        assert compare_verdict(comparison(**figures))[0] == verdict

    def test_says_which_bounds_there_are_none(self) -> None:
        told = compare_verdict(comparison(low=-1e6, high=0.074, p_value=0.4))[1]
        assert "+60.0% [no bound, +7.4%], p = 0.4" in told
        assert "below -100% [no bound, no bound]" in compare_verdict(comparison(effect=-1e6, low=-1e6, high=1e6))[1]

    def test_says_how_many_rows_would_tell(self) -> None:
        told = compare_verdict(comparison(low=-0.1, p_value=0.4, rows_needed=1234))[1]
        assert "About 1234 rows would tell." in told


class TestEvaluate:
    def test_a_policy_without_gates_shows_nothing(self) -> None:
        assert evaluate(Policy(), evidence()).verdict == "fail"

    @pytest.mark.parametrize(
        ("verdicts", "decision"),
        [
            (["pass", "pass"], "pass"),
            (["pass", "inconclusive"], "inconclusive"),
            (["inconclusive", "fail"], "fail"),
            (["fail", "pass"], "fail"),
        ],
    )
    def test_the_worst_verdict_decides_and_its_messages_are_the_reason(
        self, verdicts: list[str], decision: str
    ) -> None:
        found = evaluate(policy(METRIC, METRIC), evidence(checks=[check(one) for one in verdicts]))
        assert found.verdict == decision
        assert found.reason == " ".join(f"mae: {one}." for one in verdicts if one == decision)

    def test_the_champion_gate_takes_no_check_from_the_others(self) -> None:
        found = evaluate(policy(METRIC, CHAMPION, METRIC), evidence(checks=[check("pass"), check("fail")]))
        assert [one.verdict for one in found.gates] == ["pass", "pass", "fail"]

    def test_a_check_that_was_not_run_leaves_it_open_and_is_named(self) -> None:
        found = evaluate(policy(METRIC), evidence(checks=[]))
        assert (found.verdict, found.reason) == (
            "inconclusive",
            "The check 'metric' has not been run on this version.",
        )

    def test_the_first_champion_is_compared_with_nobody(self) -> None:
        found = evaluate(policy(CHAMPION), evidence(champion_version=None, comparison=None))
        assert found.verdict == "pass"

    @pytest.mark.parametrize(
        ("missing", "told"),
        [([], "No comparison with the champion was made."), (["The frozen rows lack hr."], "The frozen rows lack hr.")],
    )
    def test_missing_evidence_is_named(self, missing: list[str], told: str) -> None:
        found = evaluate(policy(CHAMPION), evidence(comparison=None, missing=missing))
        assert (found.verdict, found.reason) == ("inconclusive", told)

    def test_the_same_evidence_from_the_database_comes_to_the_same_decision(self) -> None:
        gates, seen = policy(METRIC, CHAMPION), evidence(checks=[check()])
        first = evaluate(gates, seen)
        again = evaluate(
            Policy.model_validate(gates.model_dump(mode="json")),
            Evidence.model_validate_json(seen.model_dump_json()),
        )
        assert first == again


def test_two_champion_gates_are_refused() -> None:
    with pytest.raises(ValidationError, match="one champion gate at most: there are gates 0 and 2"):
        policy(CHAMPION, METRIC, CHAMPION)
