"""Routes: the one small object per endpoint that serving reads. Written by the control plane, atomically.

Layout of the model store, seen from its root:
    packages/{digest}/package.json ...          a model version's package (see registry.specs)
    routes/{endpoint}.json                      `Routes`
    access/tokens.json                          `ServingAccess`: hashed tokens that may predict
    instances/{instance}.json                   `ServingInstance`: written by serving every few seconds
    predictions/{endpoint}/{hour}/{first}_{last}_{rows}.parquet    segments written by the recorder
    predictions/{endpoint}/{hour}/{first}_{last}_{rows}_v{version}.parquet    many of them as one, once the hour is over
    shadows/{endpoint}/{hour}/...               likewise, what a candidate said to copies of requests; by the same ids
    trials/{rollout_id}/{step}/{instance}.json  `TrialCounts`: written by serving while a rollout is judged
    traffic/{instance}/{number}.json            `TrafficReport`: written by serving, once each; deleted when it was read
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, Literal

from pydantic import Field

from domain.datasets.specs import Name, Spec


class Target(Spec):
    """A version that may answer. `live` answers; `standby` is loaded and warm, and answers nothing."""

    version: int
    package: str = Field(description="SHA-256 digest of the package.")
    role: Literal["live", "standby"]
    share: float = Field(default=1.0, ge=0, le=1, description="Share of the traffic among live targets.")


class EndpointSettings(Spec):
    """How an endpoint treats requests. Serving reads all of it; nothing here needs a restart."""

    visibility: Literal["private", "internal", "public"] = Field(
        default="private",
        description="`private`: a token with the predict scope; `internal`: callers in the networks that the"
        " installation trusts; `public`: anybody, within `requests_per_second`.",
    )
    extra_columns: Literal["forbid", "record"] = Field(
        default="forbid", description="Whether columns beyond the signature are refused, or kept with the prediction."
    )
    max_rows: int = Field(default=10_000, ge=1, le=1_000_000, description="Rows in one request.")
    max_concurrency: int = Field(default=64, ge=1, le=10_000, description="Requests under way at once, per process.")
    max_waiting: int = Field(
        default=256, ge=0, le=100_000, description="Requests that may wait for their turn, per process; more get 429."
    )
    deadline_ms: int = Field(
        default=30_000, ge=1, le=3_600_000, description="A request not answered by then gets 503; callers may ask less."
    )
    requests_per_second: float | None = Field(
        default=None,
        gt=0,
        le=1_000_000,
        description="For each token, or address of a caller without one, per process. A public endpoint without"
        " a limit takes 50.",
    )
    record: bool = Field(default=True, description="Whether predictions are kept at all.")
    record_share: float = Field(default=1.0, ge=0, le=1, description="Share of the requests that are kept.")
    redact: list[str] = Field(default=[], max_length=1000, description="Columns whose values are never kept.")
    keep_days: int | None = Field(default=None, ge=1, le=36_500, description="How long predictions are kept.")
    max_batch: int = Field(default=256, ge=1, le=10_000, description="Rows that a Python model is given at once.")
    max_delay_ms: float = Field(
        default=2.0, ge=0, le=1_000, description="How long a row waits at most for others to be batched with."
    )


MOST_RECENT: Final = 100
"""Recorded predictions that a list of the newest has at most."""


class Trial(Spec):
    """A rollout that is being judged on live traffic: serving counts what both versions do, per step.

    Who answers a request is drawn by the shares of the targets. Of the requests that `control` answers, the share
    `mirror` is also given to `candidate`, off the request's path, to see where the two disagree.
    """

    rollout_id: str
    step: int
    control: int = Field(description="The version that answered before.")
    candidate: int
    mirror: float = Field(default=0.0, ge=0, le=1)
    bins: list[float] = Field(default=[], description="Edges by which predicted numbers are counted, ascending.")
    tolerance: float = Field(default=0.0, ge=0, description="Numbers further apart than this disagree.")
    latency_ratio: float = Field(default=1.5, ge=1, description="`Analysis.latency_ratio`, for copies that are timed.")


class Routes(Spec):
    """Which versions answer for an endpoint. A higher `revision` replaces a lower one, never the other way."""

    endpoint: Name
    revision: int
    model: Name
    targets: list[Target]
    settings: EndpointSettings = EndpointSettings()
    trial: Trial | None = None


class AccessEntry(Spec):
    token_sha256: str
    name: str


class ServingAccess(Spec):
    """Tokens with the predict scope, hashed, for serving without a database."""

    revision: int
    tokens: list[AccessEntry]


class ServingInstance(Spec):
    """What one serving process has loaded: endpoint -> package digests that are warm; errors by digest."""

    instance: str
    at: float = Field(description="Unix time of the report, seconds.")
    warm: dict[str, list[str]]
    revisions: dict[str, int]
    errors: dict[str, str] = {}


# Latencies are counted between these edges, from 50 microseconds to a minute. Four steps are half as much again, so
# that the usual bound of the analysis is met exactly.
LATENCY_EDGES_US: Final = tuple(50 * 1.5 ** (step / 4) for step in range(140))


class ArmCounts(Spec):
    """What one version did with the requests that it was drawn for. One row of each request is counted as an answer."""

    requests: int = 0
    faults: int = Field(default=0, description="Requests it failed (died, raised, too late); not the caller's errors.")
    strange: int = Field(default=0, description="Requests whose answer is NaN or infinite.")
    latency: list[int] = Field(default=[], description="Answers between `LATENCY_EDGES_US`: one more than edges.")
    answers: dict[str, int] = Field(default={}, description="By label, or by the number's place among `Trial.bins`.")


class MirrorCounts(Spec):
    """What the candidate said to copies of requests that the control answered."""

    requests: int = 0
    disagreements: int = 0
    faults: int = 0
    strange: int = 0
    dropped: int = Field(default=0, description="Copies that were not asked, because too many waited.")
    timed: int = Field(default=0, description="Copies on which both were timed, one after the other.")
    slower: int = Field(default=0, description="Of those, how many took it more than `latency_ratio` times as long.")
    answers: dict[str, int] = {}


class TrialCounts(Spec):
    """What one serving process has counted for one step of a trial, since that began there. Only grows."""

    instance: str
    at: float = Field(description="Unix time of the report, seconds.")
    rollout_id: str
    step: int
    control: ArmCounts = ArmCounts()
    candidate: ArmCounts = ArmCounts()
    mirror: MirrorCounts = MirrorCounts()


def _finer(edges: Sequence[float], step: float) -> Iterator[float]:
    """These edges, and as many between two as it takes for none to be more than `step` times the one before."""
    for low, high in pairwise(edges):
        parts = math.ceil(math.log(high / low) / math.log(step) - 1e-9)
        yield from (low * (high / low) ** (part / parts) for part in range(parts))
    yield edges[-1]


# What Prometheus is told, in seconds; and what all requests are counted by, so that a percentile is known to a tenth.
SCRAPED_EDGES: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
TRAFFIC_EDGES: Final = tuple(_finer((0.00002, *SCRAPED_EDGES, 60.0), 1.2))


class ErrorCount(Spec):
    """Requests that got this error. `status` is that of HTTP."""

    code: str
    status: int
    count: int


class TargetTraffic(Spec):
    """What one version of one endpoint did with the requests of a span of time. All of them, recorded or not."""

    endpoint: Name
    version: int = Field(default=0, description="0 for requests that were refused before a version was drawn.")
    answered: int = 0
    rows: int = 0
    latency: dict[int, int] = Field(default={}, description="Answers by their place among `TRAFFIC_EDGES`.")
    errors: list[ErrorCount] = []


class TrafficReport(Spec):
    """What one serving process did between two times, Unix seconds. One without requests says that it is there."""

    instance: str
    number: int = Field(description="The process counts its reports from 0.")
    began_at: float
    ended_at: float
    last: bool = Field(default=False, description="The process leaves: nobody has to wait for more of it.")
    targets: list[TargetTraffic] = []
