"""Which test answers for which metric, and its answer. Called by `compare` and `slices`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.model_checks.specs import PairedTest
from domain.registry.specs import Label
from ml.comparison.areas import placements
from ml.comparison.bootstrap import bootstrap
from ml.comparison.delong import delong
from ml.comparison.diebold_mariano import diebold_mariano
from ml.comparison.effect import Finding, Floats, Question, Rows, gain, improvement
from ml.comparison.inputs import NothingToCompare, UnfitTest
from ml.comparison.mcnemar import count_pairs, mcnemar
from ml.metrics import METRICS, Metric
from ml.models import Predictions

# Whose value is a mean over rows, or (rmse) the root of one; the area is a mean to first order.
_MEANS: Final = frozenset({"mae", "rmse", "accuracy", "log_loss", "auc"})
FITTING: Final[dict[PairedTest, frozenset[str]]] = {
    "mcnemar": frozenset({"accuracy"}),
    "delong": frozenset({"auc"}),
    "diebold_mariano": _MEANS,
    "bootstrap": frozenset(METRICS),
}


@dataclass(frozen=True)
class Case:
    """The same rows as two models answer them."""

    metric: Metric
    y: Sequence[Label]
    champion: Predictions
    challenger: Predictions
    time_ordered: bool
    seed: int

    def values(self) -> tuple[float, float]:
        """Raises `NothingToCompare` where the metric has no value on these rows."""
        values = self.metric.compute(self.y, self.champion), self.metric.compute(self.y, self.challenger)
        if not np.isfinite(values).all():
            raise NothingToCompare(f"{self.metric.name} is not defined on these {len(self.y)} rows.", where="metric")
        return values

    def take(self, rows: Rows) -> "Case":
        y = [self.y[row] for row in rows]
        return Case(self.metric, y, self.champion.take(rows), self.challenger.take(rows), self.time_ordered, self.seed)


def choose(metric: str, test: str, *, time_ordered: bool) -> PairedTest:
    """The test by its name, or the one that suits the metric for `auto`. Raises `UnfitTest`."""
    if test == "auto":
        order: Sequence[PairedTest] = ("diebold_mariano",) if time_ordered else ("mcnemar", "delong")
        return next((name for name in order if metric in FITTING[name]), "bootstrap")
    for name, metrics in FITTING.items():
        if name == test and metric in metrics:
            return name
    fitting = ", ".join(name for name, metrics in FITTING.items() if metric in metrics)
    raise UnfitTest(f"{test} does not test {metric}.", where="test", fix=f"Use auto or one of {fitting}.")


def effect_of(metric: Metric, values: tuple[float, float]) -> tuple[float, float]:
    """The effect, and the improvement in the unit of the metric."""
    champion, challenger = np.array(values[0]), np.array(values[1])
    higher = metric.higher_is_better
    return (
        float(improvement(champion, challenger, higher_is_better=higher)),
        float(gain(champion, challenger, higher_is_better=higher)),
    )


def find(case: Case, values: tuple[float, float], question: Question, test: PairedTest) -> Finding:
    """The answer of `test`, which fits the metric of the case."""
    if test == "mcnemar":
        right = _rows_of(case)
        return mcnemar(count_pairs(right[:, 0] > 0, right[:, 1] > 0), question)
    if test == "delong":
        return delong(case.y, case.champion, case.challenger, values, question)
    if test == "diebold_mariano":
        return diebold_mariano(_rows_of(case), question, root=case.metric.name == "rmse")
    return bootstrap(
        case.metric,
        case.y,
        case.champion,
        case.challenger,
        question,
        seed=case.seed,
        time_ordered=case.time_ordered,
    )


def _rows_of(case: Case) -> Floats:
    """Per row what the value is the mean of, [rows, 2]; for the area, its value and what the row adds to it."""
    both = case.champion, case.challenger
    if case.metric.components is None:
        parts = [placements(case.y, one) * len(case.y) + case.metric.compute(case.y, one) for one in both]
        return np.stack(parts, axis=1)
    return np.concatenate([case.metric.components(case.y, one) for one in both], axis=1)
