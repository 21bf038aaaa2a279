"""Orders of reproductions."""

from domain.jobs.spec import JobSpec


class ReproduceRun(JobSpec):
    """Train the run again and compare."""

    # As long as a training: MLflow may be away.
    max_attempts = 5

    reproduction_id: str
