"""How steps of recipes refuse: with their number, the place in the order, and a near name where there is one."""

from typing import Any, get_args

import polars as pl
import pytest
from pydantic import ValidationError

from domain.datasets.specs import RecipeSource
from domain.datasets.steps import RecipeStep
from domain.errors import Invalid
from ml.frames import BadColumns, EmptyTable
from ml.predicates import BadExpression
from ml.recipes.kinds import KINDS
from ml.recipes.rows import StepRefused
from tests.ml.data.test_recipe_steps import PEOPLE, run

LONG = "9" * 20


@pytest.mark.parametrize(
    ("step", "kind", "at", "words"),
    [
        ({"step": "fill", "column": "agee", "value": 1}, BadColumns, "column", "no column 'agee'"),
        ({"step": "fill", "columns": ["age", "far"], "value": 1}, BadColumns, "columns.1", "no column 'far'"),
        ({"step": "fill", "column": "age", "value": "x"}, StepRefused, "value", "'age' is integer, which 'x' is not"),
        ({"step": "fill", "column": "age", "value": True}, StepRefused, "value", "which True is not"),
        ({"step": "fill", "column": "seen", "value": "soon"}, StepRefused, "value", "not an ISO date"),
        ({"step": "fill", "column": "city", "method": "mean"}, StepRefused, "column", "'city' is string, not a number"),
        ({"step": "clip", "column": "city", "min": 1}, StepRefused, "column", "not a number"),
        ({"step": "clip", "column": "age", "min": 1.2, "max": 1.8}, StepRefused, "column", "none lies within"),
        ({"step": "scale", "column": "paid"}, StepRefused, "column", "'paid' is boolean"),
        ({"step": "one_hot", "column": "fare"}, StepRefused, "column", "has no categories"),
        ({"step": "one_hot", "column": "city", "categories": [1]}, StepRefused, "categories", "which 1 cannot be"),
        ({"step": "replace", "column": "age", "values": {"x": 1}}, StepRefused, "values.x", "which 'x' is not"),
        ({"step": "replace", "column": "age", "values": {"1": "x"}}, StepRefused, "values.1", "which 'x' is not"),
        (
            {"step": "replace", "column": "id", "values": {"1": "x", "2": 2}, "others": "null"},
            StepRefused,
            "values",
            "more than one type",
        ),
        ({"step": "text", "column": "age"}, StepRefused, "column", "not text"),
        ({"step": "rename", "names": {"age": "id"}}, StepRefused, "names.age", "two columns would be called 'id'"),
        ({"step": "rename", "names": {"ag": "x"}}, BadColumns, "names.ag", "no column 'ag'"),
        (
            {"step": "replace", "column": "age", "values": {"9" * 20: 1}},
            StepRefused,
            f"values.{'9' * 20}",
            "is integer",
        ),
        ({"step": "drop", "columns": PEOPLE.columns}, StepRefused, "columns", "no column would be left"),
        ({"step": "drop_duplicates", "keys": ["id", "nam"]}, BadColumns, "keys.1", "no column 'nam'"),
        ({"step": "filter", "where": "age > AVG(age)"}, BadExpression, "where", "more than its own row"),
        ({"step": "filter", "where": "age + 1"}, BadExpression, "where", "not true or false"),
        ({"step": "filter", "where": "age > 1000"}, EmptyTable, None, "leaves no rows"),
        ({"step": "derive", "name": "x", "expression": "CAST(city AS INTEGER)"}, StepRefused, None, "conversion"),
        ({"step": "join", "version": "cities@1", "on": ["town"]}, BadColumns, "on.0", "no column 'town'"),
        ({"step": "join", "version": "cities@1", "on": {"city": "town"}}, BadColumns, "on.city", "with cities@1"),
        ({"step": "join", "version": "cities@1", "on": {"id": "city"}}, StepRefused, "on.id", "'city' of cities@1 is"),
        (
            {"step": "aggregate", "by": ["id"], "aggregates": {"x": {"function": "mean", "column": "city"}}},
            StepRefused,
            "aggregates.x.column",
            "of which there is no mean",
        ),
        (
            {"step": "aggregate", "by": ["id"], "aggregates": {"id": {"function": "count"}}},
            StepRefused,
            "aggregates.id",
            "column of `by`",
        ),
    ],
)
def test_a_refusal_names_the_step_and_its_place(
    step: dict[str, Any], kind: type[Invalid], at: str | None, words: str
) -> None:
    first = {"step": "filter", "where": "id > 0"}
    with pytest.raises(kind, match=words) as refused:
        run(first, step)
    assert refused.value.message.startswith(f"Step 2 ({step['step']})")
    assert refused.value.where == ("source.steps.1" if at is None else f"source.steps.1.{at}")


def test_nothing_can_be_learned_from_no_values() -> None:
    table = pl.DataFrame({"x": pl.Series([None, None], dtype=pl.Float64), "y": [1, 2]})
    for step in ({"step": "fill", "method": "mean"}, {"step": "scale"}, {"step": "clip", "quantiles": [0, 1]}):
        with pytest.raises(StepRefused, match="'x' has no values to learn from"):
            run({**step, "column": "x"}, table=table)


def test_near_names_are_told() -> None:
    with pytest.raises(BadColumns) as refused:
        run({"step": "drop", "columns": ["citty"]})
    assert refused.value.fix == "Did you mean 'city'?"


@pytest.mark.parametrize(
    "step",
    [
        {"step": "fill", "column": "a", "columns": ["b"], "value": 1},
        {"step": "fill", "value": 1},
        {"step": "fill", "column": "a"},
        {"step": "fill", "column": "a", "method": "mean", "value": 1},
        {"step": "fill", "column": "a", "value": float("inf")},
        {"step": "clip", "column": "a"},
        {"step": "clip", "column": "a", "min": 2, "max": 1},
        {"step": "clip", "column": "a", "min": 1, "quantiles": [0, 1]},
        {"step": "clip", "column": "a", "quantiles": [0, 1.5]},
        {"step": "select", "columns": ["a", "b", "a"]},
        {"step": "drop_duplicates", "keys": ["a", "a"]},
        {"step": "sample"},
        {"step": "sample", "share": 1},
        {"step": "sample", "rows": 1, "seed": -1},
        {"step": "aggregate", "by": ["a"], "aggregates": {"x": {"function": "sum"}}},
        {"step": "aggregate", "by": [], "aggregates": {"x": {"function": "count"}}},
        {"step": "join", "version": "a b", "on": ["a"]},
        {"step": "nothing"},
    ],
)
def test_a_step_that_says_too_little_or_too_much_is_none(step: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RecipeSource.model_validate({"concat": ["a"], "steps": [step]})


def test_every_step_is_carried_out_and_what_may_learn_can() -> None:
    specs = {spec.model_fields["step"].default: spec for spec in get_args(get_args(RecipeStep)[0])}
    assert set(KINDS) == set(specs)
    for name, spec in specs.items():
        assert ("learns" in vars(spec)) == (KINDS[name].learn is not None), name
