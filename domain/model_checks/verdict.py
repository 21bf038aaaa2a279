"""What the results of the checks come to together: pure."""

from collections.abc import Sequence

from domain.model_checks.specs import ModelCheckResult, Verdict


def judge(results: Sequence[ModelCheckResult]) -> Verdict:
    """One FAIL fails; else one INCONCLUSIVE leaves it open, and so does having looked at nothing."""
    verdicts = {result.verdict for result in results}
    if "fail" in verdicts:
        return "fail"
    return "pass" if verdicts == {"pass"} else "inconclusive"
