"""Orders of verifications."""

from typing import ClassVar

from domain.jobs.spec import JobSpec


class VerifyStore(JobSpec):
    """Read what the verification is about, and hash it again."""

    priority: ClassVar[int] = -5
    verification_id: str
