"""What a trial has seen and what it comes to, as plain values: in and out of `analysis`, kept with the rollout."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Literal

from pydantic import Field

from domain.datasets.specs import Spec
from domain.deployments.specs import ArmCounts, MirrorCounts, TrialCounts

FindingName = Literal["faults", "strange", "latency", "disagreement", "shift", "quality"]
Verdict = Literal["fail", "pass", "inconclusive"]


class StepCounts(Spec):
    """What all serving processes counted in one step, and by which lots its requests were drawn."""

    share: float = Field(ge=0, lt=1, description="Of the requests, how many the candidate answers. 0 in a shadow.")
    mirror: float = Field(default=0.0, ge=0, le=1, description="Of the control's, how many it is asked as well.")
    control: ArmCounts = ArmCounts()
    candidate: ArmCounts = ArmCounts()
    mirrored: MirrorCounts = MirrorCounts()

    @property
    def exposure(self) -> float:
        """The chance of a request to be given to the candidate: to be answered, or as a copy."""
        return self.share + (1 - self.share) * self.mirror

    @property
    def odds(self) -> float:
        """How many requests the candidate is given for each that the control answers."""
        return self.exposure / (1 - self.share)

    @property
    def drawn(self) -> int:
        """Requests of both: each was drawn for one of the two."""
        return self.control.requests + self.candidate.requests

    @property
    def asked(self) -> int:
        """Requests and copies that the candidate was given."""
        return self.candidate.requests + self.mirrored.requests


class Expected(Spec):
    """How far the two versions differed on real rows before the rollout. See `expect`."""

    rows: int = Field(default=0, ge=0)
    disagreement: float = Field(default=0.0, ge=0, le=1)
    chance: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="Share of rows that two versions with these answers would disagree on if neither saw the"
        " rows; none for numbers.",
    )
    shift: float = Field(default=0.0, ge=0, le=1, description="Total variation between their answers.")


class Labelled(Spec):
    """Answers whose truth is known by now, from one stretch of time.

    One row of each request is counted, as rows of one request are answered by the same version and are wrong together.
    """

    share: float | None = Field(
        ge=0,
        lt=1,
        description="By which the requests were drawn; none if they were not, and one version came after the other.",
    )
    control_rows: int = 0
    control_wrong: int = 0
    candidate_rows: int = 0
    candidate_wrong: int = 0


class QualityCounts(Spec):
    """Wrong answers, or numbers too far from the truth: a part per step, and one for the time after the switch."""

    parts: list[Labelled]


class Finding(Spec):
    """What one test says. It fails the candidate once `e_value` reaches `fails_at`."""

    name: FindingName
    verdict: Verdict
    control: float | None = Field(default=None, description="A share of requests, or of rows.")
    candidate: float | None = None
    bound: float | None = Field(default=None, description="What the test allows: a ratio, or a share.")
    control_count: int = 0
    control_of: int = 0
    candidate_count: int = 0
    candidate_of: int = 0
    e_value: float = 1.0
    fails_at: float
    non_inferior: float | None = Field(
        default=None, description="E-value of the reverse test, where `require` asks for it."
    )
    sentence: str


class Analysed(Spec):
    verdict: Verdict
    findings: list[Finding]
    waits_for: list[str] = Field(default=[], description="What is missing for a verdict, as sentences.")

    @property
    def failed(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict == "fail"]


def total(counts: Iterable[TrialCounts], *, share: float, mirror: float) -> StepCounts:
    """The sum over the serving processes of one step. One that restarted counts under both of its names."""
    each = list(counts)
    return StepCounts(
        share=share,
        mirror=mirror,
        control=_arms([one.control for one in each]),
        candidate=_arms([one.candidate for one in each]),
        mirrored=MirrorCounts(
            requests=sum(one.mirror.requests for one in each),
            disagreements=sum(one.mirror.disagreements for one in each),
            faults=sum(one.mirror.faults for one in each),
            strange=sum(one.mirror.strange for one in each),
            dropped=sum(one.mirror.dropped for one in each),
            timed=sum(one.mirror.timed for one in each),
            slower=sum(one.mirror.slower for one in each),
            answers=_answers([one.mirror.answers for one in each]),
        ),
    )


def expect(pairs: Sequence[tuple[str, str]], *, disagreements: int, numbers: bool) -> Expected:
    """From the answers of control and candidate to the same rows, as `ArmCounts.answers` names them."""
    rows = len(pairs)
    if rows == 0:
        return Expected()
    control, candidate = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    return Expected(
        rows=rows,
        disagreement=disagreements / rows,
        chance=None if numbers else 1 - sum(control[label] * candidate[label] for label in control) / rows**2,
        shift=sum(abs(control[label] - candidate[label]) for label in control | candidate) / (2 * rows),
    )


def add_bins(histograms: Sequence[Sequence[int]]) -> list[int]:
    """The sum of histograms over the same edges; an empty one counted nothing."""
    return list(map(sum, zip_longest(*histograms, fillvalue=0)))


def _arms(arms: list[ArmCounts]) -> ArmCounts:
    return ArmCounts(
        requests=sum(arm.requests for arm in arms),
        faults=sum(arm.faults for arm in arms),
        strange=sum(arm.strange for arm in arms),
        latency=add_bins([arm.latency for arm in arms]),
        answers=_answers([arm.answers for arm in arms]),
    )


def _answers(answers: list[dict[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for each in answers:
        found.update(each)
    return dict(found)
