"""Requests per second, errors and latency percentiles, from counts of ten seconds each. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from domain.deployments.specs import TRAFFIC_EDGES, ErrorCount
from domain.errors import Invalid

SLICE_SECONDS: Final = 10
MOST_BUCKETS: Final = 1000
_USUAL_BUCKETS: Final = 120
_ROUND_SECONDS: Final = (10, 30, 60, 300, 900, 3600, 6 * 3600)


class TooManyBuckets(Invalid):
    code = "too_many_buckets"


class UnevenBuckets(Invalid):
    """Requests are counted by ten seconds, and a bucket holds a whole number of those."""

    code = "uneven_buckets"


class EmptySpan(Invalid):
    code = "empty_span"


@dataclass(frozen=True)
class Slice:
    """What a version did with the requests of the ten seconds from `at`. `latency` by place among `TRAFFIC_EDGES`."""

    at: datetime
    version: int
    answered: int
    rows: int
    latency: Mapping[str, int]
    errors: Sequence[ErrorCount]


@dataclass(frozen=True)
class Figures:
    """Over `seconds`: `refused` are the caller's errors (4xx), `limited` those of 429, `failed` our own (5xx)."""

    seconds: float
    requests: int
    requests_per_second: float
    rows: int
    refused: int
    limited: int
    failed: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True)
class Buckets:
    """`count` spans of `seconds` from `start`; counts are known until `until`, within the last one."""

    start: datetime
    seconds: int
    count: int
    until: datetime

    def covered(self, place: int) -> float:
        """How many seconds of a bucket have been counted."""
        left = (self.until - self.start).total_seconds() - place * self.seconds
        return max(0.0, min(float(self.seconds), left))


def buckets_of(since: datetime, until: datetime, seconds: int | None) -> Buckets:
    """Buckets on whole multiples of their length; of a round one for about a hundred of them when none is asked for.

    Raises EmptySpan, UnevenBuckets or TooManyBuckets.
    """
    if since >= until:
        raise EmptySpan(f"Nothing has been counted after {since:%Y-%m-%d %H:%M:%S}.", where="since", fix="Ask earlier.")
    span = (until - since).total_seconds()
    if seconds is None:
        seconds = next((one for one in _ROUND_SECONDS if span / one <= _USUAL_BUCKETS), _ROUND_SECONDS[-1])
    if seconds % SLICE_SECONDS:
        raise UnevenBuckets(
            f"{seconds} s are no multiple of {SLICE_SECONDS}.", where="bucket_seconds", fix="Use 10, 30, 60, 300…"
        )
    start = floor(since, seconds)
    count = -int(-(until - start).total_seconds() // seconds)
    if count > MOST_BUCKETS:
        raise TooManyBuckets(
            f"{count} buckets are more than {MOST_BUCKETS}.", where="bucket_seconds", fix="Ask for longer ones."
        )
    return Buckets(start, seconds, count, until)


def floor(moment: datetime, seconds: int) -> datetime:
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)


def series(slices: Iterable[Slice], buckets: Buckets) -> list[Figures]:
    """The figures of each bucket, also of those without requests."""
    parts: list[list[Slice]] = [[] for _ in range(buckets.count)]
    for one in slices:
        place = (one.at - buckets.start) // timedelta(seconds=buckets.seconds)
        if 0 <= place < buckets.count:
            parts[place].append(one)
    return [figures(part, buckets.covered(place)) for place, part in enumerate(parts)]


def figures(slices: Sequence[Slice], seconds: float) -> Figures:
    """What these add up to."""
    errors = errors_of(slices)
    limited = sum(one.count for one in errors if one.status == 429)
    failed = sum(one.count for one in errors if one.status >= 500)
    refused = sum(one.count for one in errors) - limited - failed
    requests = sum(one.answered for one in slices) + refused + limited + failed
    latency: Counter[int] = Counter()
    for one in slices:
        latency.update({int(place): count for place, count in one.latency.items()})
    p50, p95, p99 = (percentile(latency, share) for share in (0.5, 0.95, 0.99))
    return Figures(
        seconds=seconds,
        requests=requests,
        requests_per_second=requests / seconds if seconds else 0.0,
        rows=sum(one.rows for one in slices),
        refused=refused,
        limited=limited,
        failed=failed,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )


def errors_of(slices: Iterable[Slice]) -> list[ErrorCount]:
    """Errors by code, the most frequent first."""
    counts: Counter[tuple[str, int]] = Counter()
    for one in slices:
        for error in one.errors:
            counts[error.code, error.status] += error.count
    return [ErrorCount(code=code, status=status, count=count) for (code, status), count in counts.most_common()]


def percentile(latency: Mapping[int, int], share: float) -> float | None:
    """The latency in milliseconds that this share of the answers stays below; None without answers.

    Evenly between the edges of the place it falls into, which are a fifth apart: so it is right to within a tenth or
    so. Beyond the last edge it is that edge.
    """
    total = sum(latency.values())
    if not total:
        return None
    before = 0
    for place in sorted(latency):
        count = latency[place]
        if count and before + count >= share * total:
            if place >= len(TRAFFIC_EDGES):
                return TRAFFIC_EDGES[-1] * 1000
            low = TRAFFIC_EDGES[place - 1] if place else 0.0
            return (low + (TRAFFIC_EDGES[place] - low) * (share * total - before) / count) * 1000
        before += count
    return None
