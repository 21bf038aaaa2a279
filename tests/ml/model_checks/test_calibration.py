"""Calibration: chance does not fail a sound model, few rows do not pass an unsound one."""

import numpy as np
import polars as pl
import pytest

from domain.model_checks.specs import CalibrationCheck, ModelCheckResult
from ml.model_checks.calibration import check_calibration
from ml.model_checks.subject import Subject
from tests.ml.model_checks.told import Told, encloses, judge, second


def binary(seed: int, rows: int, sharpness: float = 1.0) -> ModelCheckResult:
    """A model that says `sharpness` x the true log odds of each row."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(0, 1.5, rows)
    happens = generator.random(rows) < 1 / (1 + np.exp(-odds))
    frame = pl.DataFrame({"x": odds, "y": np.where(happens, "yes", "no")})
    model = Told(lambda told: second(1 / (1 + np.exp(-told["x"] * sharpness))), ["x"], ["no", "yes"])
    return judge({"check": "calibration"}, model, frame)


class TestOfProbabilities:
    def test_a_calibrated_model_passes_at_200_rows(self) -> None:
        verdicts = [binary(seed, 200).verdict for seed in range(100)]
        assert verdicts.count("pass") >= 95

    def test_an_overconfident_model_fails(self) -> None:
        verdicts = [binary(seed, 2_000, sharpness=3).verdict for seed in range(10)]
        assert verdicts == ["fail"] * 10

    def test_too_few_rows_cannot_tell(self) -> None:
        result = binary(1, 40)
        assert (result.verdict, "they cannot tell" in result.message) == ("inconclusive", True)

    def test_the_value_is_what_chance_does_not_explain(self) -> None:
        result = binary(0, 500, sharpness=3)
        error, chance = result.details["error"], result.details["by_chance"]
        assert result.value == pytest.approx(error - chance)
        assert chance > 0.02

    def test_has_a_table_of_what_was_said_and_what_happened(self) -> None:
        table = binary(0, 1_500).details["reliability"]
        assert [one["rows"] for one in table] == [100] * 15
        assert table[0]["predicted"] < 0.1
        assert table[-1]["observed"] > 0.85

    def test_of_more_than_two_classes_judges_the_answered_one(self) -> None:
        generator = np.random.default_rng(0)
        table = generator.dirichlet([1, 1, 1], 3_000)
        labels = ["abc"[generator.choice(3, p=row)] for row in table]
        frame = pl.DataFrame({"a": table[:, 0], "b": table[:, 1], "y": labels})

        def rule(told: "dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]") -> object:
            return np.stack([told["a"], told["b"], 1 - told["a"] - told["b"]], axis=1)

        model = Told(rule, ["a", "b"], ["a", "b", "c"])  # type: ignore[arg-type]
        result = judge({"check": "calibration"}, model, frame)
        assert (result.verdict, "of the answered label" in result.message) == ("pass", True)

    def test_a_real_model_is_calibrated(self, subject: Subject) -> None:
        assert check_calibration(CalibrationCheck(), subject).verdict == "pass"


class TestOfNumbers:
    FRAME = pl.DataFrame({"x": np.random.default_rng(0).normal(size=1_000)}).with_columns(
        y=pl.col("x") + pl.Series(np.random.default_rng(1).normal(size=1_000))
    )

    @pytest.mark.parametrize(("shift", "verdict"), [(0.0, "pass"), (0.3, "fail"), (-0.3, "fail")])
    def test_the_mean_residual_is_held_to_a_share_of_the_spread(self, shift: float, verdict: str) -> None:
        result = judge({"check": "calibration"}, Told(lambda told: told["x"] + shift, ["x"]), self.FRAME)
        spread = self.FRAME["y"].std(ddof=0)
        assert isinstance(spread, float)
        assert result.verdict == verdict
        assert result.value == pytest.approx(
            float((self.FRAME["x"] + shift - self.FRAME["y"]).to_numpy().mean()) / spread
        )
        assert encloses(result, result.value or 0)

    def test_few_rows_cannot_tell(self) -> None:
        result = judge({"check": "calibration"}, Told(lambda told: told["x"], ["x"]), self.FRAME.head(20))
        assert result.verdict == "inconclusive"

    def test_a_truth_without_spread_is_inconclusive(self) -> None:
        flat = self.FRAME.with_columns(y=pl.lit(1.0))
        assert judge({"check": "calibration"}, Told(lambda told: told["x"], ["x"]), flat).verdict == "inconclusive"
