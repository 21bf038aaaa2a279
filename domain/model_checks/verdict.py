"""What the results of the checks come to together: pure."""

from collections.abc import Sequence

from domain.model_checks.specs import ModelCheckResult, Verdict


def judge(results: Sequence[ModelCheckResult]) -> Verdict:
    """One FAIL fails; else one INCONCLUSIVE leaves it open, and so does having looked at nothing.

    Checks of severity `warn` are told and stop nothing.
    """
    if results and all(result.severity == "warn" for result in results):
        return "pass"
    verdicts = {result.verdict for result in results if result.severity == "error"}
    if "fail" in verdicts:
        return "fail"
    return "pass" if verdicts == {"pass"} else "inconclusive"
