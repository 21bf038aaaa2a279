"""Which columns a batch prediction reads and writes. Pure; asked when it is ordered and again when it is done."""

from collections.abc import Sequence

from domain.batch_predictions.specs import BatchAsk
from domain.errors import Conflict, Invalid, unknown
from domain.registry.specs import Label, Signature

PREDICTION = "prediction"
ERROR = "prediction_error"


class MissingColumns(Invalid):
    """The dataset version lacks columns that the model needs."""

    code = "missing_columns"


class UnknownColumn(Invalid):
    code = "unknown_column"


class ColumnTaken(Invalid):
    """A column that goes along has the name of an answer."""

    code = "column_taken"


class OtherSchema(Conflict):
    """The versions of the target dataset have other columns than the answers would."""

    code = "other_schema"


def kept_columns(columns: Sequence[str], signature: Signature, ask: BatchAsk) -> list[str]:
    """The columns of the version that go along, in its order. Raises MissingColumns, UnknownColumn or ColumnTaken."""
    missing = [column.name for column in signature.inputs if column.name not in columns]
    if missing:
        near = [hint for name in missing[:5] if (hint := unknown("column", name, columns).fix)]
        raise MissingColumns(
            f"{ask.dataset!r} lacks {', '.join(map(repr, missing[:20]))}, which the model asks for.",
            where="dataset",
            fix=near[0] if near else None,
        )
    for name in ask.keep or ():
        if name not in columns:
            absent = unknown("column", name, columns)
            raise UnknownColumn(f"{ask.dataset!r} has no column {name!r}.", where="keep", fix=absent.fix)
    kept = [name for name in columns if ask.keep is None or name in ask.keep]
    for name in answer_columns(signature, ask):
        if name in kept:
            raise ColumnTaken(
                f"The column {name!r} of {ask.dataset!r} has the name of an answer.",
                where="keep",
                fix="Name the columns to keep, without this one.",
            )
    return kept


def answer_columns(signature: Signature, ask: BatchAsk) -> list[str]:
    """The columns that the answers are written in: the prediction, a probability for each class, and the error."""
    probabilities = [probability_column(label) for label in signature.classes]
    return [PREDICTION, *probabilities, *([ERROR] if ask.on_bad_row == "null" else [])]


def probability_column(label: Label) -> str:
    return f"probability_{str(label).lower() if isinstance(label, bool) else label}"


def refuse_other_schema(into: str, number: int, standing: Sequence[str], columns: Sequence[str]) -> None:
    """Versions of one dataset have the same columns: what reads its newest one counts on that."""
    if set(standing) != set(columns):
        lost = [name for name in standing if name not in columns]
        new = [name for name in columns if name not in standing]
        told = [f"{what} {', '.join(map(repr, names[:5]))}" for what, names in (("no", lost), ("also", new)) if names]
        raise OtherSchema(
            f"Version {number} of {into!r} has other columns: the answers would have {' and '.join(told)}.",
            where="into",
            fix="Predict into another dataset, or choose the columns to `keep`.",
        )
