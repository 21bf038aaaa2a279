"""Images as clients see them."""

from datetime import datetime

from pydantic import BaseModel

from domain.images.specs import PushedImage
from domain.jobs.states import JobState


class ImageRead(BaseModel):
    """What was asked for; `pushed` is null until the job has succeeded."""

    id: str
    model: str
    number: int
    job_id: str
    state: JobState
    target: str
    base: str
    platform: str
    endpoint: str
    pushed: PushedImage | None
    created_at: datetime
    created_by: str
    pushed_at: datetime | None
