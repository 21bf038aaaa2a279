"""Orders of webhooks."""

from typing import ClassVar

from domain.jobs.spec import JobSpec


class DeliverWebhook(JobSpec):
    """Send one delivery. Sixteen attempts, the pauses doubling up to five minutes: three quarters of an hour in all."""

    max_attempts: ClassVar[int] = 16
    # Whoever waits for a training is served first.
    priority: ClassVar[int] = -10
    delivery_id: str
