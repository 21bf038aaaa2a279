"""Orders of training."""

from domain.jobs.spec import JobSpec


class TrainModel(JobSpec):
    """Train the run, package it, log it to MLflow and record what it came to."""

    # Enough for a tracking server that takes half a minute to come back.
    max_attempts = 5

    run_id: str
