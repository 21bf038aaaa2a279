"""Hits of a search."""

from pydantic import BaseModel, ConfigDict, Field


class SearchHit(BaseModel):
    """Something that is called as was asked for."""

    model_config = ConfigDict(from_attributes=True)

    kind: str = Field(description="dataset, model, endpoint, experiment, pipeline, repository, run or promotion.")
    name: str = Field(description="Its name, or its id where it has none.")
    path: str = Field(description="Below `/api/v1/`.")
    detail: str


class SearchRead(BaseModel):
    """At most twenty hits, the closest first."""

    q: str
    hits: list[SearchHit]
