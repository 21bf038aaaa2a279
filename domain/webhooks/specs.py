"""What an attempt came to, as a plain value."""

from datetime import datetime

from pydantic import Field

from domain.datasets.specs import Spec

ANSWER_BYTES = 1024
"""So much of an answer is kept."""


class Attempt(Spec):
    """One time that the receiver was asked. Without a status there was no answer, and `error` says why."""

    at: datetime
    status: int | None
    milliseconds: int
    answer: str = Field(default="", description="The first kilobyte.")
    error: str | None = None

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """Why it does not count as delivered, in a sentence."""
        return self.error or f"The receiver answered {self.status}."
