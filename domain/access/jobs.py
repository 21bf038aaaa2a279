"""Orders of access."""

from domain.jobs.spec import JobSpec


class PublishAccess(JobSpec):
    """Write the hashed tokens that may predict to the model store, for serving."""

    max_attempts = 10
    priority = 10
