"""What to train, as data: the trainer, its parameters, the features and the split."""

from typing import Any, Literal

from pydantic import Field, model_validator

from domain.datasets.specs import Name, Spec, VersionRef


class SplitSpec(Spec):
    """Shares of the rows kept back. `time` sorts by `column` and takes validation and test from the end."""

    method: Literal["random", "stratified", "time"] = "random"
    column: str | None = Field(
        default=None, description="Required by `time`; `stratified` uses the target when absent."
    )
    validation: float = Field(default=0.15, gt=0, lt=0.5)
    test: float = Field(default=0.2, gt=0, lt=0.5)

    @model_validator(mode="after")
    def _time_needs_a_column(self) -> "SplitSpec":
        if self.method == "time" and self.column is None:
            raise ValueError("a split by time needs `column`")
        return self


class TrainSpec(Spec):
    """One training run. `features` absent means every column but the target."""

    dataset: VersionRef
    trainer: str = Field(description="A name of the trainer table, for example `gradient_boosting`.")
    task: Literal["classification", "regression", "text_classification"]
    target: str = Field(min_length=1, max_length=200)
    features: list[str] | None = None
    categorical: list[str] = Field(default=[], description="Numeric columns to treat as categories.")
    params: dict[str, Any] = {}
    split: SplitSpec = SplitSpec()
    seed: int = Field(default=0, ge=0, lt=2**31)
    model: Name | None = Field(default=None, description="Register the finished run as a version of this model.")
    force: bool = Field(default=False, description="Train on a rejected version all the same; audited.")
    code_commit: str | None = Field(
        default=None, max_length=64, description="Git commit of the code that asked, for lineage."
    )
