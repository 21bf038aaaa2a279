"""Confidence sequences: that they are the tests, that they hold however they are watched, and that they narrow."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from domain.deployments.analysis import analyse
from domain.deployments.bands import QUANTITIES, Band, BandName, bands, coverage, limit, stakes
from domain.deployments.evidence import Expected, Labelled, QualityCounts, StepCounts
from domain.deployments.finding import threshold
from domain.deployments.sequential import log_e_alike
from domain.deployments.specs import LATENCY_EDGES_US, ArmCounts, MirrorCounts
from domain.deployments.strategies import Analysis

BEFORE = Expected(rows=500, disagreement=0.0, chance=0.5, shift=0.02)
ANALYSIS = Analysis()
SHARE, MIRROR = 0.25, 0.2
# What the control does, and the candidate: faults, strange, wrong answers, and which are given; edges that it is later.
CONTROL = (0.08, 0.05, 0.2, (0.5, 0.3, 0.2))
CANDIDATE = (0.12, 0.1, 0.3, (0.4, 0.3, 0.3))
LATER, DIFFER, SLOWER = 2, 0.2, 0.4
TRUTH: dict[BandName, float] = {
    "faults": 1.5,
    "strange": 2.0,
    "latency": 1.5 ** (LATER / 4),
    "slower_copies": SLOWER,
    "disagreement": DIFFER,
    "shift": 0.3 * (1 - 0.12 - 0.1) - 0.2 * (1 - 0.08 - 0.05),
    "quality": 1.5,
}


def counted(random: np.random.Generator, size: int) -> Iterator[tuple[StepCounts, QualityCounts, int]]:
    """One step of two versions that differ as is known, looked at again and again."""
    mine, copied = random.random(size) < SHARE, random.random(size) < MIRROR
    copied &= ~mine
    faulty, odd, wrong, answer, late = [], [], [], [], []
    for faults, strange, mistakes, given in (CONTROL, CANDIDATE):
        luck = random.random(size)
        faulty.append(luck < faults)
        odd.append((luck >= faults) & (luck < faults + strange))
        wrong.append(random.random(size) < mistakes)
        answer.append(random.choice(3, size, p=given))
        late.append(np.round(random.normal(20, 1, size)).astype(int) + LATER * (given == CANDIDATE[3]))
    differ, slower = random.random(size) < DIFFER, random.random(size) < SLOWER
    for now in itertools.takewhile(lambda now: now <= size, (round(40 * 1.6**look) for look in itertools.count())):

        def arm(which: int, drawn: np.ndarray, until: int = now) -> ArmCounts:
            told = drawn[:until] & ~faulty[which][:until]
            plain = answer[which][:until][told & ~odd[which][:until]]
            return ArmCounts(
                requests=int(drawn[:until].sum()),
                faults=int((drawn[:until] & faulty[which][:until]).sum()),
                strange=int((drawn[:until] & odd[which][:until]).sum()),
                latency=np.bincount(late[which][:until][told], minlength=len(LATENCY_EDGES_US) + 1).tolist(),
                answers={str(label): int((plain == label).sum()) for label in range(3)},
            )

        copies = arm(1, copied)
        told = copied[:now] & ~faulty[1][:now]
        mirrored = MirrorCounts(
            requests=copies.requests,
            faults=copies.faults,
            strange=copies.strange,
            answers=copies.answers,
            disagreements=int((told & differ[:now]).sum()),
            timed=int(told.sum()),
            slower=int((told & slower[:now]).sum()),
        )
        step = StepCounts(share=SHARE, mirror=MIRROR, control=arm(0, ~mine), candidate=arm(1, mine), mirrored=mirrored)
        part = Labelled(
            share=SHARE,
            control_rows=int((~mine[:now]).sum()),
            control_wrong=int((~mine & wrong[0])[:now].sum()),
            candidate_rows=int(mine[:now].sum()),
            candidate_wrong=int((mine & wrong[1])[:now].sum()),
        )
        yield step, QualityCounts(parts=[part]), now


class TestHold:
    def test_however_often_they_are_looked_at(self) -> None:
        """All bands at once, in 40 rollouts of 8 looks each: they may miss in 1 of 10, and hardly ever do.

        Intervals for a single look, as sure as the bands of faults and disagreement are, miss in far more.
        """
        random = np.random.default_rng(7)
        missed = naive = 0
        for _ in range(40):
            gone, once = set(), False
            for step, quality, _now in counted(random, 1_700):
                for name, each in stakes([step], quality).items():
                    fails_at = threshold(QUANTITIES[name].test, ANALYSIS)
                    if each.is_above(TRUTH[name], fails_at) or each.is_below(TRUTH[name], fails_at):
                        gone.add(name)
                once |= missed_at_one_look(step)
            missed += bool(gone)
            naive += once
        assert missed <= 4 < naive

    @pytest.mark.parametrize(("share", "mirror"), [(0.05, 0.1), (0.5, 0.0), (0.0, 1.0)])
    @pytest.mark.parametrize("failing", [0.0, 0.3])
    def test_the_bet_that_two_answer_alike_gains_nothing_where_they_do_not(
        self, share: float, mirror: float, failing: float
    ) -> None:
        """One request: the candidate gives answer 0 by the margin more often, whether or not the control fails some."""
        margin, reach = 0.2, (share + (1 - share) * mirror, 1 - share)
        theirs = (0.3 * (1 - failing), 0.7 * (1 - failing), failing)
        ours = (theirs[0] + margin, 1 - theirs[0] - margin, 0.0)
        mean = 0.0
        for mine, other in itertools.product(range(3), range(3)):
            chance = ours[mine] * theirs[other]
            for part, asked in (
                (share, (1, 0)),
                ((1 - share) * (1 - mirror), (0, 1)),
                ((1 - share) * mirror, (1, 1)),
            ):
                given = [(asked[0] * (mine == label), asked[1] * (other == label)) for label in range(2)]
                none = (asked[0] * (mine == 2), asked[1] * (other == 2))
                mean += part * chance * math.exp(log_e_alike(margin, reach, given, none, 1))
        assert mean <= 1 + 1e-9

    def test_for_each_quantity_with_more_than_what_alpha_leaves(self) -> None:
        assert {name: round(coverage(name, ANALYSIS), 4) for name in QUANTITIES} == {
            "faults": 0.975,
            "strange": 0.99,
            "latency": 0.99,
            "slower_copies": 0.99,
            "disagreement": 0.985,
            "shift": 0.985,
            "quality": 0.985,
        }
        assert sum(1 - coverage(name, ANALYSIS) for name in QUANTITIES) == pytest.approx(2 * ANALYSIS.alpha)


def missed_at_one_look(step: StepCounts) -> bool:
    """Whether exact intervals of one look, as sure as the bands, leave out what is true."""
    bad = step.candidate.faults + step.mirrored.faults
    copies, told = step.mirrored, step.mirrored.requests - step.mirrored.faults
    odds = step.odds * TRUTH["faults"]
    pairs: tuple[tuple[BandName, int, int, float], ...] = (
        ("faults", bad, bad + step.control.faults, odds / (odds + 1)),
        ("disagreement", copies.disagreements, told, DIFFER),
        ("slower_copies", copies.slower, told, SLOWER),
    )
    for name, hits, of, truth in pairs:
        if of and stats.binomtest(hits, of, truth).pvalue < 1 - coverage(name, ANALYSIS):
            return True
    return False


def width(band: Band) -> float:
    return (band.high or math.inf) - (band.low or 0)


class TestAreTheTests:
    @pytest.mark.parametrize("settings", [{}, {"latency_ratio": 1.1, "max_shift": 0.0, "error_ratio": 1.3}])
    def test_which_fail_exactly_when_a_low_end_reaches_what_is_allowed(self, settings: dict[str, float]) -> None:
        analysis = Analysis.model_validate(settings)
        random = np.random.default_rng(3)
        seen = set()
        for _ in range(2):
            before: list[StepCounts] = []
            for step, quality, _now in counted(random, 9_000):
                steps = [*before, step]
                found = analyse(steps, analysis, expected=BEFORE, quality=quality)
                now = bands(steps, analysis, expected=BEFORE, quality=quality)
                reached = {
                    QUANTITIES[name].test for name, band in now.items() if band.reaches(limit(name, analysis, BEFORE))
                }
                assert {each.name for each in found.failed} == reached
                seen |= reached
                before = before or [step]
        assert {"faults", "strange", "disagreement", "quality"} <= seen

    def test_a_copy_that_takes_too_long_is_the_test_of_latency_as_well(self) -> None:
        step = StepCounts(
            share=0,
            mirror=1,
            control=ArmCounts(requests=100),
            mirrored=MirrorCounts(requests=100, timed=100, slower=90),
        )
        assert analyse([step], ANALYSIS, expected=BEFORE).failed[0].name == "latency"
        low = bands([step], ANALYSIS, expected=BEFORE)["slower_copies"].low
        assert 0.5 <= (low or 0) < 0.9


class TestBands:
    def test_narrow_around_what_is_counted(self) -> None:
        looks = [
            bands([step], ANALYSIS, expected=BEFORE, quality=quality)
            for step, quality, _ in counted(np.random.default_rng(5), 1_700)
        ]
        for name, band in looks[-1].items():
            assert (band.low or 0) <= (band.estimate or 0) <= (band.high or math.inf), name
            assert width(band) < 0.8 * width(looks[-5][name]), name

    def test_of_nothing_are_none(self) -> None:
        assert bands([], ANALYSIS, expected=BEFORE) == {}
        assert bands([StepCounts(share=0.5)], ANALYSIS, expected=BEFORE) == {}

    def test_of_what_nobody_failed_say_nothing_of_faults(self) -> None:
        step = StepCounts(share=0.5, control=ArmCounts(requests=500), candidate=ArmCounts(requests=500))
        assert "faults" not in bands([step], ANALYSIS, expected=BEFORE)

    def test_of_what_only_the_candidate_failed_have_no_high_end(self) -> None:
        step = StepCounts(share=0.5, control=ArmCounts(requests=100), candidate=ArmCounts(requests=100, faults=30))
        band = bands([step], ANALYSIS, expected=BEFORE)["faults"]
        assert (band.low or 0) > 1
        assert (band.estimate, band.high) == (None, None)

    def test_are_drawn_where_nothing_is_judged(self) -> None:
        step = StepCounts(
            share=0, mirror=1, control=ArmCounts(requests=400), mirrored=MirrorCounts(requests=400, disagreements=40)
        )
        assert limit("disagreement", ANALYSIS, Expected()) is None
        band = bands([step], ANALYSIS, expected=Expected())["disagreement"]
        assert (band.estimate, round(band.low or 0, 2), round(band.high or 0, 2)) == (0.1, 0.05, 0.17)

    def test_do_not_cross_where_steps_differ(self) -> None:
        good, bad = (
            StepCounts(
                share=0.5,
                control=ArmCounts(requests=3_000, faults=300),
                candidate=ArmCounts(requests=3_000, faults=faults),
            )
            for faults in (300, 3_000)
        )
        band = bands([good, bad], ANALYSIS, expected=BEFORE)["faults"]
        assert band == Band(estimate=band.low, low=band.low, high=band.low)

    def test_of_late_labels_are_wider_at_the_high_end_than_the_control_was_seen_to_be(self) -> None:
        part = Labelled(share=None, control_rows=1_000, control_wrong=100, candidate_rows=1_000, candidate_wrong=100)
        band = bands([], ANALYSIS, expected=BEFORE, quality=QualityCounts(parts=[part]))["quality"]
        assert (band.estimate, 0 < (band.low or 0) < 1) == (1.0, True)
        assert 1.3 < (band.high or 0) < 2.5
