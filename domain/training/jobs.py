"""Orders of training, and of taking in what was trained elsewhere."""

from domain.jobs.spec import JobSpec


class TrainModel(JobSpec):
    """Train the run, package it, log it to MLflow and record what it came to."""

    # Enough for a tracking server that takes half a minute to come back.
    max_attempts = 5

    run_id: str


class EndTracking(JobSpec):
    """Tell MLflow that a run which it was told of while it ran came to nothing."""

    max_attempts = 5

    run_id: str
    mlflow_run_id: str
    cancelled: bool


class ImportModel(JobSpec):
    """Make an MLflow model a run, packaged, and by that a version of the model `model`."""

    max_attempts = 5

    run_id: str
    model: str
    mlflow: str
    dataset_version_id: str
    trained_on_version_id: str | None
    unseen: bool
    experiment: str
    trust: bool
