"""Registered models and their versions as clients see them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from domain.datasets.specs import Name, VersionRef
from domain.promotions.specs import Policy
from domain.registry.specs import Flavor, OutsideKind, OutsidePolicy, Package, TagKey, TagValue, Task
from domain.registry.states import VersionState


class ModelCreate(BaseModel):
    """A model without versions yet. A finished run with `model` makes one by itself."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    task: Task
    target: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2000)
    policy: Policy = Field(default=Policy(), description="Without gates nothing can become champion.")


LongText = Annotated[str, Field(max_length=20_000, pattern=r"^[^\x00]*$")]
Tags = Annotated[
    dict[TagKey, TagValue | None], Field(max_length=100, description="Merged with those there; null takes one away.")
]


class ModelUpdate(BaseModel):
    """What is absent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    description: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] | None = None
    intended_use: LongText | None = Field(default=None, description="For the model card: what it is for, by a person.")
    limits: LongText | None = Field(default=None, description="For the model card: what it is not for, by a person.")
    tags: Tags = {}
    outside_changes: OutsidePolicy | None = Field(
        default=None, description="When somebody moves an alias in MLflow: put it back, ask for a promotion, or tell."
    )


class VersionUpdate(BaseModel):
    """What is absent stays as it is."""

    model_config = ConfigDict(extra="forbid")

    description: LongText | None = None
    tags: Tags = {}


class OutsideChangeRead(BaseModel):
    """Something that others did in MLflow's registry. `found` is MLflow's number of a version, the others are ours."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: OutsideKind
    alias: str | None
    found: str | None
    number: int | None
    expected: int | None
    policy: OutsidePolicy
    who: str | None = Field(description="As MLflow tells; null where it does not.")
    changed_at: datetime | None
    seen_at: datetime
    note: str
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None


class ModelRead(BaseModel):
    """`policy_version` is the ETag for changing the policy, `revision` that for changing the rest.

    `versions` is their count; `changed_outside` has what others changed in MLflow, until it is gone or acknowledged.
    """

    name: str
    task: Task
    target: str
    description: str
    intended_use: str
    limits: str
    tags: dict[str, str]
    outside_changes: OutsidePolicy
    changed_outside: list[OutsideChangeRead]
    revision: int
    versions: int
    champion: int | None
    challenger: int | None
    aliases: dict[str, int]
    policy: Policy
    policy_version: int
    created_by: str
    created_at: datetime


class ModelVersionCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    run_id: str = Field(min_length=1, max_length=100)


class ModelImport(BaseModel):
    """An MLflow model that was trained elsewhere, and the rows with their truth that it is judged on."""

    model_config = ConfigDict(extra="forbid")

    mlflow: str = Field(
        max_length=500,
        pattern=r"^(runs:/[A-Za-z0-9_-]+/[A-Za-z0-9_./-]+|models:/[A-Za-z0-9_. -]+([/@][A-Za-z0-9_.-]+)?)$",
        description="`runs:/RUN/PATH`, `models:/NAME/3`, `models:/NAME@ALIAS` or `models:/m-…`.",
    )
    dataset: VersionRef = Field(description="Rows with the truth, frozen as they are now.")
    trained_on: VersionRef | None = Field(default=None, description="The data it was trained on, if it is here.")
    unseen: bool = Field(default=False, description="A person states that it was not trained on `dataset`.")
    experiment: Name = Field(default="imported", description="Takes the run; made if need be.")
    trust: bool = Field(default=False, description="Let the code that it carries run: admins only, and audited.")


def _way(body: Any) -> str:
    return "import" if isinstance(body, ModelImport) or (isinstance(body, dict) and "mlflow" in body) else "run"


NewVersion = Annotated[
    Annotated[ModelVersionCreate, Tag("run")] | Annotated[ModelImport, Tag("import")], Discriminator(_way)
]


class ModelVersionRead(BaseModel):
    """A finished run as a version; `package` says how it is served and why."""

    model: str
    number: int
    state: VersionState
    aliases: list[str]
    description: str
    tags: dict[str, str]
    overridden: bool = Field(description="An admin once put it past the gates; this never goes away.")
    run_id: str
    flavor: Flavor
    package: Package
    package_digest: str
    metrics: dict[str, float]
    created_by: str
    created_at: datetime


class RunOrigin(BaseModel):
    id: str
    experiment: str
    trainer: str
    params: dict[str, Any]
    seed: int
    code_commit: str | None
    mlflow_run_id: str
    created_by: str
    created_at: datetime


class DataOrigin(BaseModel):
    dataset: str
    number: int
    digest: str
    rows: int | None
    state: str


class ModelLineageRead(BaseModel):
    """Where a version comes from: the run, the data, the code, the environment and the package."""

    model: str
    number: int
    run: RunOrigin
    data: DataOrigin
    environment: dict[str, str]
    environment_digest: str
    package: Package
    package_digest: str
