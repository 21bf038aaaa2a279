"""Answers that are none are failed evidence naming the row; a check that breaks is a failed result."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from domain.model_checks.specs import LatencyCheck, MetricCheck, ModelCheckResult, OverfitCheck, ServingParityCheck
from domain.registry.specs import InputColumn, Package, Signature
from ml.encoding import Extra
from ml.model_checks.table import run_on, subject_of
from ml.models import Predictions

ROWS = pl.DataFrame({"x": [0.0, 1.0, 2.0], "y": ["a", "b", "a"]})
SIGNATURE = Signature(
    task="classification", target="y", inputs=[InputColumn(name="x", type="number")], classes=["a", "b"]
)


class Odd:
    """A classifier that gives these probabilities, whatever it is asked."""

    signature = SIGNATURE
    package = Package(flavor="python", reason="", signature=SIGNATURE, agreement=None, run_id="r", files=[])

    def __init__(self, *probabilities: tuple[float, float]) -> None:
        self._given = np.array(probabilities)

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        raise RuntimeError(f"asked for {len(instances)} rows, {extra}")

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        return Predictions(["a"] * len(self._given), self._given, ["a", "b"])


def check(model: Odd, **more: Any) -> ModelCheckResult:
    subject = subject_of(model=model, frame=ROWS, metrics={"train_loss": 1.0, "validation_loss": 1.0}, seed=0)
    spec = MetricCheck(metric="accuracy", min=0, **more)
    first, overfit = run_on(subject, [spec, OverfitCheck()], threads=2)
    assert overfit.verdict == "pass"  # the others go on
    return first


GOOD = (0.5, 0.5)


@pytest.mark.parametrize(
    ("given", "how", "row", "said"),
    [
        ([GOOD, GOOD], "count", None, "2 answers to 3 rows"),
        ([GOOD, (float("nan"), 0.5), GOOD], "nan", 1, "row 1"),
        ([GOOD, GOOD, (1.25, -0.25)], "range", 2, "outside 0..1"),
    ],
)
def test_odd_answers_fail_and_name_the_row(
    given: list[tuple[float, float]], how: str, row: int | None, said: str
) -> None:
    result = check(Odd(*given))
    assert (result.verdict, result.details["failed"], result.details["row"]) == ("fail", how, row)
    assert said in result.message
    assert [one["instance"] for one in result.examples] == ([] if row is None else [{"x": float(row)}])


def test_a_predicate_that_leaves_no_row_shows_nothing() -> None:
    result = check(Odd(GOOD, GOOD, GOOD), where="x > 9")
    assert (result.verdict, result.vacuous, result.rows) == ("inconclusive", True, 0)
    assert check(Odd(GOOD, GOOD, GOOD), where="z > 9").verdict == "fail"


def test_a_check_that_breaks_has_failed_with_the_reason() -> None:
    subject = subject_of(model=Odd(GOOD, GOOD, GOOD), frame=ROWS, metrics={}, seed=0, served=Odd())  # type: ignore[arg-type]  # no `resident_mb`
    [result] = run_on(subject, [LatencyCheck(p99_ms=1)])
    assert (result.verdict, result.details["failed"]) == ("fail", "check")
    assert "RuntimeError: asked for 1 rows" in result.message


def test_parity_without_the_trained_model_is_open() -> None:
    subject = subject_of(model=Odd(GOOD, GOOD, GOOD), frame=ROWS, metrics={}, seed=0)
    assert [one.verdict for one in run_on(subject, [ServingParityCheck()])] == ["inconclusive"]
