"""Overfitting: the validation loss beside the train loss, at the end and along the training."""

import math
from collections.abc import Mapping, Sequence

from domain.model_checks.specs import ModelCheckResult, OverfitCheck, Verdict
from ml.model_checks.subject import Subject, finding

Curve = Sequence[tuple[int, Mapping[str, float]]]


def check_overfit(check: OverfitCheck, subject: Subject) -> ModelCheckResult:
    """Validation loss / train loss below `max_ratio`, and its rise after the best step within `max_rise`.

    The losses come from the run, see `ml.metrics.LOSS`. Inconclusive where the run does not tell what is asked.
    """
    curve = [(step, losses) for step, losses in subject.curve if "validation_loss" in losses]
    (ratio, by_ratio, said), (rise, by_curve, told) = _by_ratio(check, subject.metrics), _by_curve(check, curve)
    verdicts = {by_ratio, by_curve}
    verdict: Verdict = "fail" if "fail" in verdicts else "inconclusive" if "inconclusive" in verdicts else "pass"
    steps = [{"step": step, **losses} for step, losses in curve]
    return finding(
        check,
        verdict,
        f"{said} {told}".strip(),
        value=ratio,
        threshold=check.max_ratio,
        details={"curve": steps, "best_step": _best(curve)[0], "rise": rise} if curve else {},
    )


def _by_ratio(check: OverfitCheck, metrics: Mapping[str, float]) -> tuple[float | None, Verdict, str]:
    train, validation = metrics.get("train_loss"), metrics.get("validation_loss")
    if train is None or validation is None:
        return None, "inconclusive", "The run has no train_loss and validation_loss to compare."
    if not (math.isfinite(train) and math.isfinite(validation)):
        return None, "fail", f"The train loss is {train:.4g} and the validation loss {validation:.4g}."
    if train <= 0:  # every train row learnt by heart
        said = f"The train loss is {train:.4g} and the validation loss {validation:.4g}: there is no ratio."
        return None, "pass" if validation <= 0 else "fail", said
    ratio = validation / train
    said = (
        f"Validation loss {validation:.4g} is {ratio:.2f} x train loss {train:.4g}; asked: below {check.max_ratio:g}."
    )
    return ratio, "pass" if ratio < check.max_ratio else "fail", said


def _best(curve: Curve) -> tuple[int, float]:
    return min(((step, losses["validation_loss"]) for step, losses in curve), key=lambda point: point[1])


def _by_curve(check: OverfitCheck, curve: Curve) -> tuple[float | None, Verdict, str]:
    """How far the validation loss ends above its own minimum, as a share of it."""
    if not curve:
        if check.max_rise is None:
            return None, "pass", ""
        return None, "inconclusive", "The run tells no losses along the way, so a rise cannot be told."
    strange = [step for step, losses in curve if not math.isfinite(losses["validation_loss"])]
    if strange:
        return None, "fail", f"The validation loss at step {strange[0]} is not a finite number."
    last, end = curve[-1][0], curve[-1][1]["validation_loss"]
    best, lowest = _best(curve)
    rise = (end - lowest) / lowest if lowest > 0 else 0.0 if end <= lowest else None
    how = "" if rise is None else f" ({rise:+.1%} after it)"
    said = f"The validation loss was best at step {best} of {last}: {lowest:.4g}, {end:.4g} at the end{how}"
    if check.max_rise is None:
        return rise, "pass", f"{said}."
    held = rise is not None and rise <= check.max_rise
    return rise, "pass" if held else "fail", f"{said}; asked: at most {check.max_rise:+.1%}."
