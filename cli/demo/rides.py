"""The table of hourly rentals: cut into parts, damaged on purpose, and replayed against an endpoint."""

import csv
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from cli.client import Client

Ride = dict[str, str]
TARGET = "cnt"
# What nobody knows before the hour is over, and the number of the row.
UNKNOWN = {TARGET, "casual", "registered", "instant"}
# Traffic is filed about once a second, and windows are made of what was filed: at this pace, of some ten days each.
DAY_SECONDS = 0.08


def read_rides(path: Path) -> list[Ride]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_rides(path: Path, rides: list[Ride]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rides[0].keys())
        writer.writeheader()
        writer.writerows(rides)
    return path


def between(rides: Iterable[Ride], first_day: str, last_day: str) -> list[Ride]:
    """The hours of these days, both included."""
    return [ride for ride in rides if first_day <= ride["dteday"] <= last_day]


def damaged(rides: Iterable[Ride]) -> list[Ride]:
    """A copy as a broken export sends it: some counts negative, some hours missing, a season that does not exist."""
    return [_damaged(dict(ride), place) for place, ride in enumerate(rides)]


def _damaged(ride: Ride, place: int) -> Ride:
    if place % 211 == 0:
        for column in ("casual", "registered", TARGET):
            ride[column] = str(-int(ride[column]))
    if place % 97 == 5:
        ride["hr"] = ""
    if place % 389 == 11:
        ride["season"] = "5"
    return ride


@dataclass
class Replay:
    """Answers as they came, their absolute errors in rentals, and the seconds of waiting for them."""

    ids: list[str] = field(default_factory=list)
    versions: set[int] = field(default_factory=set)
    errors: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def hours(self) -> int:
        return len(self.ids)

    def then(self, later: "Replay") -> "Replay":
        """Both as one."""
        return Replay(
            self.ids + later.ids,
            self.versions | later.versions,
            self.errors + later.errors,
            self.seconds + later.seconds,
        )

    @property
    def mae(self) -> float:
        return sum(self.errors) / len(self.errors)


def replay(client: Client, endpoint: str, rides: Iterable[Ride]) -> Iterator[Replay]:
    """Ask for every hour in a request of its own; when a day is over, tell what was true. Yields after each day."""
    so_far = Replay()
    for _, hours in groupby(rides, key=itemgetter("dteday")):
        dawn = time.monotonic()
        truth = []
        for ride in hours:
            started = time.perf_counter()
            answer = client.post("/serve", endpoint, "predict", body={"instances": [known(ride)]})
            so_far.seconds += time.perf_counter() - started
            rentals = int(ride[TARGET])
            so_far.ids += answer["ids"]
            so_far.versions.add(answer["model_version"])
            so_far.errors.append(abs(answer["predictions"][0] - rentals))
            truth.append({"id": answer["ids"][0], "value": rentals})
        client.post("endpoints", endpoint, "ground-truth", body={"items": truth})
        time.sleep(max(0.0, DAY_SECONDS - (time.monotonic() - dawn)))
        yield so_far


def known(ride: Ride) -> dict[str, Any]:
    """The row as it is known when the hour begins, with numbers as numbers."""
    return {name: _number(text) for name, text in ride.items() if name not in UNKNOWN}


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
