"""Every trainer learns real data, and every request that cannot be trained on says what is wrong with it."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from domain.errors import Invalid
from domain.training.specs import TrainSpec
from ml.splits import row_hashes
from ml.trainers.table import TRAINERS
from ml.trainers.train import TrainedModel, train
from tests.ml.training.runs import train_quietly

SMALL: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 20},
    "gradient_boosting": {"n_estimators": 40, "max_depth": 3},
    "hist_gradient_boosting": {"max_iter": 40},
}
TEXTS = pl.DataFrame(
    {
        "text": [f"{word} food number {n} in Québec" for n in range(60) for word in ("great", "awful")],
        "liked": [liked for _ in range(60) for liked in (True, False)],
    }
)


@pytest.mark.parametrize("trainer", [name for name, trainer in TRAINERS.items() if "regression" in trainer.tasks])
def test_regression_beats_the_mean(patients: pl.DataFrame, trainer: str) -> None:
    request = {"trainer": trainer, "params": SMALL.get(trainer, {}), "categorical": ["clinic"]}
    model = train_quietly(patients, task="regression", target="progress", **request)
    assert model.metrics["test_r2"] > 0.15
    assert [column.name for column in model.signature.inputs if column.nullable] == ["bmi"]
    assert {"train_mae", "validation_rmse", "test_loss"} <= set(model.metrics)


@pytest.mark.parametrize("trainer", [name for name, trainer in TRAINERS.items() if "classification" in trainer.tasks])
def test_classification_beats_the_majority(tumours: pl.DataFrame, trainer: str) -> None:
    request = {"trainer": trainer, "params": SMALL.get(trainer, {}), "split": {"method": "stratified"}}
    model = train_quietly(tumours, task="classification", target="label", **request)
    assert model.metrics["test_accuracy"] > 0.85
    assert model.metrics["test_auc"] > 0.9
    assert model.signature.classes == ["benign", "malignant"]


def test_text_classification_learns_the_word_that_matters() -> None:
    model = train_quietly(
        TEXTS, trainer="tfidf_logistic", task="text_classification", target="liked", features=["text"]
    )
    assert model.metrics["test_accuracy"] == 1.0
    assert model.signature.classes == [False, True]


def test_the_same_seed_gives_the_same_model(tumours: pl.DataFrame, boosted: TrainedModel) -> None:
    again = train_quietly(
        tumours, trainer="gradient_boosting", task="classification", target="label", params={"n_estimators": 30}
    )
    assert again.metrics == boosted.metrics
    assert again.importances == boosted.importances


def test_boosting_reports_losses_on_the_way(tumours: pl.DataFrame) -> None:
    steps: list[tuple[int, dict[str, float]]] = []
    progress: list[float] = []
    seen: dict[str, int] = {}

    def on_progress(fraction: float, message: str) -> None:
        progress.append(fraction)
        seen[message] = len(steps)

    spec = TrainSpec(
        dataset="d", trainer="gradient_boosting", task="classification", target="label", params={"n_estimators": 60}
    )
    model = train(tumours, spec, lambda *step: steps.append(step), on_progress)
    assert [step for step, _ in steps] == list(range(2, 61, 2))
    assert steps[0][1]["train_loss"] > steps[-1][1]["train_loss"]
    assert steps[-1][1]["validation_loss"] == pytest.approx(model.metrics["validation_loss"])
    assert progress == sorted(progress)
    assert len(progress) > 3
    assert (seen["40 of 60 trees"], seen["Measuring"]) == (20, 30)  # while it was fitted, not after


def test_row_hashes_tell_which_rows_were_trained_on(boosted: TrainedModel) -> None:
    columns = [column.name for column in boosted.signature.inputs]
    hashes = {name: row_hashes(boosted.part(name), columns) for name in ("train", "test")}
    assert set(hashes["train"].tolist()) == set(boosted.train_input_hashes.tolist())
    assert not set(hashes["test"].tolist()) & set(boosted.train_input_hashes.tolist())
    rows = row_hashes(boosted.part("train"), [*columns, boosted.signature.target])
    assert set(rows.tolist()) == set(boosted.train_hashes.tolist())


@pytest.mark.parametrize("trainer", ["linear", "random_forest"])
def test_importances_share_out_one_among_the_columns(patients: pl.DataFrame, trainer: str) -> None:
    model = train_quietly(
        patients, trainer=trainer, task="regression", target="progress", params=SMALL.get(trainer, {})
    )
    assert set(model.importances) == {"bmi", "bp", "s5", "sex", "clinic", "seen"}
    assert sum(model.importances.values()) == pytest.approx(1.0)


def test_rows_without_a_target_are_dropped_and_counted(tumours: pl.DataFrame) -> None:
    holes = tumours.with_columns(label=pl.when(pl.int_range(pl.len()) < 9).then(None).otherwise(pl.col("label")))
    model = train_quietly(holes, trainer="linear", task="classification", target="label")
    assert (model.rows_dropped, model.frame.height) == (9, tumours.height - 9)


def test_an_unseen_category_is_answered(progress_model: TrainedModel) -> None:
    row: dict[str, Any] = {column.name: column.example for column in progress_model.signature.inputs}
    assert row["clinic"] in {1, 2, 3, 4}
    assert [c.category for c in progress_model.signature.inputs if c.name == "clinic"] == [True]


def test_a_solver_that_stops_early_leaves_a_note(tumours: pl.DataFrame) -> None:
    many = tumours.with_columns((pl.col("label") + (pl.int_range(pl.len()) % 3).cast(pl.String)).alias("label"))
    request = {"trainer": "linear", "params": {"max_iter": 10, "strength": 1e-6}}
    model = train_quietly(many, task="classification", target="label", **request)
    assert any("converge" in note for note in model.notes)


BASE = {"trainer": "linear", "task": "classification", "target": "label"}


@pytest.mark.parametrize(
    ("request_", "code", "where", "says"),
    [
        ({"trainer": "gradient_bosting"}, "unknown_trainer", "trainer", "gradient_boosting"),
        ({"trainer": "tfidf_logistic"}, "unknown_trainer", "trainer", "random_forest"),
        ({"params": {"strenght": 1}}, "bad_parameter", "params.strenght", "strength"),
        ({"params": {"zz": 1}}, "bad_parameter", "params.zz", "max_iter"),
        ({"params": {"strength": -1}}, "bad_parameter", "params.strength", "greater than 0"),
        ({"params": {"strength": "much"}}, "bad_parameter", "params.strength", "number"),
        ({"target": "labels"}, "bad_target", "target", "label"),
        ({"features": ["mean_radios"]}, "bad_features", "features.mean_radios", "mean_radius"),
        ({"features": []}, "bad_features", "features", "no feature"),
        ({"features": ["label"]}, "bad_features", "features.label", "cannot be a feature"),
        ({"features": ["mean_area", "mean_area"]}, "bad_features", "features.mean_area", "twice"),
        ({"categorical": ["mean_are"]}, "bad_features", "categorical.mean_are", "mean_area"),
        ({"task": "regression"}, "bad_target", "target", "String"),
        ({"target": "mean_area"}, "bad_target", "target", "regression"),
        ({"task": "text_classification", "trainer": "tfidf_logistic"}, "bad_features", "features", "one feature"),
        ({"split": {"method": "time", "column": "when"}}, "cannot_split", "split.column", "when"),
    ],
)
def test_refuses_a_request(tumours: pl.DataFrame, request_: dict[str, Any], code: str, where: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        train_quietly(tumours, **{**BASE, **request_})
    assert (refused.value.code, refused.value.where) == (code, where)
    assert says in f"{refused.value.message} {refused.value.fix}"


ROWS = 30
NUMBERS = np.arange(ROWS, dtype=np.float64)


@pytest.mark.parametrize(
    ("columns", "task", "code", "where"),
    [
        ({"y": ["a"] * ROWS}, "classification", "bad_target", "target"),
        ({"y": [None] * ROWS}, "classification", "no_training_rows", "target"),
        ({"y": [float("nan")] * ROWS}, "regression", "no_training_rows", "target"),
        ({"y": [float("inf"), *NUMBERS[1:]]}, "regression", "bad_target", "target"),
        ({"y": [[1]] * ROWS}, "classification", "bad_target", "target"),
        ({"y": NUMBERS, "x": [None] * ROWS}, "regression", "unusable_feature", "features.x"),
        ({"y": NUMBERS, "x": [float("nan")] * ROWS}, "regression", "unusable_feature", "features.x"),
        ({"y": NUMBERS, "x": [[1, 2]] * ROWS}, "regression", "unusable_feature", "features.x"),
        ({"y": NUMBERS, "x": [float("inf"), *NUMBERS[1:]]}, "regression", "not_finite", "rows[0].x"),
        ({"y": NUMBERS[:2], "x": NUMBERS[:2]}, "regression", "cannot_split", "split"),
    ],
)
def test_refuses_data(columns: dict[str, Any], task: str, code: str, where: str) -> None:
    frame = pl.DataFrame({"x": NUMBERS[: len(columns["y"])], **columns})
    with pytest.raises(Invalid) as refused:
        train_quietly(frame, trainer="linear", task=task, target="y")
    assert (refused.value.code, refused.value.where) == (code, where)


def test_refuses_a_time_as_a_category(patients: pl.DataFrame) -> None:
    with pytest.raises(Invalid, match="is a time"):
        train_quietly(patients, trainer="linear", task="regression", target="progress", categorical=["seen"])


def test_refuses_a_column_named_as_part_of_a_date(patients: pl.DataFrame) -> None:
    with pytest.raises(Invalid, match=r"seen\.year"):
        train_quietly(
            patients.with_columns(pl.lit(1).alias("seen.year")), trainer="linear", task="regression", target="progress"
        )


def test_refuses_one_class_among_the_train_rows() -> None:
    frame = pl.DataFrame({"day": range(50), "y": ["old"] * 40 + ["new"] * 10})
    with pytest.raises(Invalid, match="only one value among the train rows"):
        train_quietly(
            frame, trainer="linear", task="classification", target="y", split={"method": "time", "column": "day"}
        )


def test_a_text_without_words_is_refused_by_the_trainer() -> None:
    frame = pl.DataFrame({"text": ["!", "?"] * 20, "y": [0, 1] * 20})
    with pytest.raises(Invalid) as refused:
        train_quietly(frame, trainer="tfidf_logistic", task="text_classification", target="y")
    assert refused.value.code == "cannot_fit"
