"""Orders of monitoring."""

from typing import ClassVar

from domain.jobs.spec import JobSpec


class ComputeWindow(JobSpec):
    """Compare a window of traffic with the training reference, and with its ground truth as far as it is known."""

    window_id: str


class TidyPredictions(JobSpec):
    """Make one segment of the many of an hour, and delete those that are older than their endpoint keeps them."""

    priority: ClassVar[int] = -10
