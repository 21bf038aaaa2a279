"""DeLong's variance by ranks against its definition, and the area under weights against the rows written out."""

import math

import numpy as np
import pytest

from ml.comparison.areas import placements, weighted_area
from ml.comparison.delong import delong
from ml.comparison.effect import Floats, Question
from ml.comparison.inputs import NothingToCompare
from ml.metrics import METRICS
from ml.models import Predictions

AUC = METRICS["auc"]


def by_definition(truth: Floats, both: list[Floats]) -> tuple[Floats, Floats]:
    """Areas and covariance of DeLong, DeLong and Clarke-Pearson (1988), over all pairs of rows."""
    tables = []
    for scores in both:
        ours, others = scores[truth == 1][:, None], scores[truth == 0][None, :]
        tables.append((ours > others) + 0.5 * (ours == others))
    areas = np.array([table.mean() for table in tables])
    positives = np.cov([table.mean(axis=1) for table in tables]) / tables[0].shape[0]
    negatives = np.cov([table.mean(axis=0) for table in tables]) / tables[0].shape[1]
    return areas, positives + negatives


def two_classes(scores: Floats) -> Predictions:
    return Predictions((scores > 0.5).astype(int).tolist(), np.stack([1 - scores, scores], axis=1), [0, 1])


def case(rows: int = 80, digits: int = 1) -> tuple[Floats, list[Floats]]:
    """Scores rounded so that many are equal, within the classes and across."""
    generator = np.random.default_rng(5)
    truth = generator.integers(0, 2, rows).astype(np.float64)
    return truth, [np.clip(generator.normal(0.4 + 0.2 * truth, 0.25), 0, 1).round(digits) for _ in range(2)]


class TestPlacements:
    @pytest.mark.parametrize("digits", [1, 8])
    def test_agree_with_the_definition_over_all_pairs(self, digits: int) -> None:
        truth, both = case(digits=digits)
        areas, covariance = by_definition(truth, both)
        parts = np.stack([placements(truth.tolist(), two_classes(scores)) for scores in both])
        assert parts @ parts.T == pytest.approx(covariance, rel=1e-12)
        assert [AUC.compute(truth.tolist(), two_classes(scores)) for scores in both] == pytest.approx(areas)

    def test_of_three_classes_hold_the_covariances_of_their_areas(self) -> None:
        generator = np.random.default_rng(6)

        def drawn(rows: int) -> tuple[list[int], Predictions]:
            truth = generator.integers(0, 3, rows)
            table = np.exp(generator.normal(0, 1, (rows, 3)) + 1.2 * np.eye(3)[truth])
            table /= table.sum(axis=1, keepdims=True)
            return truth.tolist(), Predictions(table.argmax(axis=1).tolist(), table, [0, 1, 2])

        samples = [drawn(120) for _ in range(300)]
        seen = np.std([AUC.compute(*sample) for sample in samples])
        said = np.mean([np.linalg.norm(placements(*sample)) for sample in samples])
        assert said == pytest.approx(seen, rel=0.13)  # three standard errors of a deviation from 300 samples

    def test_need_two_rows_of_each_class(self) -> None:
        with pytest.raises(NothingToCompare, match="two rows"):
            placements([0, 0, 1], two_classes(np.array([0.1, 0.2, 0.7])))


class TestDelong:
    def test_without_a_bar_is_the_published_z(self) -> None:
        truth, both = case()
        areas, covariance = by_definition(truth, both)
        z = (areas[1] - areas[0]) / np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        found = delong(
            truth.tolist(), two_classes(both[0]), two_classes(both[1]), (areas[0], areas[1]), Question(0.0, 0.05, True)
        )
        half = 1.6448536 * (areas[1] - areas[0]) / z
        assert found.difference_low == pytest.approx(areas[1] - areas[0] - half)
        assert found.p == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)))


class TestWeightedArea:
    @pytest.mark.parametrize("digits", [1, 8])
    def test_is_the_area_of_the_rows_repeated(self, digits: int) -> None:
        truth, (scores, _) = case(60, digits)
        units = np.arange(60) // 2
        times = np.random.default_rng(7).integers(0, 3, (4, 30))
        rows = [np.repeat(np.arange(60), one[units]) for one in times]
        expected = [AUC.compute(truth[one].tolist(), two_classes(scores[one])) for one in rows]
        assert weighted_area(truth.tolist(), two_classes(scores), units)(times.astype(float)) == pytest.approx(expected)

    def test_has_no_value_where_one_class_weighs_nothing(self) -> None:
        area = weighted_area([0, 1], two_classes(np.array([0.2, 0.8])), np.arange(2))
        assert np.isnan(area(np.array([[1.0, 0.0]]))).all()
