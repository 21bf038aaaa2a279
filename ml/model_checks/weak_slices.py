"""Weak slices found by search: where, over one column or two, is the model worse than elsewhere?

After SliceFinder (Chung, Kraska, Polyzotis, Tae, Whang: Automated Data Slicing for Model Validation, IEEE TKDE 2020):
slices of one column before those of two, large before small, Welch's test, correction for all that were looked at. A
slice of two columns is at most as large as each of its parents, so small parents have none (the pruning of SliceLine,
Sagadeeva and Boehm, SIGMOD 2021). All slices of a pair of columns are measured at once, from sums over their rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from domain.model_checks.specs import ModelCheckResult, SliceMetric, WeakSlicesCheck
from ml.divergence import benjamini_hochberg
from ml.estimates import CONFIDENCE, gradient
from ml.metrics import CannotScore, Metric, find_metric
from ml.model_checks.groups import QUARTERS, Cut, column_of, cut
from ml.model_checks.rows import on_rows, worst_rows
from ml.model_checks.slices import between, chance, named
from ml.model_checks.subject import Subject, finding

SLICES_SHOWN = 20
SMALLEST = 20
# A number is cut into quarters, as declared slices are, and for slices of one column also into eighths.
EIGHTHS = 8
# Of two slices that share more of their rows than this, the weaker says nothing new.
_ALIKE = 0.8
_PARTS = ("rows", "first", "second")
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class _Level:
    """Values of one or two columns and the rows of each; `parents` are the gaps of what each is a part of."""

    columns: tuple[str, ...]
    names: list[tuple[str, ...]]
    codes: Rows
    sums: "_Sums"
    parents: Floats


@dataclass(frozen=True)
class _Sums:
    """Per slice: its rows, and the sums of what is measured on them and of its square."""

    rows: Floats
    first: Floats
    second: Floats

    @classmethod
    def of(cls, losses: Floats, codes: Rows, groups: int) -> "_Sums":
        rows = np.bincount(codes, minlength=groups).astype(np.float64)
        first, second = (np.bincount(codes, one, groups).astype(np.float64) for one in (losses, losses**2))
        return cls(rows, first, second)

    def take(self, kept: NDArray[np.bool_]) -> "_Sums":
        return _Sums(self.rows[kept], self.first[kept], self.second[kept])

    def without(self, other: "_Sums") -> "_Sums":
        return _Sums(self.rows - other.rows, self.first - other.first, self.second - other.second)

    @property
    def means(self) -> Floats:
        return np.asarray(self.first / np.maximum(self.rows, 1))

    @property
    def errors(self) -> Floats:
        """The variance of each mean."""
        rows = np.maximum(self.rows, 2)
        return np.asarray(np.maximum(self.second / rows - self.means**2, 0.0) / (rows - 1))


@on_rows
def check_weak_slices(check: WeakSlicesCheck, subject: Subject) -> ModelCheckResult:
    """Slices that are worse than all rows, the worst first, and whether one is worse by more than `max_gap`.

    A slice is listed when it is worse at all, and fails the check when it is worse by more than `max_gap`: both by
    Welch's test of the slice against the rest, its p-value corrected by Benjamini-Hochberg for every slice that was
    looked at. `p_value` is the corrected one for `max_gap`.
    """
    metric = find_metric(check.metric, subject.model.signature.task)
    losses = metric.components(subject.y, subject.predictions) if metric.components else np.empty((0, 0))
    if losses.shape[1] != 1:
        fix = "Use mae, rmse, accuracy or log_loss."
        raise CannotScore(f"{metric.name} is no mean over rows, which the search adds up.", where="metric", fix=fix)
    smallest = max(SMALLEST, int(np.ceil(check.min_share * subject.frame.height)))
    search = _Search(metric, losses[:, 0], smallest)
    levels = list(search.levels(_cuts(check, subject, EIGHTHS), _cuts(check, subject, QUARTERS), check.depth))
    looked = sum(len(level.names) for level in levels)
    if looked == 0:
        message = f"No slice has {smallest} of the {subject.frame.height} rows: there is nothing to search."
        return finding(check, "inconclusive", message, vacuous=True, threshold=check.max_gap)
    listed = _listed(check, search, levels)
    weak = [found for found, _ in listed]
    failing = [found for found in weak if (found.p_value or 0.0) < check.alpha and (found.gap or 0.0) > check.max_gap]
    worst = failing[0] if failing else weak[0] if weak else None
    what = (
        f"the worst is {named(worst)}: {check.metric} {worst.metric:.4g} on {worst.rows} rows, {worst.gap:+.0%} "
        f"against {search.overall:.4g} on all{between(worst)}, p = {worst.p_value:.2g}"
        if worst
        else f"{check.metric} is {search.overall:.4g} on all rows"
    )
    return finding(
        check,
        "fail" if failing else "pass",
        f"{len(failing)} of {looked} slices of {smallest} rows or more are shown to be more than {check.max_gap:.0%} "
        f"worse than all rows, and {len(weak) - len(failing)} more are listed as worse at all; {what}.",
        value=worst.gap if worst else 0.0,
        low=worst.low if worst else None,
        high=worst.high if worst else None,
        threshold=check.max_gap,
        slices=weak,
        examples=worst_rows(subject.take(np.flatnonzero(listed[weak.index(failing[0])][1]))) if failing else [],
        details={"looked_at": looked, "smallest": smallest, "correction": "Benjamini-Hochberg", "alpha": check.alpha},
    )


def _cuts(check: WeakSlicesCheck, subject: Subject, parts: int) -> list[Cut]:
    names = check.columns or [column.name for column in subject.model.signature.inputs]
    return [cut(column_of(subject.frame, name, "columns"), parts) for name in dict.fromkeys(names)]


class _Search:
    """Measures slices of at least `smallest` rows by a metric that is made of the mean of `losses`, one per row."""

    def __init__(self, metric: Metric, losses: Floats, smallest: int) -> None:
        self._metric, self._smallest = metric, smallest
        # Centred, so that sums of squares keep their digits; the middle is put back where means are combined.
        self._middle = float(losses.mean())
        self._losses: Floats = losses - self._middle
        self._scale = np.array([losses.std()])
        self._whole = _Sums.of(self._losses, np.zeros(len(losses), dtype=np.int64), 1)
        self.overall = float(metric.combine(np.array([self._middle])))
        self._sign, self._size = (-1.0 if metric.higher_is_better else 1.0), max(abs(self.overall), 1e-12)

    def levels(self, fine: Sequence[Cut], coarse: Sequence[Cut], depth: int) -> Iterator[_Level]:
        """The slices of one column, then those of two whose parents are both large enough."""
        singles = [self._level((one.column,), [(name,) for name in one.names], one.codes) for one in coarse]
        yield from (self._large(level) for level in singles)
        numbers = [one for one in fine if one.by_size]
        yield from (
            self._large(self._level((one.column,), [(name,) for name in one.names], one.codes)) for one in numbers
        )
        alone = {level.columns: self.gaps(level.sums)[1] for level in singles}
        for first, second in combinations(singles, 2) if depth == 2 else ():
            large = [np.flatnonzero(level.sums.rows >= self._smallest) for level in (first, second)]
            if not (len(large[0]) and len(large[1])):
                continue
            # Codes among the large values of both columns; all other rows go to one group at the end.
            codes, groups = _crossed(first, second, large)
            names = [(*first.names[one], *second.names[other]) for one in large[0] for other in large[1]]
            parents = np.maximum(
                alone[first.columns][large[0]][:, None], alone[second.columns][large[1]][None, :]
            ).ravel()
            sums = _Sums.of(self._losses, codes, groups + 1)
            kept = np.arange(groups + 1) < groups
            columns = (*first.columns, *second.columns)
            yield self._large(_Level(columns, names, codes, sums.take(kept), parents))

    def _level(self, columns: tuple[str, ...], names: list[tuple[str, ...]], codes: Rows) -> _Level:
        sums = _Sums.of(self._losses, codes, len(names))
        return _Level(columns, names, codes, sums, np.full(len(names), -np.inf))

    def _large(self, level: _Level) -> _Level:
        """Without the slices that are too small, and those that are all rows; their codes become -1."""
        rows = level.sums.rows
        kept = (rows >= self._smallest) & (rows < len(self._losses))
        places = np.append(np.where(kept, np.cumsum(kept) - 1, -1), -1)
        names = [name for name, keep in zip(level.names, kept, strict=True) if keep]
        return _Level(level.columns, names, places[level.codes], level.sums.take(kept), level.parents[kept])

    def gaps(self, slices: _Sums) -> tuple[Floats, Floats]:
        """The metric of each slice, and how much worse that is than on all rows."""
        figure = self._metric.combine((slices.means + self._middle)[:, None])
        return figure, self._sign * (figure - self.overall) / self._size

    def reaches(self, slices: _Sums) -> Floats:
        """Half the width of each gap's 95 % interval."""
        ratio = self.gaps(slices)[0] / (self.overall or 1.0)
        error, freedom = self._errors(slices, ratio)
        return np.asarray(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom) * error)

    def chances(self, slices: _Sums, bound: float) -> list[float]:
        """One-sided p-values that each gap is above `bound`, by Welch's test of the slice against the rest."""
        error, freedom = self._errors(slices, np.full(len(slices.rows), 1 + self._sign * bound))
        return chance(self.gaps(slices)[1], error, bound, freedom)

    def _errors(self, slices: _Sums, ratio: Floats) -> tuple[Floats, Floats]:
        """The standard error of (metric of the slice - `ratio` x metric of all rows) and its degrees of freedom.

        Slice and rest share no row, and all rows move with both in the measure of their shares.
        """
        rest = self._whole.without(slices)
        share = slices.rows / self._whole.rows
        own = gradient(self._metric, (slices.means + self._middle)[:, None], self._scale)[:, 0]
        whole = gradient(self._metric, np.array([[self._middle]]), self._scale)[0, 0] * ratio
        slopes = ((own - share * whole) / self._size, (1 - share) * whole / self._size)
        parts = [slope**2 * side.errors for slope, side in zip(slopes, (slices, rest), strict=True)]
        variance = parts[0] + parts[1]
        spread = sum(part**2 / np.maximum(side.rows - 1, 1) for part, side in zip(parts, (slices, rest), strict=True))
        return np.sqrt(variance), np.maximum(variance**2 / np.maximum(spread, 1e-300), 1.0)


def _crossed(first: _Level, second: _Level, large: Sequence[Rows]) -> tuple[Rows, int]:
    places = []
    for level, kept in zip((first, second), large, strict=True):
        place = np.full(len(level.names), -1)
        place[kept] = np.arange(len(kept))
        places.append(place[level.codes])
    groups = len(large[0]) * len(large[1])
    return np.where((places[0] >= 0) & (places[1] >= 0), places[0] * len(large[1]) + places[1], groups), groups


def _listed(
    check: WeakSlicesCheck, search: _Search, levels: Sequence[_Level]
) -> list[tuple[SliceMetric, NDArray[np.bool_]]]:
    """The slices that are worse at all and their rows: failing before others, broad before narrow, then by gap.

    One of two columns is listed when even the low end of its gap is above those of both columns alone; one that shares
    its rows with another that is listed already is not.
    """
    sums = _Sums(*(np.concatenate([getattr(level.sums, part) for level in levels]) for part in _PARTS))
    (figure, gap), reach = search.gaps(sums), search.reaches(sums)
    at_all = np.array(benjamini_hochberg(search.chances(sums, 0.0)))
    beyond = np.array(benjamini_hochberg(search.chances(sums, check.max_gap)))
    parents = np.concatenate([level.parents for level in levels])
    weak = np.flatnonzero((at_all < check.alpha) & (gap > 0) & (gap - reach > parents))
    places = [(level, place) for level in range(len(levels)) for place in range(len(levels[level].names))]
    fails = (beyond < check.alpha) & (gap > check.max_gap)
    wide = np.array([len(levels[level].columns) for level, _ in places])
    order = weak[np.lexsort((-gap[weak], wide[weak], ~fails[weak]))]
    found: list[tuple[SliceMetric, NDArray[np.bool_]]] = []
    for one in order.tolist():
        level, place = levels[places[one][0]], places[one][1]
        rows = level.codes == place
        if any((rows & other).sum() > _ALIKE * (rows | other).sum() for _, other in found):
            continue
        told = SliceMetric(
            column=" & ".join(level.columns),
            value=" & ".join(level.names[place]),
            rows=int(rows.sum()),
            metric=float(figure[one]),
            judged=True,
            gap=float(gap[one]),
            low=float(gap[one] - reach[one]),
            high=float(gap[one] + reach[one]),
            p_value=float(beyond[one]),
        )
        found.append((told, rows))
        if len(found) == SLICES_SHOWN:
            break
    return found
