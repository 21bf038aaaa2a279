"""A metric on the frozen rows within bounds, with its interval."""

import math

from domain.model_checks.specs import MetricCheck, ModelCheckResult
from ml.estimates import interval
from ml.metrics import find_metric
from ml.model_checks.rows import on_rows, worst_rows
from ml.model_checks.subject import Subject, finding


@on_rows
def check_metric(check: MetricCheck, subject: Subject) -> ModelCheckResult:
    """The metric on the frozen rows within `min` and `max`; the worst rows, where it is not.

    The metric itself is held to the bounds. Its 95 % interval says how far another draw of rows would move it.
    """
    metric = find_metric(check.metric, subject.model.signature.task)
    value = metric.compute(subject.y, subject.predictions)
    limits = {"at least": check.min, "at most": check.max}
    bounds = " and ".join(f"{words} {bound:g}" for words, bound in limits.items() if bound is not None)
    if not math.isfinite(value):
        message = f"{check.metric} is not defined on these {len(subject.y)} rows."
        return finding(check, "inconclusive", message, threshold=bounds)
    held = (check.min is None or value >= check.min) and (check.max is None or value <= check.max)
    ends = interval(metric, subject.y, subject.predictions, value)
    sure = f" (95 % interval {ends[0]:.4g} to {ends[1]:.4g})" if ends else ""
    return finding(
        check,
        "pass" if held else "fail",
        f"{check.metric} is {value:.4g} on {len(subject.y)} rows{sure}; asked: {bounds}.",
        value=value,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        threshold=bounds,
        examples=[] if held else worst_rows(subject),
    )
