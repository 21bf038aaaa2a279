"""The trainers that the API knows are those of `ml`, down to the bounds of each parameter."""

from types import NoneType
from typing import Any, Literal, get_args, get_origin

import annotated_types
import pytest
from pydantic.fields import FieldInfo

from domain.registry.specs import Task
from domain.training.trainers import TRAINERS, BadParameter, Param, TrainerFacts, UnknownTrainer, refuse_unfit
from ml.trainers import table


def as_param(field: FieldInfo) -> Param:
    """The parameter that a pydantic field takes."""
    kinds = get_args(field.annotation) or (field.annotation,)
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    bounds: dict[str, Any] = {"low": None, "high": None, "above": None}
    for bound in field.metadata:
        match bound:
            case annotated_types.Ge(ge=value):
                bounds["low"] = value
            case annotated_types.Le(le=value):
                bounds["high"] = value
            case annotated_types.Gt(gt=value):
                bounds["above"] = value
            case _:
                raise AssertionError(f"{bound} is a bound the API does not know")
    kind: Literal["integer", "number"] = "integer" if int in kinds else "number"
    return Param(kind, nullable=NoneType in kinds, words=tuple(words), **bounds)


def test_the_table_is_that_of_ml() -> None:
    expected = {
        name: TrainerFacts(
            trainer.tasks, {param: as_param(field) for param, field in trainer.params.model_fields.items()}
        )
        for name, trainer in table.TRAINERS.items()
    }
    assert expected == TRAINERS


@pytest.mark.parametrize("name", table.TRAINERS)
def test_takes_the_defaults_of_every_trainer(name: str) -> None:
    trainer = table.TRAINERS[name]
    defaults = trainer.params().model_dump()
    for task in trainer.tasks:
        refuse_unfit(name, task, defaults)


@pytest.mark.parametrize(
    ("trainer", "task", "where", "fix"),
    [
        ("gradient_bosting", "regression", "trainer", "Did you mean 'gradient_boosting', 'hist_gradient_boosting'?"),
        ("svm", "text_classification", "trainer", "For text_classification there are tfidf_logistic."),
        ("linear", "text_classification", "trainer", "Use one of tfidf_logistic."),
        ("tfidf_logistic", "classification", "trainer", f"Use one of {', '.join(list(table.TRAINERS)[:4])}."),
    ],
)  # fmt: skip
def test_refuses_a_trainer_that_is_none_or_does_another_task(trainer: str, task: Task, where: str, fix: str) -> None:
    with pytest.raises(UnknownTrainer) as refused:
        refuse_unfit(trainer, task, {})
    assert (refused.value.where, refused.value.fix) == (where, fix)


@pytest.mark.parametrize(
    ("params", "where", "message"),
    [
        ({"n_estimator": 3}, "params.n_estimator", "random_forest has no parameter 'n_estimator'."),
        ({"n_estimators": "many"}, "params.n_estimators", "n_estimators is an integer from 1 up to 2000, not 'many'."),
        ({"n_estimators": 0}, "params.n_estimators", "n_estimators is an integer from 1 up to 2000, not 0."),
        ({"n_estimators": 2.5}, "params.n_estimators", "n_estimators is an integer from 1 up to 2000, not 2.5."),
        ({"n_estimators": True}, "params.n_estimators", "n_estimators is an integer from 1 up to 2000, not True."),
        ({"n_estimators": [1]}, "params.n_estimators", "n_estimators is an integer from 1 up to 2000, not [1]."),
        ({"n_estimators": None}, "params.n_estimators", "n_estimators is an integer from 1 up to 2000, not None."),
        ({"max_depth": 65}, "params.max_depth", "max_depth is an integer from 1 up to 64 or null, not 65."),
        ({"max_features": "all"}, "params.max_features", "max_features is a number or 'sqrt' or 'log2', not 'all'."),
    ],
)
def test_refuses_a_parameter_naming_it(params: dict[str, Any], where: str, message: str) -> None:
    with pytest.raises(BadParameter) as refused:
        refuse_unfit("random_forest", "regression", params)
    assert (refused.value.where, refused.value.message) == (where, message)


def test_says_which_parameter_was_meant() -> None:
    with pytest.raises(BadParameter) as refused:
        refuse_unfit("random_forest", "regression", {"n_estimator": 3})
    assert refused.value.fix == "Did you mean 'n_estimators'?"
    with pytest.raises(BadParameter) as refused:
        refuse_unfit("linear", "regression", {"gamma": 3})
    assert refused.value.fix == "It has strength, max_iter."


@pytest.mark.parametrize(
    "params", [{"max_depth": None}, {"max_features": "sqrt"}, {"max_features": 0.5}, {"n_estimators": 10.0}]
)
def test_takes_a_parameter_of_each_kind(params: dict[str, Any]) -> None:
    refuse_unfit("random_forest", "classification", params)
