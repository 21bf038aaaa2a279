"""Small real tables and trained models, shared by the tests of training, packaging and checks."""

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from ml.trainers.train import TrainedModel
from tests.ml.training.runs import train_quietly


@pytest.fixture(scope="session")
def tumours() -> pl.DataFrame:
    """569 real tumours, six measures, the label as text."""
    data = load_breast_cancer()
    names = [name.replace(" ", "_") for name in data.feature_names[:6]]
    frame = pl.DataFrame(data.data[:, :6], schema=names)
    return frame.with_columns(label=pl.Series([data.target_names[label] for label in data.target]))


@pytest.fixture(scope="session")
def patients() -> pl.DataFrame:
    """442 real patients: numbers (some missing), a category, a date and how the disease went."""
    data = load_diabetes()
    generator = np.random.default_rng(1)
    sex = np.where(data.data[:, 1] > 0, "m", "f")
    days = np.datetime64("2020-01-01T06:30") + generator.integers(0, 700, 442).astype("timedelta64[D]")
    frame = pl.DataFrame({"bmi": data.data[:, 2], "bp": data.data[:, 3], "s5": data.data[:, 8], "sex": sex})
    return frame.with_columns(
        bmi=pl.when(pl.Series(generator.random(442) < 0.1)).then(None).otherwise(pl.col("bmi")),
        clinic=pl.Series(generator.integers(1, 5, 442)),
        seen=pl.Series(days.astype("datetime64[us]")),
        progress=pl.Series(data.target),
    )


@pytest.fixture(scope="session")
def boosted(tumours: pl.DataFrame) -> TrainedModel:
    return train_quietly(
        tumours, trainer="gradient_boosting", task="classification", target="label", params={"n_estimators": 30}
    )


@pytest.fixture(scope="session")
def progress_model(patients: pl.DataFrame) -> TrainedModel:
    return train_quietly(patients, trainer="linear", task="regression", target="progress", categorical=["clinic"])
