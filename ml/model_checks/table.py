"""The table of model checks, and the run over a list of them. Called by the model check handler of the workers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import polars as pl

from domain.errors import Invalid
from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec
from ml.model_checks.behaviour import check_directional, check_invariance, check_tolerance
from ml.model_checks.minimum import check_minimum_functionality
from ml.model_checks.quality import check_metric, check_overfit, check_slices
from ml.model_checks.subject import Subject
from ml.models import Model

Check = Callable[[Any, Subject], ModelCheckResult]
CHECKS: Final[dict[str, Check]] = {
    "metric": check_metric,
    "overfit": check_overfit,
    "tolerance": check_tolerance,
    "invariance": check_invariance,
    "directional": check_directional,
    "minimum_functionality": check_minimum_functionality,
    "slices": check_slices,
}
# These need no rows: the run's metrics, or rows of their own.
_WITHOUT_ROWS: Final = frozenset({"overfit", "minimum_functionality"})


def run_checks(
    checks: Sequence[ModelCheckSpec],
    *,
    model: Model,
    frame: pl.DataFrame,
    metrics: dict[str, float],
    seed: int,
    lexicons: Mapping[str, Sequence[str]] | None = None,
) -> list[ModelCheckResult]:
    """One result per check, in their order, on `frame`: the frozen test rows with their target.

    `metrics` are the run's (`train_loss`, `validation_loss`). Rows without a target are left out. A check without
    rows to look at is inconclusive; one that cannot be computed (an unknown metric or column) fails with the reason.
    """
    target = model.signature.target
    known = frame.filter(pl.col(target).is_not_null()) if target in frame.columns else frame.clear()
    subject = Subject(model, known, metrics, seed, lexicons=lexicons or {})
    return [_run(check, subject) for check in checks]


def _has_own_rows(check: ModelCheckSpec) -> bool:
    return check.gate in _WITHOUT_ROWS or getattr(check, "templates", None) is not None


def _run(check: ModelCheckSpec, subject: Subject) -> ModelCheckResult:
    if subject.frame.height == 0 and not _has_own_rows(check):
        message = f"There are no rows with a {subject.model.signature.target!r} to check the model on."
        return ModelCheckResult(gate=check.gate, verdict="inconclusive", message=message)
    try:
        return CHECKS[check.gate](check, subject)
    except Invalid as error:
        message = " ".join(part for part in (error.message, error.fix) if part)
        return ModelCheckResult(gate=check.gate, verdict="fail", message=message)
