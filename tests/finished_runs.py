"""Runs that finished without a training, for tests of what is decided about them."""

from typing import Final

from domain.datasets import service as datasets
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import DatasetVersion
from domain.datasets.specs import UploadSource
from domain.db import WriteSession, new_id
from domain.experiments import service as experiments
from domain.experiments.specs import RunOutcome
from domain.jobs import service as jobs
from domain.training.jobs import TrainModel

OUTCOME: Final = RunOutcome(
    metrics={"test_mae": 1.0},
    environment={"python": "3.11"},
    environment_digest="e" * 64,
    mlflow_run_id="m",
    mlflow_model_uri="models:/m",
    package={"flavor": "onnx"},
    package_digest="p" * 64,
    train_rows_md5="1" * 32,
    train_inputs_md5="4" * 32,
    test_rows_md5="2" * 32,
    reference_md5="3" * 32,
)


def make_data(session: WriteSession) -> DatasetVersion:
    """Version 1 of a dataset `d`, of which nothing but the row exists."""
    datasets.create_dataset(session, name="d")
    entries = [ManifestEntry("d.csv", "a" * 32, 10)]
    return datasets.add_version(session, dataset="d", entries=entries, source=UploadSource())[0]


def finished_run(
    session: WriteSession, data: DatasetVersion, *, outcome: RunOutcome = OUTCOME, task: str = "regression"
) -> str:
    """The id of a new run of experiment `e` that predicts `y`, for the model `m`."""
    run_id = new_id()
    job = jobs.submit(session, TrainModel(run_id=run_id), subject=f"runs/{run_id}")
    experiments.create_run(
        session,
        run_id=run_id,
        job_id=job.id,
        experiment=experiments.ensure_experiment(session, name="e"),
        spec={"task": task, "target": "y", "model": "m"},
        trainer="linear",
        params={},
        seed=0,
        version=data,
        code_commit=None,
    )
    experiments.begin_run(session, run_id=run_id)
    experiments.finish_run(session, run_id=run_id, outcome=outcome)
    return run_id
