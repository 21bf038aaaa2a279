"""The example of reviews: what its model can and cannot do, and that a model of shuffled labels gets nowhere."""

import polars as pl
import yaml

from domain.model_checks.specs import ModelCheckResult, ModelSuite
from domain.model_checks.verdict import judge
from domain.promotions.specs import Policy
from ml.model_checks.table import run_checks
from ml.models import Model
from tests.ml.model_checks.subjects import EXAMPLE, packaged, reviews, train_reviews

WEAK = {"negated blame is no blame", "three typos", "words that say nothing"}


def behave(model: Model, frame: pl.DataFrame) -> dict[str, ModelCheckResult]:
    suite = ModelSuite.model_validate(yaml.safe_load((EXAMPLE / "behaviour.yaml").read_text()))
    results = run_checks(suite.checks, model=model, frame=frame, metrics={}, seed=0, lexicons=suite.lexicons)
    return {result.name: result for result in results}


def test_the_policy_asks_for_the_suite() -> None:
    policy = Policy.model_validate(yaml.safe_load((EXAMPLE / "policy.yaml").read_text()))
    assert policy.suites() == ["behaviour"]


def test_the_trained_model_shows_its_strengths_and_its_weaknesses() -> None:
    results = behave(*reviews())
    assert judge(list(results.values())) == "pass"
    assert {name for name, result in results.items() if result.verdict != "pass"} == WEAK
    assert not any(result.vacuous for result in results.values())
    assert results["negated blame is no blame"].value == 0


def test_a_model_of_shuffled_labels_is_refused() -> None:
    frame = pl.read_csv(EXAMPLE / "sentences.csv")
    trained = train_reviews(frame.with_columns(pl.col("label").shuffle(seed=1)))
    results = behave(packaged(trained), trained.part("test"))
    assert judge(list(results.values())) == "fail"
    refused = {name for name, result in results.items() if result.verdict == "fail"}
    assert {"plain praise", "plain blame", "amazing becomes horrible", "praise becomes blame"} <= refused
