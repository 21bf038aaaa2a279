"""What a finished run leaves behind, as plain values. Made by the training handler."""

from typing import Any

from pydantic import Field

from domain.datasets.specs import Spec


class RunOutcome(Spec):
    """All that is recorded of a run when it finishes. Digests name objects of the data store or the model store."""

    metrics: dict[str, float] = Field(description="Final values: `train_mae`, `validation_loss`, `test_auc` and so on.")
    importances: dict[str, float] = Field(default={}, description="Share of each feature, where the trainer tells.")
    environment: dict[str, str]
    environment_digest: str
    mlflow_run_id: str
    mlflow_model_uri: str | None
    package: dict[str, Any] = Field(description="`package.json`, see `domain.registry.specs.Package`.")
    package_digest: str
    train_rows_md5: str = Field(description="64-bit hashes of the training rows, inputs and target, little-endian.")
    train_inputs_md5: str = Field(default="", description="The same of their inputs alone, whatever their label.")
    test_rows_md5: str = Field(description="Parquet: the frozen test rows: inputs, target, other columns.")
    reference_md5: str = Field(description="Parquet: a sample of training rows with the model's `(prediction)`.")
    profile_html_md5: str | None = Field(default=None, description="The sampled profile, as a page.")
    profile_speedscope_md5: str | None = Field(default=None, description="The same for speedscope.")
    profile_text_md5: str | None = Field(default=None, description="The same as a tree of text.")
    notes: list[str] = Field(default=[], description="What the trainer warned of.")
    curve: list[tuple[int, dict[str, float]]] = Field(
        default=[],
        description="(step, train_loss and validation_loss) on the way, where the trainer tells; at most 50.",
    )
