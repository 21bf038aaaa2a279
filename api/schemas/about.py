"""What this installation is made of, and whether its parts answer. No address and no secret is in it."""

from datetime import datetime

from pydantic import BaseModel, Field


class PartRead(BaseModel):
    """A part that was asked just now; `error` says why it did not answer."""

    reachable: bool
    error: str | None
    milliseconds: float | None = Field(description="How long its answer took.")


class DatabaseRead(PartRead):
    kind: str = Field(description="sqlite or postgresql.")
    revision: str | None = Field(description="The migration that the tables are at.")
    newest_revision: str | None = Field(description="The newest migration of this version; null when not known here.")


class BrokerRead(PartRead):
    waiting: int | None = Field(description="Messages that wait for a worker.")


class StorePartRead(PartRead):
    name: str = Field(description="`data`, or `models`, from which serving lives.")
    kind: str = Field(description="local, s3, gs, az, gdrive or memory.")


class WorkersRead(BaseModel):
    """Who works: the processes that answered, and when the tick came round, by which things happen by themselves."""

    answering: list[str] | None = Field(description="Null when the broker does not answer.")
    last_tick_at: datetime | None
    last_tick_age_seconds: float | None
    tick_seconds: float = Field(description="How often it should come.")
    queued_jobs: int | None
    running_jobs: int | None


class LimitsRead(BaseModel):
    """What clients should know before they are refused."""

    max_body_bytes: int
    max_upload_bytes: int
    max_upload_files: int
    max_page: int


class AboutRead(BaseModel):
    version: str
    python: str
    server_time: datetime = Field(description="Compare it with yours: tokens and schedules go by this clock.")
    database: DatabaseRead
    broker: BrokerRead
    stores: list[StorePartRead]
    mlflow: PartRead
    workers: WorkersRead
    limits: LimitsRead
