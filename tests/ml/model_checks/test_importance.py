"""Leaks that are planted and must be found, and inputs that carry nothing."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from domain.model_checks.specs import LeakageCheck, UnusedFeaturesCheck
from ml.model_checks.importance import check_leakage, check_unused_features
from ml.model_checks.subject import Subject
from tests.ml.model_checks.told import Told, encloses, judge, model_of
from tests.ml.training.runs import train_quietly

NUMBERS = pl.DataFrame(np.random.default_rng(0).normal(size=(500, 3)), schema=["a", "b", "c"])


def subject_of(frame: pl.DataFrame, **request: Any) -> Subject:
    trained = train_quietly(frame, **request)
    return Subject(model_of(trained), trained.part("test"), trained.metrics, seed=0)


class TestLeakage:
    def test_that_is_planted_is_found(self, people: pl.DataFrame) -> None:
        noise = pl.Series(np.random.default_rng(0).normal(size=people.height))
        leaked = people.with_columns(batch=(pl.col("income") == ">50K.").cast(pl.Float64) + 0.1 * noise)
        features = ["age", "education-num", "occupation", "batch"]
        request = {"trainer": "linear", "task": "classification", "target": "income", "features": features}
        result = check_leakage(LeakageCheck(), subject_of(leaked, **request))
        assert (result.verdict, result.details["columns"][0]["column"]) == ("fail", "batch")
        assert "Shuffling 'batch' destroys" in result.message
        assert "is not known" in result.message

    def test_of_a_sound_model_is_not_seen(self, subject: Subject) -> None:
        result = check_leakage(LeakageCheck(), subject)
        assert (result.verdict, result.details["rows_shuffled"]) == ("pass", 2_000)
        assert [one["column"] for one in result.details["columns"][:2]] == ["capital-gain", "marital-status"]
        assert encloses(result, result.value or 0)

    def test_of_rows_into_the_training_fails(self, subject: Subject) -> None:
        result = check_leakage(LeakageCheck(), replace(subject, seen_share=0.25))
        assert (result.verdict, "trained on 25.0% of the frozen rows" in result.message) == ("fail", True)

    def test_of_a_regression_is_measured_by_squared_error(self) -> None:
        frame = NUMBERS.with_columns(y=pl.col("a") * 10 + pl.col("b"))
        model = Told(lambda told: told["a"] * 10 + told["b"], ["a", "b", "c"])
        result = judge({"check": "leakage"}, model, frame)
        assert result.verdict == "fail"
        assert [one["column"] for one in result.details["columns"]] == ["a", "b", "c"]
        assert result.value == pytest.approx(2, rel=0.1)  # a shuffled guess is twice as far as the mean

    @pytest.mark.parametrize(("names", "words"), [(["a"], "has one input"), (["a", "b"], "no better than a constant")])
    def test_without_anything_to_compare_is_inconclusive(self, names: list[str], words: str) -> None:
        frame = NUMBERS.with_columns(y=pl.col("a"))
        model = Told(lambda told: told["a"] if len(told) == 1 else told["b"] * 5, names)
        result = judge({"check": "leakage"}, model, frame)
        assert (result.verdict, words in result.message) == ("inconclusive", True)
        assert judge({"check": "leakage"}, model, frame, seen_share=1.0).verdict == "fail"


class TestUnusedFeatures:
    def test_are_named(self) -> None:
        frame = NUMBERS.with_columns(y=pl.col("a"))
        model = Told(lambda told: told["a"], ["a", "b", "c"])
        result = judge({"check": "unused_features", "max_unused": 1}, model, frame)
        assert (result.verdict, result.value, result.details["unused"]) == ("fail", 2, ["b", "c"])

    def test_that_matter_for_few_rows_are_used(self) -> None:
        frame = pl.DataFrame({"a": np.arange(5_000.0), "b": np.arange(5_000.0), "y": np.arange(5_000.0)})
        # Only one row in five thousand moves with b, which is not among the two thousand tried first.
        model = Told(lambda told: told["a"] + (told["b"] == 4_999), ["a", "b"])
        assert judge({"check": "unused_features"}, model, frame).verdict == "pass"

    def test_that_do_not_vary_are_not_judged(self) -> None:
        frame = NUMBERS.with_columns(b=pl.lit(1.0), y=pl.col("a"))
        result = judge({"check": "unused_features"}, Told(lambda told: told["a"], ["a", "b"]), frame)
        assert (result.verdict, "b did not vary" in result.message) == ("pass", True)
        still = judge({"check": "unused_features"}, Told(lambda told: told["b"], ["b"]), frame)
        assert (still.verdict, still.vacuous) == ("inconclusive", True)

    def test_of_a_real_model_are_none(self, subject: Subject) -> None:
        assert check_unused_features(UnusedFeaturesCheck(), subject).verdict == "pass"
