"""Slices by non-inferiority: on no part of the rows may the challenger be worse than the margin. Called by `compare`.

Each slice is tested both ways beside minus the margin: not worse than it, and worse than it. Holm's correction over
the judged slices is applied to each direction, so that at most a share alpha of all comparisons clears a slice that is
worse, and at most as many accuse one that is not.
"""

from collections.abc import Mapping

from domain.errors import Invalid
from domain.model_checks.specs import PairedTest, SliceComparison, Verdict, said_effect
from ml.comparison.choice import Case, effect_of, find
from ml.comparison.effect import Finding, Question, Rows
from ml.comparison.holm import adjusted


def compare_slices(
    case: Case, slices: Mapping[str, Rows], *, alpha: float, margin: float, min_rows: int, test: PairedTest
) -> list[SliceComparison]:
    """Judge every slice, in the order given, on its row indexes (ascending): one smaller than `min_rows` is not judged.

    PASS: shown to be no worse than the margin (adjusted p <= alpha). FAIL: shown to be worse than it (the opposite
    test, adjusted, <= alpha). Otherwise, and when it is not judged, INCONCLUSIVE. `low` and `high` are bounds of
    the slice at 1 - alpha / slices that are large enough: one whose `low` is above minus the margin always passes.
    """
    found: dict[str, tuple[SliceComparison, Finding | None]] = {}
    large = {label: rows for label, rows in slices.items() if len(rows) >= max(min_rows, 1)}
    question = Question(-margin, alpha / max(len(large), 1), case.metric.higher_is_better)
    for label, rows in slices.items():
        if label in large:
            found[label] = _compared(label, case.take(rows), question, test)
        else:
            found[label] = _unjudged(label, len(rows), f"{len(rows)} rows are fewer than {min_rows}.")
    judged = {label: finding for label, (_, finding) in found.items() if finding is not None}
    better = dict(zip(judged, adjusted([one.p for one in judged.values()]), strict=True))
    worse = dict(zip(judged, adjusted([one.p_worse for one in judged.values()]), strict=True))
    return [
        _judge(one, better[label], worse[label], alpha, margin) if finding is not None else one
        for label, (one, finding) in found.items()
    ]


def _compared(label: str, case: Case, question: Question, test: PairedTest) -> tuple[SliceComparison, Finding | None]:
    try:
        values = case.values()
        finding = find(case, values, question, test)
    except Invalid as error:
        return _unjudged(label, len(case.y), error.message)
    effect, _ = effect_of(case.metric, values)
    figures = SliceComparison(
        label=label,
        rows=len(case.y),
        judged=True,
        verdict="inconclusive",
        message=f"{said_effect(effect, finding.low, finding.high)} on {len(case.y)} rows",
        champion_value=values[0],
        challenger_value=values[1],
        effect=effect,
        low=finding.low,
        high=finding.high,
        p_value=finding.p,
    )
    return figures, finding


def _unjudged(label: str, rows: int, reason: str) -> tuple[SliceComparison, None]:
    message = f"Not judged: {reason}"
    return SliceComparison(label=label, rows=rows, judged=False, verdict="inconclusive", message=message), None


def _judge(one: SliceComparison, better: float, worse: float, alpha: float, margin: float) -> SliceComparison:
    verdict: Verdict
    if better <= alpha:
        verdict, says = "pass", f"no worse than {margin:.1%}"
    elif worse <= alpha:
        verdict, says = "fail", f"worse by more than {margin:.1%}"
    else:
        verdict, says = "inconclusive", f"these rows cannot tell whether it is worse by more than {margin:.1%}"
    update = {"verdict": verdict, "message": f"{one.message}: {says}.", "p_adjusted": better, "p_worse_adjusted": worse}
    return one.model_copy(update=update)
