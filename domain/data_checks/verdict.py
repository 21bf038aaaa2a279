"""From the results of a suite to one verdict: a pure rule."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.data_checks.specs import CheckResult, Verdict


@dataclass(frozen=True)
class Judgement:
    """`reasons` names every failed check of severity error: why the version is rejected."""

    verdict: Verdict
    reasons: list[str]


def judge(results: Sequence[CheckResult]) -> Judgement:
    """Fail when a check of severity error failed, else warn when any check did not pass, else pass."""
    reasons = [f"{result.name}: {result.message}" for result in results if result.verdict == "fail"]
    if reasons:
        return Judgement("fail", reasons)
    return Judgement("warn" if any(result.verdict == "warn" for result in results) else "pass", [])
