"""Orders of deployments."""

from typing import ClassVar

from domain.jobs.spec import JobSpec


class RollOut(JobSpec):
    """Load green beside blue, probe it with real rows, switch."""

    priority: ClassVar[int] = 10
    rollout_id: str


class PublishRoutes(JobSpec):
    """Write an endpoint's routes, as the database has them now, to the model store."""

    max_attempts: ClassVar[int] = 20
    priority: ClassVar[int] = 20
    endpoint: str


class LookUpPrediction(JobSpec):
    """Find one recorded prediction in the segments of the model store."""

    max_attempts: ClassVar[int] = 1
    priority: ClassVar[int] = 20
    prediction_id: str


class ReadPredictions(JobSpec):
    """Read the newest recorded predictions of one endpoint from the segments of the model store."""

    max_attempts: ClassVar[int] = 1
    priority: ClassVar[int] = 20
    endpoint: str


class CountQuality(JobSpec):
    """Join the ground truth known by now with what both versions of a rollout answered."""

    priority: ClassVar[int] = 10
    rollout_id: str
