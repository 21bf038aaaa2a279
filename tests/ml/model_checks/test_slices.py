"""Declared slices, and weak ones that are planted and must be found, and that are not there and must not be."""

import time
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats

from domain.model_checks.specs import ModelCheckResult, SlicesCheck, WeakSlicesCheck
from ml.model_checks.slices import check_slices
from ml.model_checks.subject import Subject
from ml.model_checks.weak_slices import check_weak_slices
from tests.ml.model_checks.told import Told, encloses, judge, refusal, second


def flipped(subject: Subject, where: str) -> Subject:
    """The same model on rows whose truth is turned round where the predicate holds."""
    other = pl.when(pl.col("income") == ">50K.").then(pl.lit("<=50K.")).otherwise(pl.lit(">50K."))
    frame = subject.frame.with_columns(income=pl.when(pl.sql_expr(where)).then(other).otherwise(pl.col("income")))
    return Subject(subject.model, frame, subject.metrics, seed=0)


def found(result: ModelCheckResult) -> list[tuple[str, str]]:
    return [(one.column, one.value) for one in result.slices]


class TestSlices:
    def test_by_name_and_by_columns_that_are_no_inputs(self, subject: Subject) -> None:
        check = SlicesCheck(by=["sex", "race"], named={"young": "age < 25"}, metric="log_loss", max_gap=0.5)
        result = check_slices(check, subject)
        assert result.verdict == "pass"
        assert {("sex", "Female"), ("race", "Other"), ("named", "young")} <= set(found(result))
        sizes = {one.value: one.rows for one in result.slices}
        assert sizes["young"] == subject.frame.filter(pl.col("age") < 25).height

    def test_come_with_a_gap_its_interval_and_a_corrected_p_value(self, subject: Subject) -> None:
        result = check_slices(SlicesCheck(by=["sex"], metric="accuracy", max_gap=0.2), subject)
        for one in result.slices:
            assert one.metric is not None
            assert one.gap == pytest.approx((0.8667 - one.metric) / 0.8667, abs=1e-4)
            assert encloses(one, one.gap or 0.0)
            assert one.p_value == 1.0

    @pytest.mark.parametrize(
        ("rows", "words"), [(4000, "This is shown: p = "), (70, "could show this by chance: p = ")]
    )
    def test_that_fail_say_how_sure_that_is(self, subject: Subject, rows: int, words: str) -> None:
        result = check_slices(
            SlicesCheck(by=["sex"], metric="accuracy", max_gap=0.05, min_rows=10),
            flipped(subject, "sex = 'Female' AND fnlwgt % 4 = 0").take(np.arange(rows)),
        )
        assert (result.verdict, result.slices[0].value) == ("fail", "Female")
        assert words in result.message
        shown = [one["row"] for one in result.examples]
        assert set(subject.frame[shown]["sex"]) == {"Female"}

    def test_that_are_small_are_shown_after_the_judged_ones(self, subject: Subject) -> None:
        result = check_slices(SlicesCheck(by=["race"], metric="auc", max_gap=0.5, min_rows=100), subject)
        assert [one.judged for one in result.slices] == [True, True, True, False, False]
        assert "Worst of 3 judged slices" in result.message

    def test_of_a_name_that_selects_no_row_are_not_judged(self, subject: Subject) -> None:
        result = check_slices(SlicesCheck(named={"old": "age > 200"}, metric="auc"), subject)
        assert (result.verdict, [(one.rows, one.metric) for one in result.slices]) == ("inconclusive", [(0, None)])

    def test_of_times_are_named_by_times(self) -> None:
        days = pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 4, 9), "1d", eager=True)
        frame = pl.DataFrame({"x": np.arange(100.0), "y": np.arange(100.0), "day": days})
        model = Told(lambda columns: columns["x"] + columns["x"] % 3, ["x"])
        result = judge({"check": "slices", "by": ["day"], "metric": "mae", "min_rows": 20}, model, frame)
        assert any(one.value.startswith("up to 2020-01-25") for one in result.slices)

    @pytest.mark.parametrize(("value", "kind"), [(["a"], "List(String)"), (timedelta(1), "Duration")])
    def test_of_values_without_groups_are_refused(self, value: object, kind: str) -> None:
        frame = pl.DataFrame({"x": [1.0], "y": [1.0], "tags": [value]})
        words = refusal({"check": "slices", "by": ["tags"], "metric": "mae"}, Told(lambda c: c["x"], ["x"]), frame)
        assert f"'tags' holds {kind}" in words


class TestWeakSlices:
    def test_of_one_column_is_found(self, subject: Subject) -> None:
        planted = flipped(subject, "workclass = 'Self-emp-not-inc'")
        result = check_weak_slices(WeakSlicesCheck(metric="log_loss"), planted)
        assert result.verdict == "fail"
        worst = result.slices[0]
        assert (worst.column, worst.value) == ("workclass", "Self-emp-not-inc")
        assert worst.rows == planted.frame.filter(pl.col("workclass") == "Self-emp-not-inc").height
        assert {one["instance"]["workclass"] for one in result.examples} == {"Self-emp-not-inc"}
        assert worst.p_value is not None
        assert worst.p_value < 1e-6

    def test_of_two_columns_is_found_where_neither_alone_is_as_bad(self, subject: Subject) -> None:
        planted = flipped(subject, "occupation = 'Adm-clerical' AND age > 48")
        columns = ["occupation", "age", "workclass"]
        result = check_weak_slices(WeakSlicesCheck(metric="accuracy", columns=columns, max_gap=0.3), planted)
        assert ("occupation & age", "Adm-clerical & above 48") in found(result)[:1]

    def test_of_a_part_of_a_weak_slice_is_not_listed_again(self, subject: Subject) -> None:
        planted = flipped(subject, "sex = 'Female'")
        columns = ["sex", "race", "native-country"]
        result = check_weak_slices(WeakSlicesCheck(metric="accuracy", columns=columns, max_gap=0.2), planted)
        assert found(result)[0] == ("sex", "Female")
        assert ("sex & race", "Female & White") not in found(result)

    def test_of_columns_that_say_the_same_is_listed_once(self, subject: Subject) -> None:
        planted = flipped(subject, "education = 'Some-college'")
        columns = ["education", "education-num"]
        result = check_weak_slices(WeakSlicesCheck(metric="accuracy", columns=columns, max_gap=0.2), planted)
        assert [one for one in found(result) if one[1] in {"Some-college", "10"}] == [("education", "Some-college")]

    def test_is_not_seen_in_noise(self) -> None:
        seen = sum(bool(noise(seed).slices) for seed in range(40))
        assert seen <= 5  # 2 are expected at alpha 0.05

    def test_agrees_with_welch(self) -> None:
        generator = np.random.default_rng(0)
        frame = pl.DataFrame({"x": generator.normal(size=500), "kind": ["a"] * 200 + ["b"] * 300, "y": np.zeros(500)})
        model = Told(lambda columns: np.abs(columns["x"]) + 0.2 * (np.arange(500) < 200), ["x"])
        document = {"check": "weak_slices", "metric": "mae", "columns": ["kind"], "max_gap": 0, "alpha": 0.4}
        [worst] = judge(document, model, frame).slices
        losses = np.abs(frame["x"].to_numpy()) + 0.2 * (np.arange(500) < 200)
        assert worst.metric == pytest.approx(losses[:200].mean())
        assert worst.gap == pytest.approx(losses[:200].mean() / losses.mean() - 1)
        assert worst.p_value is not None
        assert worst.p_value == pytest.approx(2 * welch(losses[:200], losses[200:]), rel=1e-6)  # of two slices

    def test_that_is_too_small_leaves_nothing_to_search(self) -> None:
        frame = pl.DataFrame({"x": np.arange(30.0), "y": np.arange(30.0)})
        result = judge({"check": "weak_slices", "metric": "mae"}, Told(lambda c: c["x"], ["x"]), frame)
        assert (result.verdict, result.vacuous) == ("inconclusive", True)

    def test_of_a_perfect_model_is_none(self) -> None:
        frame = pl.DataFrame({"x": np.arange(300.0), "y": np.arange(300.0)})
        for metric in ("mae", "rmse"):
            result = judge({"check": "weak_slices", "metric": metric}, Told(lambda c: c["x"], ["x"]), frame)
            assert (result.verdict, result.slices) == ("pass", [])

    def test_is_searched_in_less_than_a_second(self) -> None:
        generator = np.random.default_rng(0)
        names = [f"x{number}" for number in range(15)]
        table = generator.normal(size=(10_000, 15))
        table[:, 8:] = generator.integers(0, 12, size=(10_000, 7))
        frame = pl.DataFrame(table, schema=names).with_columns(y=pl.Series(generator.normal(size=10_000)))
        started = time.process_time()
        result = judge({"check": "weak_slices", "metric": "mae"}, Told(lambda c: c["x0"], names), frame)
        assert time.process_time() - started < 1
        assert result.details["looked_at"] > 2_000


def noise(seed: int) -> ModelCheckResult:
    generator = np.random.default_rng(seed)
    columns = {f"x{number}": generator.integers(0, 4, 2_000).astype(float) for number in range(6)}
    frame = pl.DataFrame({**columns, "y": np.where(generator.random(2_000) < 0.8, "yes", "no")})
    model = Told(lambda told: second(np.full(len(told["x0"]), 0.8)), list(columns), ["no", "yes"])
    return judge({"check": "weak_slices", "metric": "accuracy", "max_gap": 0}, model, frame)


def welch(ours: NDArray[np.float64], rest: NDArray[np.float64]) -> float:
    return float(stats.ttest_ind(ours, rest, equal_var=False, alternative="greater").pvalue)
