"""May this row be pinned to models with this signature? Pure."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.errors import Invalid, unknown
from domain.registry.specs import InputColumn, Label, Signature

_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "datetime": (str,),
}


class UnfitPin(Invalid):
    """The row is none that the model could be asked, or the answer none that it could give."""

    code = "unfit_pin"


def refuse_unfit(instance: Mapping[str, Any], expect: Label, within: float | None, signature: Signature) -> None:
    """Raise `UnfitPin` naming the column, or what is wrong with the answer."""
    columns = {column.name: column for column in signature.inputs}
    for name in instance:
        if name not in columns:
            hint = unknown("column", name, columns).fix
            raise UnfitPin(f"The model has no column {name!r}.", where=f"instance.{name}", fix=hint)
    for name, column in columns.items():
        if name not in instance:
            raise UnfitPin(
                f"Column {name!r} is missing.", where=f"instance.{name}", fix="Give every input of the model."
            )
        _refuse_value(column, instance[name])
    if signature.task == "regression":
        _refuse_number(expect, within)
    elif within is not None:
        raise UnfitPin("A label is right or wrong: `within` is for numbers.", where="within")
    elif not any(type(expect) is type(label) and expect == label for label in signature.classes):
        classes = ", ".join(map(repr, signature.classes))
        raise UnfitPin(f"{expect!r} is no answer of this model.", where="expect", fix=f"It answers {classes}.")


def _refuse_value(column: InputColumn, value: Any) -> None:
    where = f"instance.{column.name}"
    if value is None:
        if not column.nullable:
            raise UnfitPin(f"Column {column.name!r} may not be null.", where=where)
        return
    fits = isinstance(value, _TYPES[column.type]) and isinstance(value, bool) == (column.type == "boolean")
    if fits and column.type == "datetime":
        fits = _is_time(value)
    if not fits:
        raise UnfitPin(f"Column {column.name!r} takes {column.type}, not {value!r}.", where=where)


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _refuse_number(expect: Label, within: float | None) -> None:
    if isinstance(expect, bool | str) or not math.isfinite(expect):
        raise UnfitPin(f"The model answers numbers, not {expect!r}.", where="expect")
    if within is None:
        fix = "Say how close the answer must be, in the unit of the target."
        raise UnfitPin("No model answers a number exactly.", where="within", fix=fix)
