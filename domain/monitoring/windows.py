"""Where a window of traffic begins and ends: a pure plan over the recorded segments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.monitoring.specs import MonitorPolicy


class WindowState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class WindowVerdict(StrEnum):
    """What a closed window came to; the worst wins: broken > degraded > drifted > quiet."""

    QUIET = "quiet"
    DRIFTED = "drifted"
    DEGRADED = "degraded"
    BROKEN = "broken"


BAD = frozenset({WindowVerdict.DRIFTED, WindowVerdict.DEGRADED})


@dataclass(frozen=True)
class Segment:
    """A recorded file of predictions: ids are UUIDv7, so `first_id`..`last_id` is a span of time.

    A `compacted` one was made of others, which no window will ask for any more.
    """

    key: str
    first_id: str
    last_id: str
    rows: int
    written_at: datetime
    compacted: bool = False


@dataclass(frozen=True)
class WindowPlan:
    """Segments that make one window."""

    segments: tuple[str, ...]
    first_id: str
    last_id: str
    rows: int


def time_of_id(prediction_id: str) -> datetime | None:
    """When a UUIDv7 was made (RFC 9562: its first 48 bits are milliseconds since 1970); None for any other text."""
    try:
        known = UUID(prediction_id)
    except ValueError:
        return None
    return datetime.fromtimestamp((known.int >> 80) / 1000, UTC) if known.version == 7 else None


def plan(segments: Sequence[Segment], policy: MonitorPolicy, now: datetime) -> list[WindowPlan]:
    """Windows that can be closed over segments that belong to none yet.

    A window closes when it holds `window_rows`; or, with `window_seconds`, when its oldest segment is that old
    and it holds `min_rows`. The rest waits.
    """
    plans: list[WindowPlan] = []
    waiting: list[Segment] = []
    for segment in sorted(segments, key=lambda one: one.first_id):
        waiting.append(segment)
        if sum(one.rows for one in waiting) >= policy.window_rows:
            plans.append(_closed(waiting))
            waiting = []
    if waiting and policy.window_seconds is not None:
        old_enough = now - min(one.written_at for one in waiting) >= timedelta(seconds=policy.window_seconds)
        if old_enough and sum(one.rows for one in waiting) >= policy.min_rows:
            plans.append(_closed(waiting))
    return plans


def _closed(segments: Sequence[Segment]) -> WindowPlan:
    return WindowPlan(
        segments=tuple(one.key for one in segments),
        first_id=min(one.first_id for one in segments),
        last_id=max(one.last_id for one in segments),
        rows=sum(one.rows for one in segments),
    )
