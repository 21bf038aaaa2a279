"""Overfitting by the losses at the end and by the curve of the training."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from domain.model_checks.specs import ModelCheckResult, OverfitCheck
from ml.model_checks.subject import Subject
from ml.model_checks.table import CHECKS
from tests.ml.model_checks.told import Told, encloses, judge

EVEN = {"train_loss": 1.0, "validation_loss": 1.1}
ROWS = pl.DataFrame({"x": [1.0], "y": [1.0]})


def overfit(losses: list[float], **document: Any) -> ModelCheckResult:
    curve = [(step, {"train_loss": 0.5, "validation_loss": loss}) for step, loss in enumerate(losses, start=1)]
    model = Told(lambda columns: columns["x"], ["x"])
    return judge({"check": "overfit", **document}, model, ROWS, metrics=EVEN, curve=curve)


class TestCurve:
    def test_tells_at_which_step_the_validation_loss_was_best(self) -> None:
        result = overfit([3.0, 2.0, 2.5])
        assert result.verdict == "pass"
        assert "best at step 2 of 3: 2, 2.5 at the end (+25.0% after it)" in result.message
        assert result.details["best_step"] == 2
        assert result.details["curve"][1] == {"step": 2, "train_loss": 0.5, "validation_loss": 2.0}

    @pytest.mark.parametrize(("rise", "verdict"), [(0.25, "pass"), (0.24, "fail")])
    def test_is_held_to_the_allowed_rise(self, rise: float, verdict: str) -> None:
        assert overfit([3.0, 2.0, 2.5], max_rise=rise).verdict == verdict

    def test_that_is_asked_for_and_not_told_is_inconclusive(self) -> None:
        result = overfit([], max_rise=0.1)
        assert (result.verdict, "a rise cannot be told" in result.message) == ("inconclusive", True)

    def test_from_zero_fails_and_at_zero_passes(self) -> None:
        assert overfit([0.0, 0.1], max_rise=9).verdict == "fail"
        assert overfit([0.1, 0.0], max_rise=0).verdict == "pass"

    def test_with_a_loss_that_is_no_number_fails_with_the_step(self) -> None:
        result = overfit([1.0, float("nan")])
        assert (result.verdict, "at step 2 is not a finite number" in result.message) == ("fail", True)

    def test_of_a_real_training_ends_where_the_run_does(self, subject: Subject) -> None:
        result = CHECKS["overfit"](OverfitCheck(max_rise=0.02), subject)
        assert result.verdict == "pass"
        assert result.details["curve"][-1]["validation_loss"] == pytest.approx(subject.metrics["validation_loss"])


class TestTargetDistribution:
    LABELS = pl.DataFrame({"x": np.arange(400.0), "y": ["a"] * 200 + ["b"] * 200})

    def test_of_the_same_shares_is_zero(self) -> None:
        model = Told(
            lambda columns: np.stack([columns["x"] < 200, columns["x"] >= 200], axis=1) * 1.0, ["x"], ["a", "b"]
        )
        result = judge({"check": "target_distribution"}, model, self.LABELS)
        assert (result.verdict, result.value, result.low) == ("pass", 0.0, 0.0)

    def test_is_the_root_of_the_divergence_in_bits(self) -> None:
        model = Told(
            lambda columns: np.stack([columns["x"] < 300, columns["x"] >= 300], axis=1) * 1.0, ["x"], ["a", "b"]
        )
        result = judge({"check": "target_distribution"}, model, self.LABELS)
        middle = [5 / 8, 3 / 8]
        bits = 0.5 * sum(
            p * np.log2(p / m) + q * np.log2(q / m) for p, q, m in zip([0.5, 0.5], [0.75, 0.25], middle, strict=True)
        )
        assert result.value == pytest.approx(np.sqrt(bits))
        assert result.verdict == "fail"
        assert encloses(result, float(np.sqrt(bits)))
        assert (result.low or 0) > 0.1
        assert result.details["shares"][0] == {"value": "a", "truth": 0.5, "answers": 0.75}

    def test_of_numbers_counts_twenty_bins_of_the_truth(self) -> None:
        frame = pl.DataFrame({"x": np.arange(400.0), "y": np.arange(400.0)})
        constant = judge({"check": "target_distribution"}, Told(lambda c: c["x"] * 0 + 200, ["x"]), frame)
        same = judge({"check": "target_distribution"}, Told(lambda c: c["x"], ["x"]), frame)
        assert (same.value, constant.verdict) == (0.0, "fail")
        assert len(constant.details["shares"]) == 20
        assert sum(share["truth"] for share in constant.details["shares"]) == pytest.approx(1)
