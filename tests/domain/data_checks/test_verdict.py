"""From results to a verdict."""

from domain.data_checks.specs import CheckResult, Severity, Verdict
from domain.data_checks.verdict import judge


def result(name: str, verdict: Verdict, severity: Severity = "error") -> CheckResult:
    return CheckResult(check="unique", name=name, severity=severity, verdict=verdict, message=f"about {name}")


def test_nothing_to_say_is_a_pass() -> None:
    assert judge([]).verdict == "pass"


def test_all_passed_is_a_pass() -> None:
    assert judge([result("a", "pass"), result("b", "pass", "warn")]).verdict == "pass"


def test_a_warning_is_a_warning_and_no_reason() -> None:
    judgement = judge([result("a", "pass"), result("b", "warn", "warn")])
    assert (judgement.verdict, judgement.reasons) == ("warn", [])


def test_every_failure_is_a_reason() -> None:
    judgement = judge([result("a", "fail"), result("b", "warn", "warn"), result("c", "fail")])
    assert (judgement.verdict, judgement.reasons) == ("fail", ["a: about a", "c: about c"])
