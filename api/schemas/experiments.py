"""Experiments as clients see them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from domain.datasets.specs import Name


class ExperimentCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    description: str = Field(default="", max_length=2000)


class ExperimentRead(BaseModel):
    name: str
    description: str
    runs: int
    created_by: str
    created_at: datetime
