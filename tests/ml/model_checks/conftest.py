"""The income example, trained once: 16,281 real people of the census of 1994."""

from pathlib import Path

import polars as pl
import pytest
import yaml

from domain.training.specs import TrainSpec
from ml.frames import scan
from ml.model_checks.subject import Subject
from ml.trainers.train import TrainedModel, train
from tests.ml.model_checks.told import model_of

INCOME = Path(__file__).parents[3] / "examples" / "income"


@pytest.fixture(scope="session")
def people() -> pl.DataFrame:
    return scan(INCOME / "adult.csv", "csv").collect()


@pytest.fixture(scope="session")
def curve() -> list[tuple[int, dict[str, float]]]:
    """The losses on the way, once `income` is trained."""
    return []


@pytest.fixture(scope="session")
def income(people: pl.DataFrame, curve: list[tuple[int, dict[str, float]]]) -> TrainedModel:
    spec = TrainSpec.model_validate(yaml.safe_load((INCOME / "train.yaml").read_text()))
    return train(people, spec, lambda step, losses: curve.append((step, losses)), lambda share, message: None)


@pytest.fixture(scope="session")
def subject(income: TrainedModel, curve: list[tuple[int, dict[str, float]]]) -> Subject:
    """The model on its test rows, which have every column of the table."""
    return Subject(model_of(income), income.part("test"), income.metrics, seed=0, curve=curve, seen_share=0.0)
