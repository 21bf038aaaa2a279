"""The bootstrap interval of one metric agrees with theory where there is one."""

import numpy as np
import pytest

from ml.intervals import interval
from ml.metrics import METRICS
from ml.models import Predictions


def test_of_a_share_is_that_of_the_binomial() -> None:
    truth = ["a"] * 360 + ["b"] * 40
    bounds = interval(METRICS["accuracy"], truth, Predictions(["a"] * 400, None, ["a", "b"]))
    half = 1.96 * np.sqrt(0.9 * 0.1 / 400)
    assert bounds == pytest.approx((0.9 - half, 0.9 + half), abs=0.006)


def test_is_none_where_the_metric_is_not_defined() -> None:
    assert interval(METRICS["r2"], [1.0] * 20, Predictions([1.0] * 20, None, [])) is None
