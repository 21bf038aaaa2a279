"""Which points of a space are tried, and what is refused about a sweep before anything runs."""

from typing import Any

import pytest

from domain.errors import Invalid
from domain.sweeps.plan import objective_of, points_of
from domain.sweeps.specs import MOST_TRIALS, SweepSpec

BASE = {"dataset": "d", "trainer": "gradient_boosting", "task": "regression", "target": "y"}
SPEC: dict[str, Any] = {
    "base": BASE,
    "space": {"max_depth": [2, 4]},
    "method": "grid",
    "objective": {"metric": "mae", "goal": "min"},
}


def spec(**changes: Any) -> SweepSpec:
    return SweepSpec.model_validate(SPEC | changes)


def drawn(space: dict[str, Any], trials: int, seed: int = 0) -> list[dict[str, Any]]:
    return points_of(spec(space=space, method="random", trials=trials, seed=seed))


class TestGrid:
    def test_tries_every_combination_once(self) -> None:
        points = points_of(spec(space={"max_depth": [2, 4], "subsample": [0.5, 1.0]}))
        assert [(point["max_depth"], point["subsample"]) for point in points] == [
            (2, 0.5),
            (2, 1.0),
            (4, 0.5),
            (4, 1.0),
        ]

    def test_spreads_the_points_of_a_range_over_its_scale(self) -> None:
        linear = points_of(spec(space={"subsample": {"min": 0.2, "max": 1.0, "points": 3}}))
        assert [point["subsample"] for point in linear] == pytest.approx([0.2, 0.6, 1.0])
        log = points_of(spec(space={"learning_rate": {"min": 0.001, "max": 0.1, "scale": "log", "points": 3}}))
        assert [point["learning_rate"] for point in log] == pytest.approx([0.001, 0.01, 0.1])

    def test_has_whole_numbers_once_where_the_parameter_is_whole(self) -> None:
        points = points_of(spec(space={"max_depth": {"min": 2, "max": 4, "points": 9}}))
        assert [point["max_depth"] for point in points] == [2, 3, 4]
        assert all(isinstance(point["max_depth"], int) for point in points)


class TestChance:
    def test_is_the_same_for_the_same_seed(self) -> None:
        space = {"learning_rate": {"min": 0.001, "max": 0.1, "scale": "log"}, "max_depth": [2, 3, 4]}
        assert drawn(space, 8) == drawn(space, 8) != drawn(space, 8, seed=1)

    def test_stays_within_the_range(self) -> None:
        values = [point["learning_rate"] for point in drawn({"learning_rate": {"min": 0.01, "max": 0.1}}, 200)]
        assert len(values) == 200
        assert 0.01 <= min(values) < 0.02
        assert 0.09 < max(values) <= 0.1

    def test_draws_each_point_once_and_no_more_than_there_are(self) -> None:
        points = drawn({"max_depth": [2, 3, 4]}, 20)
        assert sorted(point["max_depth"] for point in points) == [2, 3, 4]


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"space": {"depth": [2]}}, "bad_parameter", "space.depth"),
        ({"space": {"max_depth": [2, 0]}}, "bad_parameter", "space.max_depth.1"),
        ({"space": {"max_depth": [2, "deep"]}}, "bad_parameter", "space.max_depth.1"),
        ({"space": {"max_depth": [2, 2]}}, "bad_space", "space.max_depth.1"),
        ({"space": {"max_depth": {"min": 4, "max": 2, "points": 2}}}, "bad_space", "space.max_depth.min"),
        ({"space": {"max_depth": {"min": 2, "max": 2, "points": 2}}}, "bad_space", "space.max_depth.min"),
        ({"space": {"max_depth": {"min": 2, "max": 99, "points": 2}}}, "bad_parameter", "space.max_depth.max"),
        ({"space": {"max_depth": {"min": 1.5, "max": 3, "points": 2}}}, "bad_parameter", "space.max_depth.min"),
        ({"space": {"max_depth": {"min": 2, "max": 4}}}, "bad_space", "space.max_depth.points"),
        ({"space": {"subsample": {"min": 0, "max": 1, "scale": "log"}}}, "bad_space", "space.subsample.min"),
        ({"trials": 3}, "bad_trials", "trials"),
        ({"method": "random"}, "bad_trials", "trials"),
        ({"space": {"max_depth": list(range(1, 17)), "n_estimators": list(range(1, 101))}}, "too_many_trials", "space"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_its_place(changes: dict[str, Any], code: str, where: str) -> None:
    with pytest.raises(Invalid) as refusal:
        points_of(spec(**changes))
    assert (refusal.value.code, refusal.value.where) == (code, where)


def test_a_grid_that_is_too_large_says_both_numbers() -> None:
    with pytest.raises(Invalid, match=rf"The grid has 1,600 points; a sweep has at most {MOST_TRIALS}\."):
        points_of(spec(space={"max_depth": list(range(1, 17)), "n_estimators": list(range(1, 101))}))


@pytest.mark.parametrize(
    ("metric", "task", "name"),
    [
        ("mae", "regression", "validation_mae"),
        ("validation_rmse", "regression", "validation_rmse"),
        ("loss", "regression", "validation_loss"),
        ("auc", "classification", "validation_auc"),
    ],
)
def test_an_objective_is_of_the_validation_rows(metric: str, task: str, name: str) -> None:
    assert objective_of(spec(base=BASE | {"task": task}, objective={"metric": metric, "goal": "min"})) == name


@pytest.mark.parametrize("metric", ["auc", "validation_auc", "test_mae", "train_mae", "validation_", "ma"])
def test_an_objective_that_the_task_lacks_or_that_misleads_is_refused(metric: str) -> None:
    with pytest.raises(Invalid) as refusal:
        objective_of(spec(objective={"metric": metric, "goal": "min"}))
    assert (refusal.value.code, refusal.value.where) == ("bad_objective", "objective.metric")
    assert refusal.value.fix
