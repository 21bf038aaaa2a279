"""The comparison that the gate judges: which is better, by how much, how surely, and how many rows would tell."""

from collections.abc import Mapping, Sequence

from domain.model_checks.specs import Hypothesis, PairedComparison, PairedTest
from domain.registry.specs import Label, Task
from ml.comparison.choice import Case, choose, effect_of, find
from ml.comparison.effect import Question, Rows
from ml.comparison.inputs import check_answers, check_question, check_slices
from ml.comparison.power import detectable, power_at, rows_needed
from ml.comparison.slices import compare_slices
from ml.metrics import find_metric
from ml.models import Predictions


def compare(
    metric: str,
    y: Sequence[Label],
    champion: Predictions,
    challenger: Predictions,
    *,
    task: Task,
    alpha: float,
    min_effect: float = 0.0,
    hypothesis: Hypothesis = "superiority",
    margin: float = 0.0,
    test: PairedTest | str = "auto",
    time_ordered: bool = False,
    slices: Mapping[str, Rows] | None = None,
    slice_margin: float = 0.05,
    slice_min_rows: int = 30,
    power: float = 0.8,
    seed: int = 0,
    rows_excluded: int = 0,
) -> PairedComparison:
    """Test, one-sided at `alpha`, that the challenger's improvement as a share of the champion's value is above a bar.

    The bar is `min_effect` (0.01 is one per cent) for superiority and minus `margin` for non-inferiority. `test` is
    one of `choice.FITTING`, or `auto`: McNemar for accuracy, DeLong for auc, Diebold-Mariano for what is a mean over
    rows when these are `time_ordered` (oldest first), and the paired bootstrap for the rest. `slices` are row indexes
    by label, for `slices.compare_slices`. The same input and seed give the same figures, bit by bit.

    `power` is that of so many rows for an effect of the size seen (for non-inferiority: for equal models, or worse ones
    as seen), `detectable_effect` the smallest that they tell with the `power` asked for. `rows_needed` is given
    when nothing is told: the rows of this kind that would tell the effect seen from the bar, above it or below.

    Raises the refusals of `inputs`, `UnknownMetric` and `CannotScore`.
    """
    chosen = find_metric(metric, task)
    check_question(alpha=alpha, min_effect=min_effect, margin=margin, slice_margin=slice_margin, power=power)
    named = choose(metric, test, time_ordered=time_ordered)
    check_answers(y, {"champion": champion, "challenger": challenger}, task)
    case = Case(chosen, y, champion, challenger, time_ordered, seed)
    values = case.values()
    bar = min_effect if hypothesis == "superiority" else -margin
    found = find(case, values, Question(bar, alpha, chosen.higher_is_better), named)
    effect, difference = effect_of(chosen, values)
    # For non-inferiority an improvement that was seen is not counted on: at best the models are equal.
    distance = (effect if hypothesis == "superiority" else min(effect, 0.0)) - bar
    parts = check_slices(slices or {}, len(y))
    return PairedComparison(
        metric=metric,
        higher_is_better=chosen.higher_is_better,
        rows=len(y),
        rows_excluded=rows_excluded,
        champion_value=values[0],
        challenger_value=values[1],
        effect=effect,
        low=found.low,
        high=found.high,
        p_value=found.p,
        alpha=alpha,
        min_effect=min_effect,
        method=found.method,
        test=named,
        hypothesis=hypothesis,
        margin=margin,
        difference=difference,
        difference_low=found.difference_low,
        difference_high=found.difference_high,
        slices=compare_slices(case, parts, alpha=alpha, margin=slice_margin, min_rows=slice_min_rows, test=named),
        power=power_at(distance, found.error, alpha),
        detectable_effect=detectable(bar, found.error, alpha, power),
        rows_needed=None if found.told(alpha) else rows_needed(len(y), distance, found.error, alpha, power),
    )
