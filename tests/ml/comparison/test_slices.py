"""Slices: told no worse, told worse, or neither, with Holm's correction over those that are judged."""

from functools import partial

import numpy as np
import pytest

from domain.model_checks.specs import SliceComparison
from ml.comparison.compare import compare
from ml.comparison.effect import Rows
from ml.comparison.holm import adjusted
from ml.comparison.inputs import BadSlice
from ml.models import Predictions

compare_mae = partial(compare, "mae", task="regression", alpha=0.05)


def judged(slices: dict[str, Rows], factors: list[float], rows: int = 100, **more: float) -> dict[str, SliceComparison]:
    """A champion, and a challenger whose errors are those of a like model times a factor, for each hundred rows."""
    generator = np.random.default_rng(31)
    shared = generator.exponential(10, rows * len(factors))
    errors = [shared + generator.exponential(2, len(shared)) for _ in range(2)]
    errors[1] *= np.repeat(factors, rows)
    found = compare_mae(
        [0.0] * len(shared),
        Predictions(errors[0].tolist()),
        Predictions(errors[1].tolist()),
        slices=slices,
        slice_margin=more.get("margin", 0.1),
        slice_min_rows=30,
    )
    return {one.label: one for one in found.slices}


class TestHolm:
    def test_by_hand(self) -> None:
        """0.01 x 4; 0.02 x 3; 0.03 x 2, which is not less than 0.06; 0.9 x 1."""
        assert adjusted([0.02, 0.9, 0.01, 0.03]) == pytest.approx([0.06, 0.9, 0.04, 0.06])

    def test_never_lowers_nor_exceeds_one(self) -> None:
        assert adjusted([0.6, 0.7]) == [1.0, 1.0]
        assert adjusted([0.2]) == [0.2]
        assert adjusted([]) == []


class TestSlices:
    def test_tells_those_that_hold_and_those_that_do_not(self) -> None:
        thirds = {"fine": np.arange(100), "worse": np.arange(100, 200), "unsure": np.arange(200, 300)}
        found = judged(thirds, [0.95, 1.4, 1.08])
        assert {label: one.verdict for label, one in found.items()} == {
            "fine": "pass",
            "worse": "fail",
            "unsure": "inconclusive",
        }
        assert [one.rows for one in found.values()] == [100, 100, 100]
        assert "worse by more than 10.0%" in found["worse"].message

    def test_does_not_judge_few_rows_and_says_so(self) -> None:
        found = judged({"few": np.arange(29), "none": np.arange(0), "enough": np.arange(29, 100)}, [0.9])
        assert [(one.judged, one.verdict) for one in found.values()] == [
            (False, "inconclusive"),
            (False, "inconclusive"),
            (True, "pass"),
        ]
        assert found["few"].message == "Not judged: 29 rows are fewer than 30."
        assert found["few"].p_value is None

    def test_corrects_over_those_that_are_judged_only(self) -> None:
        alone = judged({"one": np.arange(100), "few": np.arange(100, 110)}, [1.0, 1.0])["one"]
        both = judged({"one": np.arange(100), "other": np.arange(100, 200)}, [1.0, 1.0])
        assert alone.p_adjusted == alone.p_value
        raw = [one.p_value for one in both.values() if one.p_value is not None]
        assert [one.p_adjusted for one in both.values()] == adjusted(raw)

    def test_a_slice_is_told_the_same_whatever_others_there_are(self) -> None:
        """But for the correction: the rows are resampled by the seed alone, and the bounds widen with the slices."""
        first, second = (
            {"one": np.arange(100), name: rows}
            for name, rows in {"a": np.arange(100, 200), "b": np.arange(50, 150)}.items()
        )
        assert judged(first, [1.0, 1.3])["one"].p_value == judged(second, [1.0, 1.3])["one"].p_value

    def test_bounds_above_minus_the_margin_are_a_pass(self) -> None:
        slices = {str(start): np.arange(start, start + 60) for start in range(0, 300, 15)}
        for one in judged(slices, [1.0, 1.05, 1.1, 1.2]).values():
            if one.low is not None and one.low >= -0.1:
                assert one.verdict == "pass", one
        assert len({one.verdict for one in judged(slices, [0.9, 1.05, 1.4, 1.6]).values()}) == 3

    def test_slices_without_a_difference_are_cleared_rarely_when_they_are_worse(self) -> None:
        """Five slices, each worse by just the margin: any of them passes in at most a share alpha of comparisons."""
        generator = np.random.default_rng(32)
        slices = {str(one): np.arange(one * 60, one * 60 + 60) for one in range(5)}
        cleared, runs = 0, 60
        for run in range(runs):
            errors = [generator.normal(10, 2, 300), 1.1 * generator.normal(10, 2, 300)]
            models = [Predictions(one.tolist()) for one in errors]
            found = compare_mae([0.0] * 300, *models, slices=slices, slice_margin=0.1, seed=run)
            cleared += any(one.verdict == "pass" for one in found.slices)
        assert cleared <= runs * 0.05 + 3 * (runs * 0.05 * 0.95) ** 0.5

    def test_a_metric_without_a_value_on_a_slice_leaves_it_unjudged(self) -> None:
        truth = [0, 1] * 40
        scores = np.random.default_rng(33).random(80)
        model = Predictions([0] * 80, np.stack([1 - scores, scores], axis=1), [0, 1])
        ones = {"ones": np.arange(1, 80, 2)}
        found = compare("auc", truth, model, model, task="classification", alpha=0.05, slices=ones).slices[0]
        assert (found.judged, found.verdict) == (False, "inconclusive")
        assert "auc is not defined on these 40 rows" in found.message

    @pytest.mark.parametrize("rows", [[0, 0, 1], [0, 300], [-1, 0]])
    def test_refuses_rows_that_are_named_twice_or_do_not_exist(self, rows: list[int]) -> None:
        with pytest.raises(BadSlice, match="'odd'"):
            judged({"odd": np.array(rows)}, [1.0, 1.0])
