"""The table of model checks, and the run over a list of them. Called by the model check handler of the workers."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import polars as pl

from domain.errors import Invalid
from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec
from ml.model_checks.behaviour import check_minimum_functionality, check_tolerance
from ml.model_checks.calibration import check_calibration
from ml.model_checks.distribution import check_target_distribution
from ml.model_checks.fairness import check_fairness
from ml.model_checks.importance import check_leakage, check_unused_features
from ml.model_checks.metric import check_metric
from ml.model_checks.overfit import check_overfit
from ml.model_checks.slices import check_slices
from ml.model_checks.subject import Subject
from ml.model_checks.weak_slices import check_weak_slices
from ml.models import Model

Check = Callable[[Any, Subject], ModelCheckResult]
CHECKS: Final[dict[str, Check]] = {
    "metric": check_metric,
    "overfit": check_overfit,
    "tolerance": check_tolerance,
    "minimum_functionality": check_minimum_functionality,
    "target_distribution": check_target_distribution,
    "slices": check_slices,
    "weak_slices": check_weak_slices,
    "calibration": check_calibration,
    "leakage": check_leakage,
    "unused_features": check_unused_features,
    "fairness": check_fairness,
}
# These need no rows: the run's metrics, or rows of their own.
_WITHOUT_ROWS: Final = frozenset({"overfit", "minimum_functionality"})


def run_checks(
    checks: Sequence[ModelCheckSpec], *, model: Model, frame: pl.DataFrame, metrics: dict[str, float], seed: int
) -> list[ModelCheckResult]:
    """One result per check, in their order, on `frame`: the frozen test rows with their target.

    `metrics` are the run's (`train_loss`, `validation_loss`). Rows without a target are left out. A check without
    rows to look at is inconclusive; one that cannot be computed (an unknown metric or column) fails with the reason.
    """
    target = model.signature.target
    known = frame.filter(pl.col(target).is_not_null()) if target in frame.columns else frame.clear()
    subject = Subject(model, known, metrics, seed)
    return [_run(check, subject) for check in checks]


def _run(check: ModelCheckSpec, subject: Subject) -> ModelCheckResult:
    if subject.frame.height == 0 and check.gate not in _WITHOUT_ROWS:
        message = f"There are no rows with a {subject.model.signature.target!r} to check the model on."
        return ModelCheckResult(gate=check.gate, verdict="inconclusive", message=message)
    try:
        return CHECKS[check.gate](check, subject)
    except Invalid as error:
        message = " ".join(part for part in (error.message, error.fix) if part)
        return ModelCheckResult(gate=check.gate, verdict="fail", message=message)
