"""The course of a trial: what was known at which time, few enough moments to be kept with the rollout. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import Field, TypeAdapter

from domain.datasets.specs import Spec
from domain.deployments.bands import QUANTITIES, Band, BandName
from domain.deployments.progress import Move

MOST: Final = 200
# A moment stays when a fiftieth more requests have come since the one before.
_GROWTH: Final = 1.02


class Point(Spec):
    """The bands at one moment."""

    at: datetime
    step: int = Field(description="From 0; as many as there are steps: after the switch.")
    requests: int = Field(description="So far, over all steps; after the switch answers whose truth is known as well.")
    move: Move | None = Field(default=None, description="What was decided on it, if anything.")
    bands: dict[BandName, Band]


COURSE: Final[TypeAdapter[list[Point]]] = TypeAdapter(list[Point])


def follow(course: Sequence[Point], point: Point) -> list[Point]:
    """The course with this moment added, or in place of the last one where hardly any request came in between.

    Once there are too many, every second one is left out; but none on which something was decided, nor the first and
    the last of a step.
    """
    if not course:
        return [point]
    last = course[-1]
    alike = point.step == last.step and point.move is None
    if alike and (point.requests < last.requests or (point.requests, point.bands) == (last.requests, last.bands)):
        return list(course)
    longer = [*(course[:-1] if _gives_way(course, point) else course), point]
    return (
        longer if len(longer) <= MOST else [one for at, one in enumerate(longer) if at % 2 == 0 or _stays(longer, at)]
    )


def since_trial(course: Sequence[Point], point: Point) -> Point:
    """A moment after the switch, its requests counted on from those of the trial."""
    trial = max((one.requests for one in course if one.step < point.step), default=0)
    return point.model_copy(update={"requests": trial + point.requests})


def _gives_way(course: Sequence[Point], point: Point) -> bool:
    last = course[-1]
    if last.move is not None or last.step != point.step:
        return False
    before = course[-2] if len(course) > 1 else None
    few = before is not None and before.step == last.step and point.requests <= before.requests * _GROWTH
    return few or point.requests == last.requests


def _stays(course: Sequence[Point], at: int) -> bool:
    near = course[max(at - 1, 0) : at + 2]
    return course[at].move is not None or at == len(course) - 1 or len({one.step for one in near}) > 1


# What a band is about, and how its values are said.
_SAID: Final[dict[BandName, tuple[str, str]]] = {
    "faults": ("Faults", "times as many as the control's"),
    "strange": ("NaN or infinity", "times as often as by the control"),
    "latency": ("Time to answer", "times as long as the control's"),
    "slower_copies": ("Copies on which it takes longer than it may", ""),
    "disagreement": ("Copies on which the two disagree", ""),
    "shift": ("Answers that would have to be others", ""),
    "quality": ("Wrong answers", "times as many as the control's"),
}


def sentence(name: BandName, band: Band, *, allowed: float | None, requests: int) -> str:
    """A band as a person reads it."""
    title, unit = _SAID[name]
    share = QUANTITIES[name].measure == "share"
    low, high, most = (_said(value, share=share) for value in (band.low, band.high, allowed))
    if band.low is None and band.high is None:
        span = "nothing is ruled out"
    elif band.low is None:
        span = f"at most {high} {unit}"
    elif band.high is None:
        span = f"at least {low} {unit}"
    else:
        span = f"between {low} and {high} {unit}"
    if allowed is None:
        then = "nothing is known of what to expect, so it is not judged"
    elif band.reaches(allowed):
        then = f"it failed, as the low end has reached {most}"
    else:
        then = f"it fails once the low end reaches {most}"
    return f"{title}: {span.strip()} after {requests:,} requests; {then}."


def _said(value: float | None, *, share: bool) -> str:
    if value is None:
        return ""
    return f"{value * 100:.3g} %" if share else f"{value:.3g}"
