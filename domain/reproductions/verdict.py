"""Two runs of one spec, and what they say about each other: pure."""

from collections.abc import Mapping, Sequence
from math import isclose

from domain.reproductions.specs import Finding, MetricDifference, PackageDifference, PredictionDifference, Verdict

_NAMED = 3


def environment_differences(first: Mapping[str, str], again: Mapping[str, str]) -> list[PackageDifference]:
    """Python, the platform and the libraries that are not the same, by name."""
    return [
        PackageDifference(name=name, first=first.get(name), again=again.get(name))
        for name in sorted({*first, *again})
        if first.get(name) != again.get(name)
    ]


def metric_differences(first: Mapping[str, float | None], again: Mapping[str, float | None]) -> list[MetricDifference]:
    """The metrics that are not the same to the last bit, the farthest first, and before them one that is missing."""
    found = []
    for name in {*first, *again}:
        one, other = first.get(name), again.get(name)
        if one == other and (name in first) == (name in again):
            continue
        relative = None if one is None or other is None else abs(one - other) / max(1.0, abs(one))
        found.append(MetricDifference(name=name, first=one, again=other, relative=relative))
    return sorted(found, key=lambda one: (one.relative is not None, -(one.relative or 0.0), one.name))


def judge(
    *,
    tolerance: float,
    same_rows: bool,
    same_files: bool,
    metrics: Sequence[MetricDifference],
    predictions: PredictionDifference | None,
    environment: Sequence[PackageDifference],
) -> Finding:
    """Whether the second run came to the same. Metrics and predictions must both be within `tolerance`.

    Without `predictions`, since the first package is not to be had any more, the metrics decide, and the bytes of the
    packages alone can show that they are the same.
    """
    reasons = [] if same_rows else ["The rows of the training or of the test are not the same."]
    reasons += _far(metrics, predictions, tolerance)
    identical = same_files or (predictions is not None and predictions.differing == 0)
    if reasons:
        verdict = Verdict.NOT_REPRODUCED
        reasons += [named(environment)] if environment else ["Python, the platform and the libraries are the same."]
    elif identical and not metrics:
        verdict = Verdict.BIT_IDENTICAL
    else:
        verdict = Verdict.WITHIN_TOLERANCE
        reasons = _near(metrics, predictions) + ([named(environment)] if environment else [])
    return Finding(
        verdict=verdict,
        reasons=reasons,
        same_files=same_files,
        metrics=list(metrics),
        predictions=predictions,
        environment=list(environment),
    )


def _far(metrics: Sequence[MetricDifference], predictions: PredictionDifference | None, tolerance: float) -> list[str]:
    found = []
    far = [one for one in metrics if one.relative is None or _above(one.relative, tolerance)]
    for one in far[:_NAMED]:
        if one.first is None or one.again is None:
            found.append(f"{one.name} is there in one of the runs only.")
        else:
            found.append(
                f"{one.name} was {one.first:.6g} and is {one.again:.6g}: it differs by {one.again - one.first:+.3g}."
            )
    if len(far) > _NAMED:
        found.append(f"{len(far) - _NAMED} more metrics differ by more than {tolerance:g}.")
    if predictions is not None and _above(predictions.largest, tolerance):
        unit = "of the target's standard deviation" if predictions.same_label is None else "of probability"
        apart = f"by up to {predictions.largest:.3g} {unit}"
        found.append(f"{predictions.differing} of {predictions.rows} predictions differ, {apart}.")
    if predictions is not None and predictions.same_label is not None and predictions.same_label < 1.0:
        found.append(f"{predictions.same_label:.2%} of the labels are the same.")
    return found


def _near(metrics: Sequence[MetricDifference], predictions: PredictionDifference | None) -> list[str]:
    """Why it is not the same to the last bit, though near enough."""
    found = []
    if metrics and metrics[0].relative is not None:
        found.append(f"{metrics[0].name} differs by {metrics[0].relative:.2g} of its value.")
    if predictions is None:
        found.append("The package of the first run is not to be had any more: its predictions could not be compared.")
    elif predictions.differing:
        found.append(f"{predictions.differing} of {predictions.rows} predictions differ in their last digits.")
    return found


def _above(value: float, tolerance: float) -> bool:
    return value > tolerance and not isclose(value, tolerance, rel_tol=1e-9)


def named(environment: Sequence[PackageDifference]) -> str:
    """The differences in one sentence."""
    changed = ", ".join(f"{one.name} was {one.first or 'absent'} and is {one.again or 'absent'}" for one in environment)
    return f"The environment differs: {changed}."
