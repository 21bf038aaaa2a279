"""Orders of batch predictions."""

from domain.jobs.spec import JobSpec


class PredictBatch(JobSpec):
    """Score what is left to score and put the parts together. `version_id` is the input, which is needed meanwhile."""

    batch_id: str
    version_id: str
