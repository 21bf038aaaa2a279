"""What the specs of datasets are made of: their base, and the words for names, references and column types."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ColumnType = Literal["integer", "number", "string", "boolean", "datetime"]
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
VersionRef = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(@[1-9][0-9]{0,8})?$")]
PinnedRef = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}@[1-9][0-9]{0,8}$", description="One version: NAME@n.")
]


class Spec(BaseModel):
    """Base of all specs: unknown keys are refused, so that a typo is an error with a location."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def as_json(self) -> dict[str, Any]:
        """The spec as the database keeps it: NaN and infinities, which JSON does not have, are null."""
        value: dict[str, Any] = json.loads(self.model_dump_json())
        return value
