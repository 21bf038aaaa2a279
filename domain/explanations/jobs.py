"""Orders of explanations."""

from typing import ClassVar

from domain.jobs.spec import JobSpec


class ExplainPrediction(JobSpec):
    """Find the recorded prediction, and what each of its inputs contributed."""

    max_attempts: ClassVar[int] = 2
    priority: ClassVar[int] = 10
    prediction_id: str
