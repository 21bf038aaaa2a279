"""What the stages of a job took, and what that costs. Pure; measured by workers, priced when somebody reads it."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

_HOUR = 3600.0
_GB = 1e9


class Stage(BaseModel):
    """One stage of one attempt: all that a job did under this name, however often it came back to it."""

    model_config = ConfigDict(frozen=True)

    attempt: int
    """Which claim of the job this was, counted over all retries."""
    name: str
    wall_seconds: float
    cpu_seconds: float
    """User and system time of the process and of its children."""
    peak_bytes: int
    """The most memory that was resident at once."""


@dataclass(frozen=True)
class Prices:
    """What an hour of a core and an hour of a gigabyte (10^9 bytes) cost; None: that is not charged for."""

    cpu_hour: float | None = None
    gb_hour: float | None = None
    currency: str = ""


def cost_of(stage: Stage, prices: Prices) -> float | None:
    """CPU hours and gigabyte hours (of the peak, for as long as the stage took) at their prices; None without any."""
    if prices.cpu_hour is None and prices.gb_hour is None:
        return None
    cpu = stage.cpu_seconds / _HOUR * (prices.cpu_hour or 0.0)
    memory = stage.peak_bytes / _GB * stage.wall_seconds / _HOUR * (prices.gb_hour or 0.0)
    return cpu + memory


def with_attempt(recorded: Iterable[Stage], measured: Iterable[Stage]) -> list[Stage]:
    """What was recorded of other attempts, and what has been measured of this one."""
    now = list(measured)
    ours = {stage.attempt for stage in now}
    return [stage for stage in recorded if stage.attempt not in ours] + now
