"""Registered models and their versions as clients see them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from domain.datasets.specs import Name, VersionRef
from domain.promotions.specs import Policy
from domain.registry.specs import Flavor, Package, Task
from domain.registry.states import VersionState


class ModelCreate(BaseModel):
    """A model without versions yet. A finished run with `model` makes one by itself."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    task: Task
    target: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2000)
    policy: Policy = Field(default=Policy(), description="Without gates nothing can become champion.")


class ModelRead(BaseModel):
    """`versions` is their count; `policy_version` is the ETag for changing the policy."""

    name: str
    task: Task
    target: str
    description: str
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
