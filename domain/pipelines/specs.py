"""A pipeline as data: what to build, train, check, promote and deploy, and what sets it off."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from domain.datasets.specs import LONGEST_SECONDS, Name, Source, Spec
from domain.training.specs import TrainSpec


class NewVersionTrigger(Spec):
    on: Literal["dataset_version"] = "dataset_version"
    dataset: Name


class DriftTrigger(Spec):
    on: Literal["drift"] = "drift"
    endpoint: Name


class ScheduleTrigger(Spec):
    on: Literal["schedule"] = "schedule"
    every_seconds: float = Field(ge=60, le=LONGEST_SECONDS)


class CodeTrigger(Spec):
    """Code of a followed repository changed: on `branch` (absent: any), in a file that one of the globs fits."""

    on: Literal["code"] = "code"
    repository: Name
    branch: str | None = Field(default=None, max_length=200)
    paths: list[Annotated[str, Field(min_length=1, max_length=512)]] = Field(default=[], max_length=100)


Trigger = Annotated[NewVersionTrigger | DriftTrigger | ScheduleTrigger | CodeTrigger, Field(discriminator="on")]


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

    @field_validator("train")
    @classmethod
    def _trains_what_it_builds(cls, train: TrainSpec, info: ValidationInfo) -> TrainSpec:
        build = info.data.get("build")
        if build is not None and train.dataset != build.dataset:
            raise ValueError(f"train.dataset is {train.dataset!r}, and what is built is {build.dataset!r}")
        return train

    @field_validator("model")
    @classmethod
    def _trains_for_its_model(cls, model: str, info: ValidationInfo) -> str:
        train = info.data.get("train")
        if train is not None and train.model not in {None, model}:
            raise ValueError(f"train.model is {train.model!r}, and the pipeline's model is {model!r}")
        return model
