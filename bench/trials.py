"""Proof of the analysis: how often it fails a candidate that is as good, and how soon one that is not.

Rollouts by lot: requests come one after the other, each is drawn for a version by the step's share, and the analysis is
asked again and again, as the watcher does, until it fails the candidate or has passed all steps. The world around
changes meanwhile: load, errors and what is asked for. `python -m bench trials` prints one line a figure.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from bench.table import BenchRow
from domain.deployments.analysis import analyse
from domain.deployments.evidence import Expected, Labelled, QualityCounts, StepCounts, expect
from domain.deployments.specs import LATENCY_EDGES_US, ArmCounts, MirrorCounts
from domain.deployments.strategies import Analysis

ALPHA = 0.05
HEALTHY, FAULTY = 1000, 100
CANARY = ((0.05, 0.1), (0.25, 0.1), (0.5, 0.1))
AB, SHADOW = ((0.5, 0.1),), ((0.0, 1.0),)
LABELS = np.array(["no", "perhaps", "yes"])
_EDGES = np.array(LATENCY_EDGES_US)
Array = NDArray[np.float64]
Change = Callable[[Array], Array]


def steady(at: Array) -> Array:
    return np.ones_like(at)


def diurnal(at: Array) -> Array:
    """Up and down by half, several times in a rollout."""
    return 1 + 0.5 * np.sin(at / 400)


def rising(at: Array) -> Array:
    """From a hundredth to all of it."""
    return np.minimum(0.01 + at / 3000, 1.0)


@dataclass(frozen=True)
class World:
    """What both versions meet. A rate of errors, times and the mix of answers follow `load`."""

    load: Change = steady
    errors: float = 0.002
    spread: float = 0.5
    wrong: float = 0.2
    mix: tuple[float, float, float] = (0.6, 0.3, 0.1)


@dataclass(frozen=True)
class Candidate:
    """In which way it is not the same as the control; by default in none."""

    errors: float = 0.0
    slow: float = 1.0
    nan: float = 0.0
    constant: bool = False
    shuffled: bool = False
    differs: float = 0.0


@dataclass
class Ran:
    """How a rollout ended, after so many requests, and what failed it."""

    verdict: str
    requests: int
    by: list[str] = field(default_factory=list)


def roll_out(
    random: np.random.Generator,
    world: World,
    candidate: Candidate,
    *,
    steps: tuple[tuple[float, float], ...] = CANARY,
    analysis: Analysis | None = None,
    expected: Expected | None = None,
    labels: bool = False,
    peeks: float = 0.05,
    most: int = 12_000,
    advance: bool = True,
) -> Ran:
    """One rollout, looked at after each of a step's first requests and then whenever there are `peeks` more of them.

    With `advance` false it stays in the first step to the end, whatever passes.
    """
    analysis = analysis or Analysis()
    expected = usual(world) if expected is None else expected
    seen: list[StepCounts] = []
    truth: list[Labelled] = []
    done = 0
    for share, mirror in steps:
        requests = _Requests(random, world, candidate, share, mirror, start=done, size=most - done)
        for count in _looks(most - done, peeks):
            now = requests.counts(count)
            quality = QualityCounts(parts=[*truth, requests.labelled(count)]) if labels else None
            found = analyse([*seen, now], analysis, expected=expected, quality=quality)
            if found.verdict == "fail":
                return Ran("fail", done + count, [each.name for each in found.failed])
            if found.verdict == "pass" and advance:
                seen.append(now)
                truth.append(requests.labelled(count))
                done += count
                break
        else:
            return Ran("inconclusive", most)
    return Ran("pass", done)


def _looks(most: int, peeks: float) -> Iterator[int]:
    count = 1
    while count <= most:
        yield count
        count += max(1, round(count * peeks))


def usual(world: World, disagreement: float = 0.0) -> Expected:
    """What 500 real rows show before the rollout of a version that differs from the other on such a share."""
    differ = round(500 * disagreement)
    labels = np.repeat(LABELS, np.round(np.array(world.mix) * 500).astype(int)).tolist()
    pairs = [
        (label, LABELS[0] if row < differ and label != LABELS[0] else label) for row, label in enumerate(labels[::-1])
    ]
    return expect(pairs, disagreements=differ, numbers=False)


class _Requests:
    """The requests of one step, and running counts of what becomes of them."""

    def __init__(
        self,
        random: np.random.Generator,
        world: World,
        candidate: Candidate,
        share: float,
        mirror: float,
        *,
        start: int,
        size: int,
    ) -> None:
        self._share, self._mirror = share, mirror
        load = world.load(start + np.arange(size, dtype=float))
        drawn = random.random(size) < share
        copied = ~drawn & (random.random(size) < mirror)
        fault = random.random(size) < world.errors * load
        bad = random.random(size) < world.errors * load + candidate.errors
        strange = random.random(size) < candidate.nan
        answer = (np.array(world.mix).cumsum()[:-1, None] < random.random(size) ** (1 / load)).sum(axis=0)
        other = self._other(random, candidate, answer)
        took = 300 * load * np.exp(world.spread * random.standard_normal((2, size)))
        took[1] *= candidate.slow
        # On a copy, what it takes depends on the request alike for both, and on noise.
        again = candidate.slow * np.exp(0.2 * random.standard_normal(size))
        self._bins = np.searchsorted(_EDGES, took, side="right")
        self._answer, self._other_answer = answer, other
        self._control, self._fault = ~drawn, fault & ~drawn
        # Only what the control has answered is copied.
        copied &= ~fault
        self._candidate, self._bad, self._strange = drawn, bad & drawn, strange & drawn & ~bad
        self._copied, self._copied_bad, self._copied_strange = copied, bad & copied, strange & copied & ~bad
        # The control is timed again on every fourth copy.
        self._timed = copied & ~bad & (np.arange(size) % 4 == 0)
        self._slower = self._timed & (again > Analysis().latency_ratio)
        truth = np.where(random.random(size) < world.wrong, (answer + 1) % len(LABELS), answer)
        self._wrong = np.where(drawn, other, answer) != truth
        self._known = np.where(random.random(size) < 0.5, np.arange(size) + random.exponential(200, size), np.inf)

    @staticmethod
    def _other(random: np.random.Generator, candidate: Candidate, answer: NDArray[np.int64]) -> NDArray[np.int64]:
        if candidate.constant:
            return np.zeros_like(answer)
        if candidate.shuffled:
            return (answer + 1) % len(LABELS)
        differs = random.random(len(answer)) < candidate.differs
        return np.where(differs, (answer + random.integers(1, len(LABELS), len(answer))) % len(LABELS), answer)

    def counts(self, count: int) -> StepCounts:
        control = self._control[:count] & ~self._fault[:count]
        candidate = self._candidate[:count] & ~self._bad[:count]
        copied = self._copied[:count] & ~self._copied_bad[:count]
        differ = (self._answer[:count] != self._other_answer[:count]) | self._copied_strange[:count]
        return StepCounts(
            share=self._share,
            mirror=self._mirror,
            control=ArmCounts(
                requests=int(self._control[:count].sum()),
                faults=int(self._fault[:count].sum()),
                latency=self._times(0, control),
                answers=_labels(self._answer[:count][control]),
            ),
            candidate=ArmCounts(
                requests=int(self._candidate[:count].sum()),
                faults=int(self._bad[:count].sum()),
                strange=int(self._strange[:count].sum()),
                latency=self._times(1, candidate),
                answers=_labels(self._other_answer[:count][candidate & ~self._strange[:count]]),
            ),
            mirrored=MirrorCounts(
                requests=int(self._copied[:count].sum()),
                faults=int(self._copied_bad[:count].sum()),
                strange=int(self._copied_strange[:count].sum()),
                disagreements=int((differ & copied).sum()),
                timed=int(self._timed[:count].sum()),
                slower=int(self._slower[:count].sum()),
                answers=_labels(self._other_answer[:count][copied & ~self._copied_strange[:count]]),
            ),
        )

    def labelled(self, count: int) -> Labelled:
        """What is known `count` requests after the step began."""
        known = self._known[:count] <= count
        control, candidate = (known & arm[:count] for arm in (self._control, self._candidate))
        wrong = self._wrong[:count]
        return Labelled(
            share=self._share,
            control_rows=int(control.sum()),
            control_wrong=int((control & wrong).sum()),
            candidate_rows=int(candidate.sum()),
            candidate_wrong=int((candidate & wrong).sum()),
        )

    def _times(self, arm: int, which: NDArray[np.bool_]) -> list[int]:
        bins = self._bins[arm, : len(which)][which]
        found: list[int] = np.bincount(bins, minlength=len(_EDGES) + 1).tolist()
        return found


def _labels(answers: NDArray[np.int64]) -> dict[str, int]:
    return {str(LABELS[label]): times for label, times in Counter(answers.tolist()).items()}


# Candidates that are as good as the control, or just as bad as is allowed.
EQUALS: dict[str, tuple[World, Candidate, dict[str, object]]] = {
    "canary, steady": (World(), Candidate(), {}),
    "canary, diurnal": (World(load=diurnal), Candidate(), {"labels": True}),
    "canary, errors of both rise to 10 %": (World(load=rising, errors=0.1), Candidate(), {}),
    "A/B, 20 % errors of both, to the end": (
        World(errors=0.2, load=diurnal), Candidate(), {"steps": AB, "advance": False, "labels": True, "most": 6000},
    ),
    "5 % canary, to the end": (World(errors=0.02), Candidate(), {"advance": False, "most": 8000}),
    "shadow, to the end": (
        World(errors=0.02, load=diurnal), Candidate(), {"steps": SHADOW, "advance": False, "most": 4000},
    ),
    "canary, 1.5 times as slow, as allowed": (World(spread=0.2), Candidate(slow=1.5), {}),
    "canary, disagrees as before": (World(), Candidate(differs=0.1), {"differs": 0.1}),
}  # fmt: skip
FAULTS: dict[str, tuple[World, Candidate, dict[str, object]]] = {
    "5 % of requests fail": (World(), Candidate(errors=0.05), {}),
    "all requests fail": (World(), Candidate(errors=1.0), {}),
    "twice as slow": (World(), Candidate(slow=2.0), {}),
    "5 % NaN": (World(), Candidate(nan=0.05), {}),
    "all NaN": (World(), Candidate(nan=1.0), {}),
    "always the same answer": (World(), Candidate(constant=True), {}),
    "labels shuffled, by disagreement": (World(), Candidate(shuffled=True), {}),
    "labels of two as common shuffled, as seen before": (
        World(mix=(0.5, 0.5, 0.0)),
        Candidate(shuffled=True),
        {"differs": 0.5},
    ),
    "labels shuffled, by quality": (World(), Candidate(shuffled=True), {"labels": True, "blind": True}),
}
STRATEGIES = {"canary": CANARY, "A/B": AB, "shadow": SHADOW}


def ends(
    name: str, kind: str, tries: int, *, seed: int = 1, steps: str | None = None, peeks: float = 0.05
) -> list[Ran]:
    """How so many rollouts of one of the tables above end."""
    world, candidate, given = (EQUALS if kind == "equal" else FAULTS)[name]
    options = dict(given)
    random = np.random.default_rng(seed)
    if steps is not None:
        options["steps"] = STRATEGIES[steps]
    if differs := options.pop("differs", 0.0):
        options["expected"] = usual(world, float(str(differs)))
    if options.pop("blind", False):  # nothing but the truth can tell
        options["analysis"] = Analysis(max_disagreement=1.0, max_shift=1.0, min_samples=500)
    # The tables hold options of any type by name.
    return [roll_out(random, world, candidate, peeks=peeks, **options) for _ in range(tries)]  # type: ignore[arg-type]


def told_by(name: str) -> list[str]:
    """The strategies that can tell a fault. Nobody is given a shadow's answers, so nobody says that they are wrong."""
    return [steps for steps in STRATEGIES if not (steps == "shadow" and "quality" in name)]


def run() -> list[BenchRow]:
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        equal = [(name, processes.submit(ends, name, "equal", HEALTHY)) for name in EQUALS]
        faulty = [
            (f"{name}, {steps}", processes.submit(ends, name, "faulty", FAULTY, steps=steps))
            for name in FAULTS
            for steps in told_by(name)
        ]
        return [
            *(_failed(name, running.result()) for name, running in equal),
            *(_told(name, running.result()) for name, running in faulty),
        ]


def _failed(name: str, ends: list[Ran]) -> BenchRow:
    failed = sum(end.verdict == "fail" for end in ends)
    bounds = binomtest(failed, len(ends)).proportion_ci(0.99)
    passed = sum(end.verdict == "pass" for end in ends) / len(ends)
    typical = np.median([end.requests for end in ends])
    note = (
        f"alpha; ours [{bounds.low:.1%}, {bounds.high:.1%}], {passed:.0%} pass, typically after {typical:,.0f} requests"
    )
    broken = None if bounds.high < ALPHA else f"{failed} of {len(ends)} equals failed."
    return BenchRow(
        f"equals failed: {name}", 100 * failed / len(ends), 100 * ALPHA, "%", failed / len(ends) / ALPHA, note, broken
    )


def _told(name: str, ends: list[Ran]) -> BenchRow:
    failed = [end for end in ends if end.verdict == "fail"]
    by = Counter(finding for end in failed for finding in end.by).most_common(1)
    needed = np.quantile([end.requests for end in failed], [0.5, 1.0]) if failed else (math.nan, math.nan)
    note = f"always; by {by[0][0] if by else 'nothing'} after {needed[0]:,.0f} requests, {needed[1]:,.0f} at most"
    broken = None if len(failed) == len(ends) else f"{len(ends) - len(failed)} of {len(ends)} were not told."
    return BenchRow(
        f"faulty failed: {name}", 100 * len(failed) / len(ends), 100, "%", len(failed) / len(ends), note, broken
    )
