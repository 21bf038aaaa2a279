"""Registered models and their versions as clients see them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.datasets.specs import Name
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


class ModelVersionRead(BaseModel):
    """A finished run as a version; `package` says how it is served and why."""

    model: str
    number: int
    state: VersionState
    aliases: list[str]
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
