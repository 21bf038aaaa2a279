"""Endpoints, rollouts and predictions as clients see them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.datasets.specs import Name
from domain.deployments.bands import Band, BandName
from domain.deployments.evidence import Analysed, Finding, FindingName, QualityCounts
from domain.deployments.progress import Move
from domain.deployments.rollout import RolloutState
from domain.deployments.specs import EndpointSettings, Target
from domain.deployments.strategies import BlueGreen, Strategy
from domain.registry.specs import Flavor, Signature


class EndpointPut(BaseModel):
    """The model that answers here, and how requests are treated."""

    model_config = ConfigDict(extra="forbid")

    model: Name
    settings: EndpointSettings = EndpointSettings()
    strategy: Strategy = Field(default_factory=BlueGreen, description="How a new champion takes over.")


class EndpointRead(BaseModel):
    """`targets` is what serving is told: the live colour and the one that is warm beside it."""

    name: str
    model: str
    revision: int
    live_version: int | None
    standby_version: int | None
    can_roll_back: bool
    settings: EndpointSettings
    strategy: Strategy
    targets: list[Target]
    signature: Signature | None = Field(description="What a row must carry for the live version.")
    flavor: Flavor | None = Field(description="How the live version answers: from ONNX, or in Python.")
    flavor_reason: str | None = Field(description="Why it answers that way.")
    rollout_id: str | None = Field(description="The rollout that is under way.")
    created_by: str
    created_at: datetime


class RolloutCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, le=2**31 - 1)
    strategy: Strategy | None = Field(default=None, description="Absent, the endpoint's own.")


class RollbackCreate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="asked by a person", max_length=2000)


class RolloutAdvance(BaseModel):
    model_config = ConfigDict(extra="forbid")

    step: int | None = Field(
        default=None, ge=0, le=1000, description="The step it is at, so that two who advance it do so once."
    )
    reason: str = Field(default="advanced by a person", max_length=2000)


class StepRead(BaseModel):
    name: str
    share: float
    mirror: float


class AnalysisRead(Analysed):
    """The latest verdict. `late` is what labels said after the switch."""

    at: datetime
    seconds: float = Field(description="How long the step had lasted.")
    requests: dict[str, int] = Field(description="In this step: control, candidate, mirrored.")
    late: Finding | None = None


class RolloutMoment(BaseModel):
    """What it became, when, by whom and why."""

    at: datetime
    state: RolloutState
    step: int
    by: str
    reason: str


class RolloutRead(BaseModel):
    """`step` counts `steps` from 0; a blue-green rollout has none."""

    id: str
    endpoint: str
    version: int
    blue_version: int | None
    promotion_id: str | None
    state: RolloutState
    strategy: Strategy
    steps: list[StepRead]
    step: int
    step_began_at: datetime | None
    reason: str
    analysis: AnalysisRead | None
    quality: QualityCounts | None
    history: list[RolloutMoment]
    probe: dict[str, Any] | None
    job_id: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    watched_until: datetime | None = Field(description="Until then late labels may roll it back.")


class BandMomentRead(Band):
    """What was known of one quantity at one time."""

    at: datetime
    step: int = Field(description="From 0; as many as the rollout has steps: after the switch.")
    requests: int = Field(
        description="So far, over all steps; after the switch answers whose truth is known are counted on."
    )


class ConfidenceSequenceRead(BaseModel):
    """An always-valid confidence sequence of one quantity that the candidate is judged by.

    It may be looked at after each request. The test fails exactly when a `low` is at or above `allowed`.
    """

    name: BandName = Field(
        description="`latency` is of live answers, `slower_copies` of copies that both were timed on: one test, in two."
    )
    test: FindingName = Field(description="The finding that it belongs to.")
    measure: Literal["ratio", "share"] = Field(
        description="Candidate over control; or a share of copies or, in `shift`, of answers."
    )
    allowed: float | None = Field(description="What the test allows. Null: it is not judged.")
    coverage: float = Field(description="The least chance with which all of its bands hold the truth at once.")
    failed: bool = Field(description="Whether the last low end has reached what is allowed.")
    sentence: str = Field(description="The last band, as a person reads it.")
    points: list[BandMomentRead] = Field(description="Oldest first, at most some 200.")


class DecisionMomentRead(BaseModel):
    """What was decided by itself on the evidence, and after how many requests."""

    at: datetime
    step: int
    requests: int
    move: Move


class RolloutAnalysisRead(BaseModel):
    """The evidence of a rollout over its requests. Empty before the first request, and for what was not judged."""

    requests: int = Field(description="So far, over all steps.")
    decisions: list[DecisionMomentRead]
    sequences: list[ConfidenceSequenceRead]


class PredictionRead(BaseModel):
    """One recorded answer."""

    id: str
    at: datetime
    endpoint: str
    model: str
    version: int
    package: str
    mode: str
    latency_us: int
    inputs: dict[str, Any]
    extra: dict[str, Any] | None
    prediction: float | str | None
    probabilities: list[float] | None
    ground_truth: float | str | bool | None


class RecentPrediction(BaseModel):
    """One answer as a list shows it; `GET /predictions/{id}` has its inputs, and leads to its lineage."""

    id: str
    at: datetime
    version: int
    mode: str
    latency_us: int
    prediction: float | str | None
    ground_truth: float | str | bool | None = Field(description="Null until it is told.")


class RecentPredictionsRead(BaseModel):
    """The newest recorded answers of an endpoint, newest first."""

    endpoint: str
    model: str
    as_of: datetime = Field(description="What was recorded by then is in it: answers are written a second or so later.")
    recording: bool = Field(description="Whether what is answered now is kept.")
    reason: str | None = Field(description="Why there is nothing, or nothing newer, in it.")
    predictions: list[RecentPrediction]


class LineageLink(BaseModel):
    """One step of the way from an answer back to the data it rests on."""

    noun: str
    subject: str
    headline: str
    facts: dict[str, Any]


class LineageRead(BaseModel):
    """The whole chain, the prediction first."""

    links: list[LineageLink]
