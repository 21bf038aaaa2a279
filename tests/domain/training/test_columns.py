"""What a spec may ask of the columns of its data."""

from typing import Any

import pytest

from domain.datasets.specs import ColumnProfile, ColumnType, TableProfile
from domain.errors import Invalid
from domain.training.columns import BadFeatures, BadSplit, BadTarget, refuse_unfit
from domain.training.specs import TrainSpec


def column(name: str, kind: ColumnType, distinct: int = 9) -> ColumnProfile:
    return ColumnProfile(name=name, type=kind, nulls=0, distinct=distinct)


PROFILE = TableProfile(
    rows=10,
    columns=[
        column("count", "integer"),
        column("temp", "number"),
        column("season", "string"),
        column("day", "datetime"),
        column("same", "string", distinct=1),
        column("none", "number", distinct=0),
    ],
)


def spec(**changes: Any) -> TrainSpec:
    asked = {"dataset": "d", "trainer": "linear", "task": "regression", "target": "count"} | changes
    return TrainSpec.model_validate(asked)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"features": ["temp", "season", "day"], "categorical": ["season"]},
        {"task": "classification", "target": "season"},
        {"task": "text_classification", "target": "count", "features": ["season"]},
        {"split": {"method": "time", "column": "day"}},
    ],
)
def test_takes_what_fits(changes: dict[str, Any]) -> None:
    refuse_unfit(spec(**changes), PROFILE)


@pytest.mark.parametrize(
    ("changes", "kind", "where", "fix"),
    [
        ({"target": "cuont"}, BadTarget, "target", "Did you mean 'count'?"),
        ({"target": "xyz"}, BadTarget, "target", "There are count, temp, season, day, same, none."),
        ({"target": "none"}, BadTarget, "target", None),
        ({"target": "season"}, BadTarget, "target", "Classify it instead."),
        ({"target": "same", "task": "classification"}, BadTarget, "target", None),
        ({"features": ["tmp"]}, BadFeatures, "features.tmp", "Did you mean 'temp'?"),
        ({"features": ["temp", "count"]}, BadFeatures, "features.count", None),
        ({"features": []}, BadFeatures, "features", None),
        ({"categorical": ["sesson"]}, BadFeatures, "categorical.sesson", "Did you mean 'season'?"),
        ({"features": ["temp"], "categorical": ["season"]}, BadFeatures, "categorical.season", None),
        ({"task": "text_classification"}, BadFeatures, "features", "Name the column of text in `features`."),
        ({"split": {"method": "time", "column": "dya"}}, BadSplit, "split.column", "Did you mean 'day'?"),
    ],
)
def test_refuses_naming_the_field(changes: dict[str, Any], kind: type[Invalid], where: str, fix: str | None) -> None:
    with pytest.raises(kind) as refused:
        refuse_unfit(spec(**changes), PROFILE)
    assert (refused.value.where, refused.value.fix) == (where, fix)
