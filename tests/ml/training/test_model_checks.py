"""Each check passes a good model, fails a bad one, and never passes when it looked at nothing."""

import numpy as np
import polars as pl
import pytest

from domain.model_checks.specs import (
    MetricCheck,
    ModelCheckSpec,
    OverfitCheck,
    SlicesCheck,
    ToleranceCheck,
)
from ml.trainers.train import TrainedModel
from tests.ml.model_checks.subjects import Steep, check, model_of

LINE = pl.DataFrame({"x": np.linspace(-3, 3, 200), "y": np.sin(np.linspace(-3, 3, 200))})


class TestMetric:
    @pytest.mark.parametrize(
        ("minimum", "maximum", "verdict"), [(0.8, None, "pass"), (0.999, None, "fail"), (None, 0.5, "fail")]
    )
    def test_is_held_to_its_bounds(
        self, boosted: TrainedModel, minimum: float | None, maximum: float | None, verdict: str
    ) -> None:
        gate = MetricCheck(metric="accuracy", min=minimum, max=maximum)
        result = check(gate, model_of(boosted), boosted.part("test"))
        assert result.verdict == verdict
        assert result.value == pytest.approx(boosted.metrics["test_accuracy"])

    def test_that_is_unknown_fails_with_a_near_match(self, boosted: TrainedModel) -> None:
        result = check(MetricCheck(metric="acuracy", min=0), model_of(boosted), boosted.part("test"))
        assert (result.verdict, "accuracy" in result.message) == ("fail", True)

    def test_that_is_not_defined_is_inconclusive(self, boosted: TrainedModel) -> None:
        benign = boosted.part("test").filter(pl.col("label") == "benign")
        assert check(MetricCheck(metric="auc", min=0), model_of(boosted), benign).verdict == "inconclusive"


class TestOverfit:
    @pytest.mark.parametrize(
        ("losses", "verdict"),
        [((1.0, 1.19), "pass"), ((1.0, 1.2), "fail"), ((0.0, 0.1), "fail"), ((0.0, 0.0), "pass")],
    )
    def test_compares_the_losses_of_the_run(self, losses: tuple[float, float], verdict: str) -> None:
        metrics = {"train_loss": losses[0], "validation_loss": losses[1]}
        assert check(OverfitCheck(), Steep(1), LINE, metrics).verdict == verdict

    def test_without_losses_is_inconclusive(self) -> None:
        assert check(OverfitCheck(), Steep(1), LINE, {"train_mae": 1.0}).verdict == "inconclusive"


class TestSlices:
    FRAME = LINE.with_columns(
        half=pl.when(pl.col("x") < 0).then(pl.lit("left")).otherwise(pl.lit("right")),
        y=pl.when(pl.col("x") < 0).then(pl.col("y") + 1).otherwise(pl.col("y") + 0.1),
    )

    def test_fail_when_one_is_much_worse_than_all(self) -> None:
        result = check(SlicesCheck(by=["half"], metric="mae", max_gap=0.5), Steep(1), self.FRAME)
        assert result.verdict == "fail"
        assert [(s.value, s.rows, s.judged) for s in result.slices] == [("left", 100, True), ("right", 100, True)]
        assert result.value == pytest.approx((1 - 0.55) / 0.55, rel=1e-3)

    def test_pass_within_the_gap_and_without_one(self) -> None:
        assert check(SlicesCheck(by=["half"], metric="mae", max_gap=0.9), Steep(1), self.FRAME).verdict == "pass"
        assert check(SlicesCheck(by=["half"], metric="mae"), Steep(1), self.FRAME).verdict == "pass"

    def test_cut_a_number_of_many_values_at_its_quartiles(self) -> None:
        result = check(SlicesCheck(by=["x"], metric="mae", max_gap=0.9), Steep(1), self.FRAME)
        assert sorted(s.rows for s in result.slices) == [50] * 4

    def test_keep_missing_values_apart(self) -> None:
        holes = self.FRAME.with_columns(x=pl.when(pl.int_range(pl.len()) < 40).then(None).otherwise(pl.col("x")))
        result = check(SlicesCheck(by=["x"], metric="mae"), Steep(1), holes)
        assert [s.rows for s in result.slices if s.value == "(missing)"] == [40]

    def test_do_not_judge_small_ones(self) -> None:
        result = check(SlicesCheck(by=["half"], metric="mae", max_gap=0.1, min_rows=101), Steep(1), self.FRAME)
        assert (result.verdict, [s.judged for s in result.slices]) == ("inconclusive", [False, False])

    def test_on_which_the_metric_is_not_defined_are_not_judged(self, boosted: TrainedModel) -> None:
        result = check(SlicesCheck(by=["label"], metric="auc"), model_of(boosted), boosted.part("test"))
        assert (result.verdict, [s.metric for s in result.slices]) == ("inconclusive", [None, None])

    def test_by_an_unknown_column_fail_with_a_near_match(self) -> None:
        result = check(SlicesCheck(by=["hlf"], metric="mae"), Steep(1), self.FRAME)
        assert (result.verdict, "'half'" in result.message) == ("fail", True)

    def test_by_an_unknown_metric_fail(self) -> None:
        assert check(SlicesCheck(by=["half"], metric="nope"), Steep(1), self.FRAME).verdict == "fail"


@pytest.mark.parametrize(
    "spec", [MetricCheck(metric="mae", max=1), ToleranceCheck(), SlicesCheck(by=["x"], metric="mae")]
)
@pytest.mark.parametrize("frame", [LINE.clear(), LINE.drop("y"), LINE.with_columns(y=pl.lit(None, pl.Float64))])
def test_no_rows_is_inconclusive(spec: ModelCheckSpec, frame: pl.DataFrame) -> None:
    assert check(spec, Steep(1), frame).verdict == "inconclusive"


@pytest.mark.parametrize(
    "spec", [MetricCheck(metric="mae", max=9), ToleranceCheck(), SlicesCheck(by=["y"], metric="mae")]
)
def test_rows_the_model_cannot_read_fail(spec: ModelCheckSpec) -> None:
    result = check(spec, Steep(1), LINE.rename({"x": "z"}))
    assert (result.verdict, "'x' is missing" in result.message) == ("fail", True)
