"""Live traffic of an endpoint as clients see it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Colour = Literal["blue", "green"]


class TrafficFigures(BaseModel):
    """What was asked and answered in `seconds`.

    Every request counts, recorded or not. Latencies are of answers, from the body's last byte until the answer is
    computed, and right to within a tenth; null without answers.
    """

    model_config = ConfigDict(from_attributes=True)

    seconds: float
    requests: int
    requests_per_second: float
    rows: int = Field(description="Rows predicted.")
    refused: int = Field(description="Requests answered by 4xx, but for 429: the caller's errors.")
    limited: int = Field(description="Requests answered by 429: too many at once, or too often.")
    failed: int = Field(description="Requests answered by 5xx, or that this version failed and another one answered.")
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class TrafficPoint(TrafficFigures):
    """One bucket of the series; the last one may be under way, and `seconds` says how much of it is counted."""

    at: datetime


class TrafficError(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    code: str
    status: int
    count: int


class TrafficSeries(BaseModel):
    """`now` is the last 30 seconds counted, `total` the whole span, and `points` the buckets of it, oldest first."""

    now: TrafficFigures
    total: TrafficFigures
    errors: list[TrafficError] = Field(description="Of the whole span by code, the most frequent first.")
    points: list[TrafficPoint]


class VersionTraffic(TrafficSeries):
    """One version. Null for requests that were refused before a version was drawn."""

    version: int | None
    colour: Colour | None = Field(
        description="In the endpoint's last rollout: green was brought by it, blue answered before. Null for others."
    )
    role: Literal["live", "standby"] | None = Field(description="What it does now; null when it is not routed to.")
    share: float | None = Field(description="Share of the traffic it is given now.")


class TrafficRead(BaseModel):
    """Requests of an endpoint, together and by version.

    Serving reports every ten seconds to the model store, and the platform takes it in: `as_of` says how far the counts
    go, and `processes` how many serving processes report now. With none, nothing newer is known.
    """

    endpoint: str
    as_of: datetime | None = Field(description="Null while no serving process has ever reported.")
    processes: int
    since: datetime
    until: datetime
    bucket_seconds: int
    together: TrafficSeries
    versions: list[VersionTraffic] = Field(description="Newest first; last what no version was drawn for.")
