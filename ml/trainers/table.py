"""The table of trainers: their names, tasks and parameters, and how each builds its pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from domain.errors import Invalid, said_of
from domain.registry.specs import Task
from ml.trainers.features import Columns, for_linear, for_trees
from ml.values import did_you_mean

TABULAR: Final[frozenset[Task]] = frozenset({"classification", "regression"})
TEXT: Final[frozenset[Task]] = frozenset({"text_classification"})


class UnknownTrainer(Invalid):
    code = "unknown_trainer"


class BadParameter(Invalid):
    code = "bad_parameter"


class Params(BaseModel):
    """Base of a trainer's parameters: unknown names are refused, every one has a default and bounds."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LinearParams(Params):
    """Ridge regression, or logistic regression by the same name."""

    strength: float = Field(default=1.0, gt=0, le=1e6, description="Regularisation; higher is simpler.")
    max_iter: int = Field(default=1000, ge=10, le=100_000)


class ForestParams(Params):
    n_estimators: int = Field(default=100, ge=1, le=2000)
    max_depth: int | None = Field(default=16, ge=1, le=64)
    min_samples_leaf: int = Field(default=5, ge=1, le=10_000)
    max_features: float | Literal["sqrt", "log2"] = Field(default=1.0, description="Share of features tried per split.")


class BoostingParams(Params):
    n_estimators: int = Field(default=200, ge=1, le=5000)
    learning_rate: float = Field(default=0.1, gt=0, le=1)
    max_depth: int = Field(default=5, ge=1, le=16)
    min_samples_leaf: int = Field(default=20, ge=1, le=10_000)
    subsample: float = Field(default=1.0, gt=0, le=1)


class HistBoostingParams(Params):
    max_iter: int = Field(default=200, ge=1, le=5000)
    learning_rate: float = Field(default=0.1, gt=0, le=1)
    max_leaf_nodes: int = Field(default=31, ge=2, le=1024)
    min_samples_leaf: int = Field(default=20, ge=1, le=10_000)


class TextParams(Params):
    max_features: int = Field(default=20_000, ge=10, le=1_000_000, description="Words kept, the most frequent first.")
    min_df: int = Field(default=1, ge=1, le=10_000, description="Texts a word must occur in.")
    strength: float = Field(default=0.1, gt=0, le=1e6, description="Regularisation; higher is simpler.")
    max_iter: int = Field(default=1000, ge=10, le=100_000)


@dataclass(frozen=True)
class Trainer:
    """`estimator` makes the last step for (params, task, seed), `features` the one before it.

    `converts` is what is expected of the ONNX export; what is served rests on the measured agreement alone.
    """

    name: str
    tasks: frozenset[Task]
    params: type[Params]
    features: Callable[[Any, Columns], ColumnTransformer]
    estimator: Callable[[Any, Task, int], Any]
    converts: bool = True

    def read_params(self, given: dict[str, Any]) -> Params:
        """Validated parameters. Raises `BadParameter` naming the parameter, with a near match if it does not exist."""
        for name in given:
            if name not in self.params.model_fields:
                known = self.params.model_fields
                raise BadParameter(
                    f"{self.name} has no parameter {name!r}.",
                    where=f"params.{name}",
                    fix=did_you_mean(name, known) or f"It has {', '.join(known)}.",
                )
        try:
            return self.params.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise BadParameter(f"{first['loc'][0]}: {said_of(first)}.", where=f"params.{first['loc'][0]}") from None

    def build(self, params: Params, task: Task, seed: int, columns: Columns) -> Pipeline:
        """An unfitted pipeline for a table laid out as `columns`."""
        return Pipeline([("features", self.features(params, columns)), ("model", self.estimator(params, task, seed))])


def _linear(params: LinearParams | TextParams, task: Task, seed: int) -> Ridge | LogisticRegression:
    if task == "regression":
        return Ridge(alpha=params.strength, random_state=seed)
    return LogisticRegression(C=1 / params.strength, max_iter=params.max_iter, random_state=seed)


def _forest(params: ForestParams, task: Task, seed: int) -> RandomForestRegressor | RandomForestClassifier:
    kind = RandomForestRegressor if task == "regression" else RandomForestClassifier
    return kind(**params.model_dump(), random_state=seed)


def _boosting(params: BoostingParams, task: Task, seed: int) -> GradientBoostingRegressor | GradientBoostingClassifier:
    kind = GradientBoostingRegressor if task == "regression" else GradientBoostingClassifier
    return kind(**params.model_dump(), random_state=seed)


def _hist_boosting(
    params: HistBoostingParams, task: Task, seed: int
) -> HistGradientBoostingRegressor | HistGradientBoostingClassifier:
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    return kind(**params.model_dump(), early_stopping=False, random_state=seed)


def _words(params: TextParams, columns: Columns) -> ColumnTransformer:
    # Single words in the default pattern: with pairs of words the ONNX tokeniser disagrees.
    words = TfidfVectorizer(max_features=params.max_features, min_df=params.min_df)
    return ColumnTransformer([("words", words, columns.string_positions[0])])


TRAINERS: Final[dict[str, Trainer]] = {
    trainer.name: trainer
    for trainer in (
        Trainer("linear", TABULAR, LinearParams, lambda _, columns: for_linear(columns), _linear),
        Trainer("random_forest", TABULAR, ForestParams, lambda _, columns: for_trees(columns), _forest),
        Trainer("gradient_boosting", TABULAR, BoostingParams, lambda _, columns: for_trees(columns), _boosting),
        Trainer(
            "hist_gradient_boosting",
            TABULAR,
            HistBoostingParams,
            lambda _, columns: for_trees(columns, impute=False),
            _hist_boosting,
            converts=False,
        ),
        Trainer("tfidf_logistic", TEXT, TextParams, _words, _linear),
    )
}


def find_trainer(name: str, task: Task) -> Trainer:
    """The trainer of that name. Raises `UnknownTrainer` when there is none, or when it does not do the task."""
    fitting = [trainer.name for trainer in TRAINERS.values() if task in trainer.tasks]
    trainer = TRAINERS.get(name)
    if trainer is None:
        hint = did_you_mean(name, TRAINERS) or f"There are {', '.join(TRAINERS)}."
        raise UnknownTrainer(f"There is no trainer {name!r}.", where="trainer", fix=hint)
    if task not in trainer.tasks:
        raise UnknownTrainer(f"{name} does not do {task}.", where="trainer", fix=f"Use one of {', '.join(fitting)}.")
    return trainer
