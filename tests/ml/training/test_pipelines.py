"""A pipeline that is asked by arrays answers the very same as by the table it was fitted on, whatever its steps."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from domain.registry.specs import Package
from ml.encoding import Encoder, Feeds
from ml.inputs import encode_frame
from ml.pipelines import SklearnModel, as_table, predict_table
from ml.trainers.table import TRAINERS
from ml.trainers.train import TrainedModel
from tests.ml.training.runs import train_quietly

TABULAR = [name for name, trainer in TRAINERS.items() if "classification" in trainer.tasks]


def model_of(trained: TrainedModel) -> SklearnModel:
    described = Package(
        flavor="python", reason="x", signature=trained.signature, agreement=None, run_id="run", files=[]
    )
    return SklearnModel(described, trained.pipeline)


def feeds_of(trained: TrainedModel) -> Feeds:
    return encode_frame(Encoder(trained.signature), trained.part("test"), trained.signature.inputs)


def check(trained: TrainedModel) -> None:
    feeds = feeds_of(trained)
    table = as_table(Encoder(trained.signature), feeds)
    expected = predict_table(trained.pipeline, trained.signature, table)
    found = model_of(trained).predict_feeds(feeds)
    assert found.values == expected.values
    assert np.array_equal(np.array(found.probabilities), np.array(expected.probabilities))


@pytest.mark.parametrize("trainer", TABULAR)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_arrays_and_tables_give_the_same_bits(patients: pl.DataFrame, trainer: str, task: str) -> None:
    target = "progress" if task == "regression" else "sex"
    trained = train_quietly(patients, trainer=trainer, task=task, target=target, categorical=["clinic"])
    assert model_of(trained).by_arrays
    check(trained)


def test_a_text_pipeline_goes_by_the_table() -> None:
    frame = pl.DataFrame(
        {"text": [f"{'good' if n % 2 else 'bad'} {n}" for n in range(120)], "y": [n % 2 for n in range(120)]}
    )
    trained = train_quietly(frame, trainer="tfidf_logistic", task="text_classification", target="y")
    assert not model_of(trained).by_arrays
    check(trained)


def test_a_pipeline_of_other_steps_goes_by_the_table(patients: pl.DataFrame) -> None:
    trained = train_quietly(patients, trainer="linear", task="regression", target="progress")
    features, estimator = trained.pipeline[0], trained.pipeline[-1]
    table = as_table(Encoder(trained.signature), feeds_of(trained))
    chosen = FunctionTransformer().fit(features.transform(table))
    trained = replace(trained, pipeline=Pipeline([("features", features), ("chosen", chosen), ("model", estimator)]))
    assert not model_of(trained).by_arrays
    check(trained)
