"""The table of model checks, and the run over a list of them. Called by the model check handler of the workers."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import polars as pl

from domain.errors import Invalid, Unavailable
from domain.model_checks.specs import MEASURED, ModelCheckResult, ModelCheckSpec
from ml.model_checks.behaviour import check_directional, check_invariance, check_tolerance
from ml.model_checks.calibration import check_calibration
from ml.model_checks.distribution import check_target_distribution
from ml.model_checks.fairness import check_fairness
from ml.model_checks.guard import FailedEvidence, Guarded
from ml.model_checks.importance import check_leakage, check_unused_features
from ml.model_checks.measured import check_latency, check_memory, check_serving_parity
from ml.model_checks.metric import check_metric
from ml.model_checks.minimum import check_minimum_functionality
from ml.model_checks.overfit import check_overfit
from ml.model_checks.slices import check_slices
from ml.model_checks.subject import Served, Subject, finding
from ml.model_checks.weak_slices import check_weak_slices
from ml.models import Model

Check = Callable[[Any, Subject], ModelCheckResult]
CHECKS: Final[dict[str, Check]] = {
    "metric": check_metric,
    "overfit": check_overfit,
    "tolerance": check_tolerance,
    "invariance": check_invariance,
    "directional": check_directional,
    "minimum_functionality": check_minimum_functionality,
    "target_distribution": check_target_distribution,
    "slices": check_slices,
    "weak_slices": check_weak_slices,
    "calibration": check_calibration,
    "leakage": check_leakage,
    "unused_features": check_unused_features,
    "fairness": check_fairness,
    "serving_parity": check_serving_parity,
    "latency": check_latency,
    "memory": check_memory,
}
# These need no rows: the run's metrics, or rows of their own.
_WITHOUT_ROWS: Final = frozenset({"overfit", "minimum_functionality"})
# In `details` of a result that says nothing of the model's answers, because there were none to look at.
BROKEN: Final = "failed"
OnResult = Callable[[ModelCheckResult], None]


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

    `metrics` are the run's (`train_loss`, `validation_loss`). See `subject_of` and `run_on`.
    """
    subject = subject_of(model=model, frame=frame, metrics=metrics, seed=seed)
    return run_on(subject.with_lexicons(lexicons or {}), checks)


def subject_of(
    *,
    model: Model,
    frame: pl.DataFrame,
    metrics: dict[str, float],
    seed: int,
    curve: Sequence[tuple[int, Mapping[str, float]]] = (),
    seen_share: float | None = None,
    trained: Model | None = None,
    served: Served | None = None,
) -> Subject:
    """What checks look at. Rows without a target are left out; every answer of the model is looked at first."""
    target = model.signature.target
    known = frame.filter(pl.col(target).is_not_null()) if target in frame.columns else frame.clear()
    return Subject(
        Guarded(model), known, metrics, seed, curve=curve, seen_share=seen_share, trained=trained, served=served
    )


def run_on(
    subject: Subject, checks: Sequence[ModelCheckSpec], *, threads: int = 1, on_result: OnResult | None = None
) -> list[ModelCheckResult]:
    """One result per check, in their order, each with its `seconds`.

    Checks run beside each other in `threads`; what is measured runs alone, after them. A check without rows to look at
    is inconclusive. One that cannot be computed (an unknown metric or column), to which the model gives no answer, or
    that fails by itself, has failed with the reason: nothing but `Unavailable` is raised.
    """
    told = on_result or (lambda _: None)

    def run(check: ModelCheckSpec) -> ModelCheckResult:
        result = _run(check, subject)
        told(result)
        return result

    beside = [place for place, check in enumerate(checks) if check.gate not in MEASURED]
    with ThreadPoolExecutor(max(1, threads), thread_name_prefix="check") as pool:
        results = dict(zip(beside, pool.map(run, [checks[place] for place in beside]), strict=True))
    results |= {place: run(check) for place, check in enumerate(checks) if place not in results}
    return [results[place] for place in range(len(checks))]


def _has_own_rows(check: ModelCheckSpec) -> bool:
    return check.gate in _WITHOUT_ROWS or getattr(check, "templates", None) is not None


def _run(check: ModelCheckSpec, subject: Subject) -> ModelCheckResult:
    started = time.perf_counter()
    result = _outcome(check, subject)
    # The same for all of them, whichever fields a check fills in itself.
    shown = {"name": result.name or check.name or check.gate, "severity": check.severity}
    return result.model_copy(update={**shown, "seconds": time.perf_counter() - started})


def _outcome(check: ModelCheckSpec, subject: Subject) -> ModelCheckResult:
    try:
        narrowed = subject.only(getattr(check, "where", None))
        if narrowed.frame.height == 0 and not _has_own_rows(check):
            return _nothing_to_see(check, subject)
        return CHECKS[check.gate](check, narrowed)
    except FailedEvidence as error:
        examples = [] if error.row is None else [{"row": error.row, "instance": error.instance}]
        return finding(check, "fail", error.message, examples=examples, details={BROKEN: error.how, "row": error.row})
    except Invalid as error:
        return finding(check, "fail", " ".join(part for part in (error.message, error.fix) if part))
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - one check that fails by itself must not take the others with it
        message = f"The check itself failed: {type(error).__name__}: {error}"[:1000]
        return finding(check, "fail", message, details={BROKEN: "check"})


def _nothing_to_see(check: ModelCheckSpec, subject: Subject) -> ModelCheckResult:
    message = f"There are no rows with a {subject.model.signature.target!r} to check the model on."
    if subject.frame.height:
        message = f"None of the {subject.frame.height} rows is one where {getattr(check, 'where', None)}."
    return finding(check, "inconclusive", message, vacuous=True, rows=0)
