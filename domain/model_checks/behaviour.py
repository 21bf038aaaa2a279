"""Checks of how a version behaves when rows are changed in a way whose effect is known. Read from `specs`."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from domain.datasets.specs import Spec
from domain.model_checks.kinds import Check, RowsCheck, kind
from domain.registry.specs import Label

Direction = Literal["increase", "decrease", "not_increase", "not_decrease"]


class Typos(Spec):
    """Neighbouring letters swapped, in `count` words of each text."""

    kind: Literal["typos"]
    count: int = Field(default=1, ge=1, le=100)


class Case(Spec):
    """Letters made upper, lower or title case."""

    kind: Literal["case"]
    to: Literal["upper", "lower", "title"] = "lower"


class Punctuation(Spec):
    """Punctuation taken away from the end, or added where there is none."""

    kind: Literal["punctuation"]


class Append(Spec):
    """Words that say nothing of the matter, put before or after each text: one of `phrases` per row."""

    kind: Literal["append"]
    phrases: list[str] = Field(min_length=1)
    place: Literal["end", "start"] = "end"


class Replace(Spec):
    """Whole words replaced, capitals kept: `{amazing: horrible}`. Of a list or a `{lexicon}` one is drawn per row.

    A key with `{lexicon}` is each of its words, and the value may name it again: `{"is {good}": "is not {good}"}`. A
    lexicon replaced by itself, `{"{city}": "{city}"}`, is another one of its words.
    """

    kind: Literal["replace"]
    words: dict[Annotated[str, Field(min_length=1)], str | Annotated[list[str], Field(min_length=1)]] = Field(
        min_length=1
    )


class Noise(Spec):
    """Numbers moved by Gaussian noise of `scale` x their standard deviation; whole numbers stay whole."""

    model_config = ConfigDict(allow_inf_nan=False)

    kind: Literal["noise"]
    columns: list[str] | None = Field(default=None, description="Absent: every numeric input.")
    scale: float = Field(default=0.01, gt=0)


class Shift(Spec):
    """Numbers moved by a fixed amount, or by a factor."""

    model_config = ConfigDict(allow_inf_nan=False)

    kind: Literal["shift"]
    column: str
    by: float | None = None
    factor: float | None = None

    @model_validator(mode="after")
    def _one(self) -> "Shift":
        if (self.by is None) == (self.factor is None):
            raise ValueError("give by or factor")
        return self


class Shuffle(Spec):
    """Values exchanged between rows: an id, or anything else that should not matter."""

    kind: Literal["shuffle"]
    columns: list[str] = Field(min_length=1)


class Assign(Spec):
    """A column set to another value: to `values[v]` where it is `v` (as text, `"3"`, `"true"`), or to one value."""

    kind: Literal["assign"]
    column: str
    value: Label | None = None
    values: dict[str, Label] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Assign":
        if (self.value is None) == (self.values is None):
            raise ValueError("give value or values")
        return self


Change = Annotated[
    Typos | Case | Punctuation | Append | Replace | Noise | Shift | Shuffle | Assign, Field(discriminator="kind")
]


# The changes of one text; the others say themselves which columns they change.
OF_TEXTS = (Typos, Case, Punctuation, Append, Replace)


class Templates(Spec):
    """Texts made from templates: `The {thing} was {good}.` with words of the suite's lexicons, every combination.

    `limit` bounds how many; more are sampled evenly, the same ones each time.
    """

    texts: list[str] = Field(min_length=1)
    column: str | None = Field(default=None, description="The input that takes the text; absent, the only text input.")
    rest: dict[str, Any] = Field(default={}, description="Values of the other inputs.")
    limit: int = Field(default=500, ge=1, le=10_000)


class ToleranceCheck(RowsCheck):
    """Numeric inputs moved by `noise` x their standard deviation must not move the prediction much.

    Regression: the mean absolute move stays within `max_shift` x the spread of the predictions.
    Classification: at most `max_shift` of the labels change.
    """

    gate: Literal["tolerance"] = kind("tolerance")
    noise: float = Field(default=0.01, gt=0)
    max_shift: float = Field(default=0.05, ge=0)


class ExpectedRow(Spec):
    """A row every version must get right: the label, or a number within `within` of `expect`."""

    model_config = ConfigDict(allow_inf_nan=False)

    instance: dict[str, Any]
    expect: Label
    within: float | None = Field(default=None, ge=0)


class MinimumFunctionalityCheck(Check):
    """Rows or templates that every version must answer as expected, but for `1 - min_share` of them."""

    gate: Literal["minimum_functionality"] = kind("minimum_functionality")
    rows: list[ExpectedRow] = Field(default=[])
    templates: Templates | None = None
    expect: Label | None = Field(default=None, description="The answer to every template.")
    within: float | None = Field(default=None, ge=0)
    min_share: float = Field(default=1.0, gt=0, le=1)

    @model_validator(mode="after")
    def _some_row(self) -> "MinimumFunctionalityCheck":
        if not self.rows and self.templates is None:
            raise ValueError("give rows, templates or both")
        if (self.templates is None) != (self.expect is None):
            raise ValueError("templates need expect, the answer to all of them")
        return self


class ChangeCheck(RowsCheck):
    """What checks of a change have in common: the rows are frozen ones, or made from templates."""

    change: Change
    templates: Templates | None = None
    column: str | None = Field(default=None, description="The text that is changed; absent, the only text input.")
    output: Label | None = Field(default=None, description="The label whose probability is looked at.")

    @model_validator(mode="after")
    def _fits_together(self) -> "ChangeCheck":
        if self.templates is not None and self.where is not None:
            raise ValueError("where chooses among frozen rows, and templates make their own: give one of them")
        if self.column is not None and not isinstance(self.change, OF_TEXTS):
            raise ValueError(f"column names a text, and {self.change.kind} says itself which columns it changes")
        return self


class InvarianceCheck(ChangeCheck):
    """A change that should not matter moves at most `max_share` of the predictions by more than `max_move`.

    A move is a changed probability (0..1), of `output` or of the label given before; for regression a share of the
    predictions' spread. `max_move` absent: a changed label, or any move of more than 5 % of the spread.
    """

    gate: Literal["invariance"] = kind("invariance")
    max_move: float | None = Field(default=None, ge=0)
    max_share: float = Field(default=0.05, ge=0, le=1)

    @model_validator(mode="after")
    def _output_is_bounded(self) -> "InvarianceCheck":
        if self.output is not None and self.max_move is None:
            raise ValueError("output needs max_move: how far its probability may move")
        return self


class DirectionalCheck(ChangeCheck):
    """A change whose effect has a direction: at least `min_share` of the rows that it changes follow it.

    Looked at is the number, or the probability of the label `output`; moves smaller than `slack` count as none.
    """

    gate: Literal["directional"] = kind("directional")
    direction: Direction
    slack: float = Field(default=0.0, ge=0)
    min_share: float = Field(default=0.95, gt=0, le=1)
