"""What results come to together."""

import pytest

from domain.model_checks.specs import ModelCheckResult, Verdict
from domain.model_checks.verdict import judge


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "inconclusive"], "inconclusive"),
        (["inconclusive", "fail", "pass"], "fail"),
        ([], "inconclusive"),
    ],
)
def test_one_fail_fails_and_nothing_seen_is_no_pass(verdicts: list[Verdict], together: Verdict) -> None:
    results = [ModelCheckResult(gate="metric", verdict=verdict, message="") for verdict in verdicts]
    assert judge(results) == together
