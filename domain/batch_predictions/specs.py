"""What a batch prediction is asked for, and what is told of the rows that the model did not take."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from domain.datasets.specs import Name, Spec, VersionRef

BatchEngine = Literal["auto", "local", "spark"]
ModelRef = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(@([1-9][0-9]{0,8}|[a-z][a-z0-9_-]{0,49}))?$",
        description="A version as NAME@n or NAME@alias; NAME alone is its champion.",
    ),
]
ColumnName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class BatchAsk(Spec):
    """Score `dataset` by a model version, or by what an endpoint's live version is now, into a version of `into`."""

    dataset: VersionRef
    model: ModelRef | None = None
    endpoint: Name | None = None
    into: Name = Field(description="The dataset that the rows with their answers become the next version of.")
    keep: list[ColumnName] | None = Field(
        default=None, max_length=1_000, description="Columns that go along with the answers; all of them if absent."
    )
    engine: BatchEngine = Field(default="auto", description="`auto` is `local`: in one worker, piece by piece.")
    on_bad_row: Literal["fail", "null"] = Field(
        default="fail",
        description="What a row does that the model cannot take: it ends the job, or has null for an answer and the"
        " reason in the column `prediction_error`.",
    )

    @model_validator(mode="after")
    def _by_one_of_them(self) -> "BatchAsk":
        if (self.model is None) == (self.endpoint is None):
            raise ValueError("name a `model` or an `endpoint`, and not both")
        return self


class BadRow(Spec):
    """A row that got no answer: its number in the version, from 0, and why."""

    row: int
    reason: str
