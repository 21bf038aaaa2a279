"""Gaps between groups of rows, under the usual definitions of group fairness.

Demographic parity: Dwork et al. (ITCS 2012); equal opportunity and equalized odds: Hardt, Price and Srebro (NeurIPS
2016); predictive parity: Chouldechova (Big Data 5, 2017). They cannot all hold at once where base rates differ.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from domain.errors import Invalid
from domain.model_checks.specs import FairnessCheck, ModelCheckResult
from domain.registry.specs import Label
from ml.estimates import CONFIDENCE, influence, interval, newcombe, standard_error, wilson
from ml.metrics import find_metric
from ml.model_checks.groups import Cut, column_of, cut
from ml.model_checks.rows import on_rows
from ml.model_checks.subject import Subject, finding
from ml.values import did_you_mean

GROUPS_SHOWN = 100
Mask = NDArray[np.bool_]


class CannotCompareGroups(Invalid):
    code = "cannot_compare_groups"


@dataclass(frozen=True)
class _Rate:
    """What one group gets: `value` on `rows` of its rows (those the rate is about), with a 95 % interval."""

    group: str
    rows: int
    value: float
    low: float
    high: float
    hits: int | None = None
    error: float = 0.0


@dataclass(frozen=True)
class _Gap:
    """Between the highest and the lowest judged group, with its interval, and what it is a gap of."""

    what: str
    highest: _Rate
    lowest: _Rate
    value: float
    low: float | None
    high: float | None


@on_rows
def check_fairness(check: FairnessCheck, subject: Subject) -> ModelCheckResult:
    """The largest gap between two groups of `by` within `max_gap`.

    A gap is the difference of two shares, with Newcombe's interval; of `metric_parity` that of the metric, as a share
    of the metric on all rows, with the interval of its standard error. With more than two judged groups the interval
    is widened for the choice of the pair (Bonferroni). A group is judged where its share rests on `min_rows` rows: for
    equal opportunity those whose truth is favourable. Inconclusive with fewer than two judged groups.
    """
    groups = cut(column_of(subject.frame, check.by, "by"))
    measured = dict(_metric_rates(check, subject, groups) if check.metric else _label_rates(check, subject, groups))
    judged = {what: [rate for rate in rates if rate.rows >= check.min_rows] for what, rates in measured.items()}
    details = {
        "rates": {what: [_row(rate, check) for rate in rates[:GROUPS_SHOWN]] for what, rates in measured.items()},
        "quarters": groups.by_size,
    }
    names = {rate.group for rates in judged.values() for rate in rates}
    small = [name for name, _ in groups.groups() if name not in names]
    apart = f" Not judged, with fewer than {check.min_rows} rows: {', '.join(small[:10])}." if small else ""
    cut_up = f" {check.by!r} has many values and was cut into quarters." if groups.by_size else ""
    gaps = [_gap(what, rates, check, subject) for what, rates in judged.items() if len(rates) > 1]
    if len(gaps) < len(judged):
        message = f"Fewer than two groups of {check.by!r} have {check.min_rows} rows to judge {check.definition} by."
        return finding(check, "inconclusive", f"{message}{apart}{cut_up}", threshold=check.max_gap, details=details)
    widest = max(gaps, key=lambda gap: gap.value)
    held = widest.value <= check.max_gap
    sure = "" if widest.low is None else f" (95 % interval {widest.low:.3f} to {widest.high:.3f})"
    below = widest.low is not None and widest.low <= check.max_gap
    chance = " The interval reaches below the bound: more rows could show less." if below else ""
    highest, lowest = widest.highest, widest.lowest
    return finding(
        check,
        "pass" if held else "fail",
        f"{check.definition.replace('_', ' ').capitalize()} by {check.by}: {widest.what} is {highest.value:.3g} for "
        f"{highest.group} ({highest.rows} rows) and {lowest.value:.3g} for {lowest.group} ({lowest.rows} rows), a gap "
        f"of {widest.value:.3f}{sure}; "
        f"asked: at most {check.max_gap:g}.{'' if held else chance}{apart}{cut_up}",
        value=widest.value,
        low=widest.low,
        high=widest.high,
        threshold=check.max_gap,
        details=details,
    )


def _row(rate: _Rate, check: FairnessCheck) -> dict[str, str | int | float | bool | None]:
    return {
        "group": rate.group,
        "rows": rate.rows,
        "value": rate.value if math.isfinite(rate.value) else None,
        "low": rate.low if math.isfinite(rate.low) else None,
        "high": rate.high if math.isfinite(rate.high) else None,
        "judged": rate.rows >= check.min_rows,
    }


def _label_rates(check: FairnessCheck, subject: Subject, groups: Cut) -> Iterator[tuple[str, list[_Rate]]]:
    """What is compared under the definition, and its share in each group."""
    if subject.model.signature.task == "regression":
        problem = f"{check.definition} is about labels; this model answers with numbers."
        raise CannotCompareGroups(problem, where="definition", fix="Use metric_parity with a metric such as mae.")
    label = f"{check.favourable!r}"
    given, true = _favourable(check, subject)
    anyone = np.ones(len(given), dtype=np.bool_)
    shares = {
        "demographic_parity": {f"the share answered {label}": (given, anyone)},
        "equal_opportunity": {f"the share answered {label} of those who are": (given, true)},
        "equalized_odds": {
            f"the share answered {label} of those who are": (given, true),
            f"the share answered {label} of those who are not": (given, ~true),
        },
        "predictive_parity": {f"the share that is {label} of those answered so": (true, given)},
    }[check.definition]
    for what, (hits, among) in shares.items():
        yield what, [_share(name, inside, hits, among) for name, inside in groups.groups()]


def _share(name: str, inside: Mask, hits: Mask, among: Mask) -> _Rate:
    rows, hit = int((inside & among).sum()), int((inside & among & hits).sum())
    if rows == 0:
        return _Rate(name, 0, math.nan, math.nan, math.nan)
    return _Rate(name, rows, hit / rows, *wilson(hit, rows), hits=hit)


def _favourable(check: FairnessCheck, subject: Subject) -> tuple[Mask, Mask]:
    """Per row: is the answer the favourable label, and is the truth? Raises where no row could be."""
    answers, wanted = subject.predictions, check.favourable
    known: set[Label] = {*subject.model.signature.classes, *answers.values, *subject.y}
    # 1 and true are equal to Python, and not to the person who wrote one of them.
    if not any(label == wanted and isinstance(label, bool) == isinstance(wanted, bool) for label in known):
        labels = sorted(map(repr, known))
        raise CannotCompareGroups(
            f"The favourable label {wanted!r} does not occur.",
            where="favourable",
            fix=did_you_mean(repr(wanted), labels) or f"There are {', '.join(labels[:10])}.",
        )
    return np.array([one == wanted for one in answers.values]), np.array([one == wanted for one in subject.y])


def _metric_rates(check: FairnessCheck, subject: Subject, groups: Cut) -> Iterator[tuple[str, list[_Rate]]]:
    metric = find_metric(check.metric or "", subject.model.signature.task)
    rates = []
    for name, inside in groups.groups():
        rows = np.flatnonzero(inside)
        y, answers = [subject.y[row] for row in rows], subject.predictions.take(rows)
        value = metric.compute(y, answers)
        if not math.isfinite(value):  # AUC of a group with one class: there is nothing to judge
            rates.append(_Rate(name, 0, math.nan, math.nan, math.nan))
            continue
        effects = influence(metric, y, answers)
        low, high = interval(metric, y, answers, value) or (math.nan, math.nan)
        hits = round(value * len(rows)) if metric.name == "accuracy" else None
        error = standard_error(effects) if effects is not None else math.nan
        rates.append(_Rate(name, len(rows), value, low, high, hits=hits, error=error))
    yield metric.name, rates


def _gap(what: str, rates: list[_Rate], check: FairnessCheck, subject: Subject) -> _Gap:
    lowest, *_, highest = sorted(rates, key=lambda rate: rate.value)
    pairs = len(rates) * (len(rates) - 1) / 2
    z = float(special.ndtri(1 - (1 - CONFIDENCE) / 2 / pairs))
    gap, reach = highest.value - lowest.value, z * float(np.hypot(highest.error, lowest.error))
    low, high = gap - reach, gap + reach
    if highest.hits is not None and lowest.hits is not None:
        low, high = newcombe((highest.hits, highest.rows), (lowest.hits, lowest.rows), z)
    size = 1.0
    if check.metric:
        overall = find_metric(check.metric, subject.model.signature.task).compute(subject.y, subject.predictions)
        size = max(abs(overall), 1e-12)
    known = math.isfinite(low)
    return _Gap(what, highest, lowest, gap / size, low / size if known else None, high / size if known else None)
