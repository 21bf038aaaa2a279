"""A spec against the columns of its dataset version: pure, on the profile that the data checks left.

What only the rows themselves can tell is left to `ml.trainers`.
"""

from collections.abc import Mapping

from domain.datasets.specs import ColumnProfile, TableProfile
from domain.errors import Invalid
from domain.training.specs import TrainSpec
from domain.training.trainers import near

_NUMERIC = frozenset({"integer", "number"})


class BadTarget(Invalid):
    code = "bad_target"


class BadFeatures(Invalid):
    code = "bad_features"


class BadSplit(Invalid):
    code = "bad_split"


def refuse_unfit(spec: TrainSpec, profile: TableProfile) -> None:
    """Raise an `Invalid` that names the field when `spec` asks for columns the table does not have, or cannot use."""
    columns = {column.name: column for column in profile.columns}
    _check_target(spec, columns)
    for name in spec.features or ():
        if name not in columns:
            raise BadFeatures(f"There is no column {name!r}.", where=f"features.{name}", fix=_hint(name, columns))
        if name == spec.target:
            raise BadFeatures(f"The target {name!r} cannot be a feature.", where=f"features.{name}")
    features = spec.features if spec.features is not None else [name for name in columns if name != spec.target]
    if not features:
        raise BadFeatures("There is no feature to learn from.", where="features")
    for name in spec.categorical:
        if name not in features:
            raise BadFeatures(
                f"{name!r} is not a feature.", where=f"categorical.{name}", fix=near(name, list(features))
            )
    if spec.task == "text_classification" and [columns[name].type for name in features] != ["string"]:
        fix = "Name the column of text in `features`."
        raise BadFeatures("A text classification takes one feature, a column of text.", where="features", fix=fix)
    if spec.split.column is not None and spec.split.column not in columns:
        what = f"There is no column {spec.split.column!r} to split by."
        raise BadSplit(what, where="split.column", fix=_hint(spec.split.column, columns))


def _check_target(spec: TrainSpec, columns: Mapping[str, ColumnProfile]) -> None:
    target = columns.get(spec.target)
    if target is None:
        what = f"There is no column {spec.target!r} to predict."
        raise BadTarget(what, where="target", fix=_hint(spec.target, columns))
    if target.distinct == 0:
        raise BadTarget(f"No row has a {spec.target!r}.", where="target")
    if spec.task == "regression" and target.type not in _NUMERIC:
        what = f"{spec.target!r} holds {target.type} values; a regression predicts numbers."
        raise BadTarget(what, where="target", fix="Classify it instead.")
    if spec.task != "regression" and target.distinct == 1:
        raise BadTarget(f"{spec.target!r} has one value in every row; there is nothing to tell apart.", where="target")


def _hint(name: str, columns: Mapping[str, ColumnProfile]) -> str:
    names = list(columns)
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return near(name, names) or f"There are {shown}."
