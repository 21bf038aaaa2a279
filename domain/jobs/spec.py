"""`JobSpec`: an order for later, as a typed payload. Each noun defines its own in its `jobs.py`."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class JobSpec(BaseModel):
    """What to do, by ids and plain values. The class name is the kind; fields are only ever added, with a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_attempts: ClassVar[int] = 3
    priority: ClassVar[int] = 0

    @classmethod
    def kind(cls) -> str:
        return cls.__name__
