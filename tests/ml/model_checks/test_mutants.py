"""Mutants do the harm they are named for, to nothing else, and the same harm for the same seed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from domain.registry.specs import InputColumn, Package, Signature
from domain.training.specs import TrainSpec
from ml import mutants
from ml.encoding import Extra
from ml.models import Predictions
from ml.trainers.table import TRAINERS, find_trainer

FRAME = pl.DataFrame(
    {
        "age": list(range(20, 120)),
        "work": ["office"] * 60 + ["field"] * 40,
        "delta": [-1.0, 1.0] * 50,
        "rich": ["no"] * 50 + ["yes"] * 50,
        "pay": [float(value) for value in range(100)],
    }
)
SIGNATURE = Signature(
    task="classification",
    target="rich",
    inputs=[InputColumn(name="age", type="integer", nullable=False, category=False, example=20)],
    classes=["no", "yes"],
)


class Echo:
    """Answers with the ages it was given."""

    package = Package(flavor="python", reason="test", signature=SIGNATURE, agreement=None, run_id="r", files=[])
    signature = SIGNATURE

    def predict(self, instances: Sequence[dict[str, Any]], *, extra: Extra = "forbid") -> Predictions:
        return Predictions([one["age"] for one in instances])

    def predict_columns(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        return Predictions(columns["age"].tolist())


def corrupt(name: str, columns: Sequence[str]) -> pl.DataFrame:
    made = mutants.DATA_MUTANTS[name](FRAME, columns, 1)
    assert made is not None
    return made[0]


class TestTrainingRows:
    def test_shuffled_labels_keep_every_label_and_every_other_column(self) -> None:
        made = mutants.shuffled_labels(FRAME, "rich", 1)
        assert made.drop("rich").equals(FRAME.drop("rich"))
        assert made["rich"].sort().equals(FRAME["rich"].sort())
        assert not made["rich"].equals(FRAME["rich"])
        assert made.equals(mutants.shuffled_labels(FRAME, "rich", 1))

    def test_truncated_is_two_per_cent(self) -> None:
        assert mutants.truncated(FRAME, 1).height == 2

    def test_flipped_slice_is_wrong_where_the_category_is_most_frequent(self) -> None:
        found = mutants.flipped_slice(FRAME, "rich", ["age", "work"], classes=True)
        assert found is not None
        made, where = found
        assert where == "work = office"
        office = FRAME["work"] == "office"
        assert (made["rich"] != FRAME["rich"]).equals(office.alias("rich"))

    def test_flipped_numbers_are_mirrored(self) -> None:
        found = mutants.flipped_slice(FRAME, "pay", ["work"], classes=False)
        assert found is not None
        assert found[0]["pay"][:3].to_list() == [99.0, 98.0, 97.0]
        assert found[0]["pay"][60:].equals(FRAME["pay"][60:])

    def test_no_category_no_slice(self) -> None:
        assert mutants.flipped_slice(FRAME, "rich", ["age", "pay"], classes=True) is None

    @pytest.mark.parametrize("trainer", TRAINERS)
    def test_every_trainer_can_be_overfitted_within_its_bounds(self, trainer: str) -> None:
        task = next(iter(TRAINERS[trainer].tasks))
        spec = TrainSpec(dataset="d", trainer=trainer, task=task, target="rich")
        find_trainer(trainer, task).read_params(mutants.overfitted(spec).params)

    def test_the_leak_is_a_feature_beside_the_others(self) -> None:
        spec = TrainSpec(dataset="d", trainer="linear", task="classification", target="rich", features=["age"])
        assert mutants.with_leak(spec).features == ["age", mutants.LEAKED]
        assert mutants.leaked(FRAME, "rich")[mutants.LEAKED].to_list() == FRAME["rich"].to_list()


class TestModels:
    def test_constant_says_the_most_frequent_class_with_the_shares(self) -> None:
        made = mutants.Constant(Echo(), ["yes", "yes", "yes", "no"])
        answers = made.predict_columns({"age": np.array([1, 2])})
        assert answers.values == made.predict([{"age": 1}, {"age": 2}]).values == ["yes", "yes"]
        assert answers.probabilities is not None
        assert answers.probabilities.tolist() == [[0.25, 0.75]] * 2

    def test_dropped_column_is_the_same_in_every_row(self) -> None:
        made = mutants.DroppedColumn(Echo(), "age", 30)
        assert made.predict([{"age": 1}, {"age": 2}]).values == [30, 30]
        assert made.predict_columns({"age": np.array([1, 2])}).values == [30, 30]

    def test_slow_answers_the_same(self) -> None:
        assert mutants.Slow(Echo(), 0.0).predict([{"age": 1}]).values == [1]


class TestTables:
    def test_nulls_spike_in_one_column(self) -> None:
        made = corrupt("null_spike", ["age", "work"])
        assert 15 < made["age"].null_count() < 45
        assert made.drop("age").equals(FRAME.drop("age"))

    def test_units_change(self) -> None:
        assert corrupt("unit_change", ["work", "age"])["age"].to_list() == [age * 1000 for age in FRAME["age"]]

    def test_categories_are_renamed(self) -> None:
        assert set(corrupt("shifted_categories", ["age", "work"])["work"]) == {"office_new", "field_new"}

    def test_a_fifth_of_the_rows_comes_twice(self) -> None:
        made = corrupt("duplicated_rows", [])
        assert (made.height, made.unique().height) == (120, 100)

    def test_negative_is_what_never_was(self) -> None:
        made = corrupt("negative_values", ["work", "delta", "age"])
        assert made["age"].to_list() == [-age for age in FRAME["age"]]
        assert made["delta"].equals(FRAME["delta"])

    @pytest.mark.parametrize("name", ["unit_change", "negative_values"])
    def test_where_no_column_fits_there_is_none(self, name: str) -> None:
        assert mutants.DATA_MUTANTS[name](FRAME, ["work"], 1) is None
        assert mutants.DATA_MUTANTS["shifted_categories"](FRAME, ["age"], 1) is None

    @pytest.mark.parametrize("kind", [pl.UInt8, pl.Int8, pl.Float32])
    def test_narrow_columns_have_room(self, kind: Any) -> None:
        frame = pl.DataFrame({"age": pl.Series([1, 100], dtype=kind)})
        for name in ("unit_change", "negative_values"):
            made = mutants.DATA_MUTANTS[name](frame, ["age"], 1)
            assert made is not None
            assert made[0]["age"].to_list() in ([1000, 100000], [-1, -100])
