"""Orders of monitoring."""

from domain.jobs.spec import JobSpec


class ComputeWindow(JobSpec):
    """Compare a window of traffic with the training reference, and with its ground truth as far as it is known."""

    window_id: str
