"""The package of a model version: what serving needs to answer, described in `package.json`.

A package lives in the model store under `packages/{digest}/`; its digest is the SHA-256 of `package.json`,
which lists every other file with its own SHA-256. The same model packs to the same digest.
"""

from typing import Annotated, Literal

from pydantic import Field

from domain.datasets.specs import ColumnType, Spec

Task = Literal["classification", "regression", "text_classification"]
Flavor = Literal["onnx", "python"]
Label = str | int | bool | float
OutsidePolicy = Literal["revert", "adopt", "flag"]
OutsideKind = Literal["alias", "version_unknown", "version_removed"]
TAG_KEY = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$"
TagKey = Annotated[str, Field(pattern=TAG_KEY)]
TagValue = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]


class InputColumn(Spec):
    """A column that a prediction row must carry; only `nullable` ones may be null.

    `category` marks a number, integer or boolean whose values are treated as names, not as amounts.
    """

    name: str
    type: ColumnType
    nullable: bool = False
    category: bool = False
    example: str | float | int | bool | None = None


class Signature(Spec):
    """What goes in (a table with these columns) and what comes out (a number, or one of `classes`)."""

    task: Task
    target: str
    inputs: list[InputColumn]
    classes: list[Label] = []


class Agreement(Spec):
    """How well the ONNX export agrees with the trained pipeline on `rows` real rows."""

    rows: int
    max_difference: float = Field(
        description="Largest absolute difference of a probability, or of a number relative to the target's spread."
    )
    label_agreement: float = Field(description="Share of rows with the same label (1.0 for regression).")
    tolerance: float
    holds: bool


class PackedFile(Spec):
    path: str
    sha256: str
    size: int


class Package(Spec):
    """`package.json`. With `flavor` python the MLflow model under `mlflow/` answers; `reason` says why not ONNX."""

    format: Literal[1] = 1
    flavor: Flavor
    reason: str
    signature: Signature
    agreement: Agreement | None
    run_id: str
    origin: Literal["run", "trusted_import"] | None = Field(
        default=None,
        description="Who answers for the code that loading it may run: a run of this control plane, or the admin who"
        " trusted it when it was imported. None: nobody, so it loads only if it runs none.",
    )
    files: list[PackedFile]
