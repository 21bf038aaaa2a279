"""The alpha budget: what a comparison on a holdout may spend when others were made on it before. Pure.

Sources: the correction of Bonferroni, as Dunn, JASA 56:52 (1961); alpha-investing, Foster and Stine, JRSS B 70:429
(2008), theorem 1 and the rule of their equation 15.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from domain.promotions.champion import AlphaBudget
from domain.promotions.evidence import Allotment

OVERLAP = 0.5
"""Rows of which more than this share were compared on before are the same holdout."""
_SMALLEST = 1e-6


@dataclass(frozen=True)
class Spent:
    """A comparison that was made: on which holdout and rows, at which level, and whether it found an improvement."""

    holdout: str
    rows_md5: str
    share: float
    rejected: bool


def on_same_holdout(made: Sequence[Spent], overlapping: Collection[str]) -> list[Spent]:
    """Those of `made` (oldest first) on the holdouts that the rows belong to; `overlapping` names rows by their MD5."""
    holdouts = {one.holdout for one in made if one.rows_md5 in overlapping}
    return [one for one in made if one.holdout in holdouts]


def allot(budget: AlphaBudget, alpha: float, before: Sequence[Spent]) -> Allotment:
    """The level at which the next comparison is made, after those `before` it on the holdout, oldest first.

    `share` is None when the budget is spent: then no comparison may be made on these rows.
    """
    holdout = before[0].holdout if before else None
    number = len(before) + 1
    spent = sum(one.share for one in before)

    def allotted(share: float | None, left: float | None, message: str) -> Allotment:
        return Allotment(
            rule=budget.rule,
            alpha=alpha,
            share=share,
            number=number,
            window=budget.comparisons if budget.rule == "bonferroni" else None,
            left=left,
            holdout=holdout,
            message=message,
        )

    if budget.rule == "none":
        chance = 1 - (1 - alpha) ** number
        message = (
            f"NO ALPHA BUDGET: this is comparison {number} on these rows, each at the full {alpha:g}. "
            f"With equal models the chance of a false promotion by now is up to {chance:.0%}."
        )
        return allotted(alpha, None, message)
    if budget.rule == "bonferroni":
        share = alpha / budget.comparisons
        if spent + share > alpha * (1 + 1e-9):
            return allotted(None, 0.0, _spent(alpha, number - 1))
        message = f"Comparison {number} of {budget.comparisons} on this holdout, at {share:.3g} of alpha {alpha:g}."
        return allotted(share, max(0.0, alpha - spent), message)
    wealth, share = _invested(alpha, before)
    if share < _SMALLEST:
        return allotted(None, max(0.0, wealth), _spent(alpha, number - 1))
    message = f"Comparison {number} on this holdout, at {share:.3g}; the wealth is {wealth:.3g} of alpha {alpha:g}."
    return allotted(share, wealth, message)


def _invested(alpha: float, before: Sequence[Spent]) -> tuple[float, float]:
    """The alpha-wealth after the comparisons `before`, and what the next one may be made at.

    It starts at alpha (1 - alpha). A comparison at level a that finds nothing costs a / (1 - a), one that does
    earns alpha: so mFDR stays below alpha for any number of comparisons, with eta = 1 - alpha. The next level is the
    wealth divided by one more than the comparisons since the last find.
    """
    wealth, since = alpha * (1 - alpha), 0
    for one in before:
        if one.rejected:
            wealth, since = wealth + alpha, 0
        else:
            wealth, since = wealth - one.share / (1 - one.share), since + 1
    return wealth, max(0.0, wealth) / (2 + since)


def _spent(alpha: float, made: int) -> str:
    return (
        f"The alpha budget of this holdout is spent: {made} comparisons have been made on these rows, and another "
        f"would make a false promotion likelier than {alpha:g}. "
        "Bring a fresh holdout: name other rows in the gate's `on`."
    )
