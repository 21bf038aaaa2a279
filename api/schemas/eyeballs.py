"""Eyeballs as clients see them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.eyeballs.specs import EyeballAsk, RowKind, SeenRow


class NoteWrite(BaseModel):
    """What is the matter with a row: the model is wrong, the label is wrong, nobody can tell, or all is well."""

    model_config = ConfigDict(extra="forbid")

    finding: Literal["model_wrong", "label_wrong", "ambiguous", "fine"]
    text: str = Field(default="", max_length=2_000)


class NoteRead(NoteWrite):
    model_config = ConfigDict(extra="ignore", from_attributes=True)

    row: str
    noted_at: datetime
    noted_by: str


class ShownRow(SeenRow):
    """A row with what people said of it, and the pin that holds it."""

    note: NoteRead | None
    pin_id: str | None


class EyeballRead(BaseModel):
    """Rows by kind, the most telling first. `rows` to `kinds` are null until the job has ended."""

    id: str
    model: str
    version: int
    against_version: int | None
    question: EyeballAsk
    job_id: str
    asked_at: datetime
    asked_by: str
    rows: int | None
    mistakes: int | None
    disagreements: int | None
    kinds: dict[RowKind, list[ShownRow]] | None
    notes: list[str]
