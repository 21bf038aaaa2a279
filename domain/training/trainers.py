"""The trainers by name, as plain data, so that the API can refuse a spec without loading any of them.

`ml.trainers.table` holds what they do; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Literal

from domain.errors import Invalid
from domain.registry.specs import Task

Kind = Literal["integer", "number"]


class UnknownTrainer(Invalid):
    code = "unknown_trainer"


class BadParameter(Invalid):
    code = "bad_parameter"


@dataclass(frozen=True)
class Param:
    """A number from `low` (or above `above`) to `high`; null or one of `words` as well, where those are named."""

    kind: Kind
    low: float | None = None
    high: float | None = None
    above: float | None = None
    nullable: bool = False
    words: tuple[str, ...] = ()

    @property
    def described(self) -> str:
        """Such as `an integer from 1 to 64 or null`."""
        bounds = (("from", self.low), ("above", self.above), ("up to", self.high))
        span = [f"{word} {bound:g}" for word, bound in bounds if bound is not None]
        number = " ".join(["an integer" if self.kind == "integer" else "a number", *span])
        return " or ".join([number, *map(repr, self.words), *(["null"] if self.nullable else [])])

    def takes(self, value: Any) -> bool:
        if value is None:
            return self.nullable
        if isinstance(value, str):
            return value in self.words
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        whole = isinstance(value, int) or value.is_integer()
        return (
            (whole or self.kind == "number")
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
        )


@dataclass(frozen=True)
class TrainerFacts:
    tasks: frozenset[Task]
    params: Mapping[str, Param]


_TABULAR: Final[frozenset[Task]] = frozenset({"classification", "regression"})
_TEXT: Final[frozenset[Task]] = frozenset({"text_classification"})
_STRENGTH: Final = Param("number", above=0, high=1e6)
_TREES: Final = Param("integer", low=1, high=5000)
_RATE: Final = Param("number", above=0, high=1)
_LEAF: Final = Param("integer", low=1, high=10_000)
_SOLVER_STEPS: Final = Param("integer", low=10, high=100_000)

TRAINERS: Final[Mapping[str, TrainerFacts]] = {
    "linear": TrainerFacts(_TABULAR, {"strength": _STRENGTH, "max_iter": _SOLVER_STEPS}),
    "random_forest": TrainerFacts(
        _TABULAR,
        {
            "n_estimators": Param("integer", low=1, high=2000),
            "max_depth": Param("integer", low=1, high=64, nullable=True),
            "min_samples_leaf": _LEAF,
            "max_features": Param("number", words=("sqrt", "log2")),
        },
    ),
    "gradient_boosting": TrainerFacts(
        _TABULAR,
        {
            "n_estimators": _TREES,
            "learning_rate": _RATE,
            "max_depth": Param("integer", low=1, high=16),
            "min_samples_leaf": _LEAF,
            "subsample": _RATE,
        },
    ),
    "hist_gradient_boosting": TrainerFacts(
        _TABULAR,
        {
            "max_iter": _TREES,
            "learning_rate": _RATE,
            "max_leaf_nodes": Param("integer", low=2, high=1024),
            "min_samples_leaf": _LEAF,
        },
    ),
    "tfidf_logistic": TrainerFacts(
        _TEXT,
        {
            "max_features": Param("integer", low=10, high=1_000_000),
            "min_df": Param("integer", low=1, high=10_000),
            "strength": _STRENGTH,
            "max_iter": _SOLVER_STEPS,
        },
    ),
}


def refuse_unfit(trainer: str, task: Task, params: Mapping[str, Any]) -> None:
    """Raise `UnknownTrainer` or `BadParameter` when no trainer of that name does the task with such parameters."""
    facts = TRAINERS.get(trainer)
    fitting = [name for name, one in TRAINERS.items() if task in one.tasks]
    if facts is None:
        hint = near(trainer, TRAINERS) or f"For {task} there are {', '.join(fitting)}."
        raise UnknownTrainer(f"There is no trainer {trainer!r}.", where="trainer", fix=hint)
    if task not in facts.tasks:
        raise UnknownTrainer(f"{trainer} does not do {task}.", where="trainer", fix=f"Use one of {', '.join(fitting)}.")
    for name, value in params.items():
        param = facts.params.get(name)
        if param is None:
            hint = near(name, facts.params) or f"It has {', '.join(facts.params)}."
            raise BadParameter(f"{trainer} has no parameter {name!r}.", where=f"params.{name}", fix=hint)
        if not param.takes(value):
            raise BadParameter(f"{name} is {param.described}, not {value!r}.", where=f"params.{name}")


def near(name: str, known: Mapping[str, Any] | list[str]) -> str | None:
    """`Did you mean …?` when one of the known names is like this one."""
    matches = get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"Did you mean {', '.join(map(repr, matches))}?" if matches else None
