"""One prediction explained: what each feature, or each word of a text, contributed."""

from typing import Literal

from pydantic import Field

from domain.datasets.specs import Spec

ExplanationMethod = Literal["shapley_exact", "shapley_sampled", "ablation"]


class Contribution(Spec):
    """`feature` is a column, or a word; `value` is what the row held."""

    feature: str
    value: str | float | int | bool | None = None
    contribution: float
    standard_error: float | None = Field(
        default=None, description="Of the contribution, by the background rows that were drawn; null for ablation."
    )


class Explanation(Spec):
    """What `prediction` is made of: of numbers the number itself, of classes the probability of the answered class.

    Shapley values add up to `prediction - base_value`; ablations, which take one word away at a time, do not.
    """

    prediction_id: str
    endpoint: str
    model: str
    version: int
    method: ExplanationMethod
    explains: str = Field(description="The target, or the class whose probability is explained.")
    prediction: float
    base_value: float = Field(description="The mean answer to the background rows, or the answer to no words at all.")
    contributions: list[Contribution] = Field(description="The largest first, whatever their sign.")
    background_rows: int = Field(description="Training rows that stand for a feature that is not known.")
    evaluations: int = Field(description="Rows that the model was asked.")
    seed: int
