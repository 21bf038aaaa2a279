"""A sweep's space against the trainer's parameters, and the points of it that are tried. Pure: chance has a seed."""

from collections.abc import Iterator, Mapping
from itertools import product
from math import exp, log, prod
from random import Random
from typing import Any

from domain.errors import Invalid
from domain.registry.metrics import METRICS
from domain.sweeps.specs import MOST_TRIALS, Range, SweepSpec
from domain.training.trainers import TRAINERS, BadParameter, Param, near

Point = dict[str, Any]
_DRAWS_PER_TRIAL = 50


class BadSpace(Invalid):
    """A range that holds nothing, or choices that are none."""

    code = "bad_space"


class TooManyTrials(Invalid):
    code = "too_many_trials"


class BadTrials(Invalid):
    """A number of trials where there is none to say, or none where one is needed."""

    code = "bad_trials"


class BadObjective(Invalid):
    """The metric is not one of the task, or not one to choose a model by."""

    code = "bad_objective"


def objective_of(spec: SweepSpec) -> str:
    """The objective's metric under the name that runs have for it: `validation_mae`. Raises `BadObjective`."""
    asked = spec.objective.metric
    fitting = [*METRICS[spec.base.task], "loss"]
    where = "objective.metric"
    if asked.startswith(("test_", "train_")):
        part = asked.partition("_")[0]
        told = (
            "The test rows are kept for the gates: a model chosen by them looks better than it is."
            if part == "test"
            else "By the training rows the trial wins that has learned them by heart."
        )
        raise BadObjective(told, where=where, fix=f"Name {asked.removeprefix(f'{part}_')}, of the validation rows.")
    bare = asked.removeprefix("validation_")
    if bare not in fitting:
        hint = near(bare, fitting) or f"There are {', '.join(fitting)}."
        raise BadObjective(f"{spec.base.task} has no metric {asked!r}.", where=where, fix=hint)
    return f"validation_{bare}"


def points_of(spec: SweepSpec) -> list[Point]:
    """The parameters of each trial, in the order of their turn. Raises a kind of `Invalid` that names the place."""
    params = TRAINERS[spec.base.trainer].params
    for name, values in spec.space.items():
        _refuse_unfit(spec.base.trainer, params, name, values)
    return _grid(spec, params) if spec.method == "grid" else _draws(spec, params)


def _refuse_unfit(trainer: str, params: Mapping[str, Param], name: str, values: list[Any] | Range) -> None:
    where = f"space.{name}"
    param = params.get(name)
    if param is None:
        hint = near(name, params) or f"It has {', '.join(params)}."
        raise BadParameter(f"{trainer} has no parameter {name!r}.", where=where, fix=hint)
    if isinstance(values, list):
        for place, value in enumerate(values):
            if not param.takes(value):
                raise BadParameter(f"{name} is {param.described}, not {value!r}.", where=f"{where}.{place}")
            if value in values[:place]:
                raise BadSpace(f"{value!r} is there twice.", where=f"{where}.{place}")
        return
    if values.min >= values.max:
        raise BadSpace(f"The range from {values.min:g} to {values.max:g} is empty.", where=f"{where}.min")
    if values.scale == "log" and values.min <= 0:
        raise BadSpace(f"A logarithmic range begins above 0, not at {values.min:g}.", where=f"{where}.min")
    for bound in ("min", "max"):
        value = getattr(values, bound)
        if not param.takes(value):
            raise BadParameter(f"{name} is {param.described}, not {value:g}.", where=f"{where}.{bound}")


def _grid(spec: SweepSpec, params: Mapping[str, Param]) -> list[Point]:
    if spec.trials is not None:
        raise BadTrials("A grid has as many trials as it has points.", where="trials", fix="Leave it out.")
    columns = {}
    for name, values in spec.space.items():
        if isinstance(values, Range):
            if values.points is None:
                fix = "Add `points`, or list the values."
                raise BadSpace("A grid asks how many values of a range to try.", where=f"space.{name}.points", fix=fix)
            shares = [place / (values.points - 1) for place in range(values.points)]
            columns[name] = list(dict.fromkeys(_at(values, params[name], share) for share in shares))
        else:
            columns[name] = values
    size = prod(map(len, columns.values()))
    if size > MOST_TRIALS:
        raise TooManyTrials(
            f"The grid has {size:,} points; a sweep has at most {MOST_TRIALS}.",
            where="space",
            fix="Try fewer values, or draw some of them with `method: random`.",
        )
    return [dict(zip(columns, point, strict=True)) for point in product(*columns.values())]


def _draws(spec: SweepSpec, params: Mapping[str, Param]) -> list[Point]:
    """As many different points as were asked for; fewer where the space does not seem to have more."""
    if spec.trials is None:
        raise BadTrials("How many trials to draw?", where="trials", fix="Name a number, or use `method: grid`.")
    found: list[Point] = []
    for point in _chance(spec, params):
        if point not in found:
            found.append(point)
        if len(found) == spec.trials:
            break
    return found


def _chance(spec: SweepSpec, params: Mapping[str, Param]) -> Iterator[Point]:
    random = Random(spec.seed)  # noqa: S311 - to search, not to keep a secret
    for _ in range(spec.trials or 0):
        for _ in range(_DRAWS_PER_TRIAL):
            yield {
                name: _at(values, params[name], random.random())
                if isinstance(values, Range)
                else values[random.randrange(len(values))]
                for name, values in spec.space.items()
            }


def _at(values: Range, param: Param, share: float) -> float | int:
    """The value of the range at a share of its way, on its scale."""
    if values.scale == "log":
        value = exp(log(values.min) + share * (log(values.max) - log(values.min)))
    else:
        value = values.min + share * (values.max - values.min)
    value = min(max(value, values.min), values.max)
    return round(value) if param.kind == "integer" else value
