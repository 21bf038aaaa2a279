"""A pipeline as data: what to build, train, check, promote and deploy, and what sets it off."""

from typing import Annotated, Literal

from pydantic import Field

from domain.datasets.specs import Name, Source, Spec
from domain.training.specs import TrainSpec


class NewVersionTrigger(Spec):
    on: Literal["dataset_version"] = "dataset_version"
    dataset: Name


class DriftTrigger(Spec):
    on: Literal["drift"] = "drift"
    endpoint: Name


class ScheduleTrigger(Spec):
    on: Literal["schedule"] = "schedule"
    every_seconds: float = Field(ge=60)


Trigger = Annotated[NewVersionTrigger | DriftTrigger | ScheduleTrigger, Field(discriminator="on")]


class BuildStep(Spec):
    """Make the next version of `dataset` from `source` and check it; without one, take the newest validated version."""

    dataset: Name
    source: Source | None = None


class PipelineSpec(Spec):
    """build -> (evaluation) -> train -> check model -> promote -> deploy; gate and endpoint come from the model.

    `evaluation` builds a second dataset (for example of labelled traffic) that the champion gate may name in `on`.
    """

    build: BuildStep
    evaluation: BuildStep | None = None
    train: TrainSpec
    model: Name
    promote: bool = True
    triggers: list[Trigger] = []
