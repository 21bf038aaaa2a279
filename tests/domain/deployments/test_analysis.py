"""The verdict on a candidate: what fails it, what it needs to pass, and what is not enough to say anything."""

from typing import Any

import pytest

from domain.deployments.analysis import analyse
from domain.deployments.evidence import (
    Analysed,
    Expected,
    FindingName,
    Labelled,
    QualityCounts,
    StepCounts,
    expect,
    total,
)
from domain.deployments.specs import LATENCY_EDGES_US, ArmCounts, MirrorCounts, TrialCounts
from domain.deployments.strategies import Analysis

BEFORE = Expected(rows=500, disagreement=0.0, chance=0.5, shift=0.0)
QUICK, SLOW = 20, 27  # places among the edges: seven are twice as long


def arm(requests: int, *, faults: int = 0, strange: int = 0, at: int = QUICK, yes: float = 0.5) -> ArmCounts:
    answered = requests - faults - strange
    times = [0] * (len(LATENCY_EDGES_US) + 1)
    times[at] = requests - faults
    answers = {"yes": round(answered * yes), "no": answered - round(answered * yes)}
    return ArmCounts(requests=requests, faults=faults, strange=strange, latency=times, answers=answers)


def copies(requests: int, **counts: Any) -> MirrorCounts:
    half = requests // 2
    return MirrorCounts.model_validate({"requests": requests, "answers": {"yes": half, "no": requests - half}} | counts)


def canary(
    control: ArmCounts, candidate: ArmCounts, mirrored: MirrorCounts | None = None, share: float = 0.05
) -> StepCounts:
    return StepCounts(
        share=share,
        mirror=0.1,
        control=control,
        candidate=candidate,
        mirrored=mirrored or copies(control.requests // 10),
    )


def judge(
    *steps: StepCounts, quality: QualityCounts | None = None, expected: Expected = BEFORE, **settings: Any
) -> Analysed:
    return analyse(steps, Analysis.model_validate(settings), expected=expected, quality=quality)


HEALTHY = canary(arm(9_500), arm(500))


class TestFails:
    @pytest.mark.parametrize(
        ("name", "step"),
        [
            ("faults", canary(arm(950), arm(50, faults=5))),
            ("faults", canary(arm(950), arm(0), copies(95, faults=4))),
            ("strange", canary(arm(950), arm(50, strange=5))),
            ("latency", canary(arm(950), arm(50, at=SLOW))),
            ("latency", StepCounts(share=0, mirror=1, control=arm(400), mirrored=copies(400, timed=100, slower=90))),
            ("disagreement", canary(arm(950), arm(50), copies(95, disagreements=50))),
            ("shift", canary(arm(3_800), arm(200, yes=1.0), copies(380, answers={"yes": 380}))),
        ],
    )  # fmt: skip
    def test_by_what_is_wrong_and_by_nothing_else(self, name: str, step: StepCounts) -> None:
        found = judge(step)
        assert found.verdict == "fail"
        assert [each.name for each in found.failed] == [name]
        assert "would show this at some time in fewer than 1 of" in found.failed[0].sentence

    def test_by_answers_that_turn_out_wrong(self) -> None:
        part = Labelled(share=0.05, control_rows=950, control_wrong=100, candidate_rows=50, candidate_wrong=40)
        found = judge(HEALTHY, quality=QualityCounts(parts=[part]))
        assert [each.name for each in found.failed] == ["quality"]

    def test_by_answers_that_turn_out_wrong_after_the_switch(self) -> None:
        part = Labelled(share=None, control_rows=1000, control_wrong=100, candidate_rows=200, candidate_wrong=60)
        assert judge(quality=QualityCounts(parts=[part])).verdict == "fail"

    def test_by_a_fault_that_began_in_the_second_step(self) -> None:
        first = canary(arm(19_000, faults=380), arm(1_000, faults=20), copies(1_900, faults=38))
        second = canary(arm(300, faults=6), arm(100, faults=30), copies(30), share=0.25)
        assert judge(first).verdict != "fail"
        assert judge(first, second).verdict == "fail"

    def test_an_answer_by_chance_even_if_it_was_so_before(self) -> None:
        before = Expected(rows=500, disagreement=0.5, chance=0.5, shift=0.0)
        assert judge(canary(arm(3_800), arm(200), copies(380, disagreements=200)), expected=before).verdict == "fail"

    def test_on_any_disagreement_where_none_is_allowed(self) -> None:
        assert judge(canary(arm(950), arm(50), copies(95, disagreements=1)), max_disagreement=0).verdict == "fail"


class TestDoesNotFail:
    def test_on_errors_that_both_have(self) -> None:
        step = canary(arm(9_500, faults=2_000), arm(500, faults=105), copies(950, faults=200))
        assert judge(step).verdict == "pass"

    def test_on_one_fault(self) -> None:
        assert judge(canary(arm(100), arm(5, faults=1))).verdict == "inconclusive"

    def test_on_times_within_the_ratio(self) -> None:
        assert judge(canary(arm(9_500), arm(500, at=QUICK + 4))).verdict == "pass"

    def test_on_twice_the_time_where_that_is_allowed(self) -> None:
        assert judge(canary(arm(9_500), arm(500, at=SLOW)), latency_ratio=2.0).verdict == "pass"

    def test_on_as_much_disagreement_as_before(self) -> None:
        before = Expected(rows=500, disagreement=0.2, chance=0.5, shift=0.0)
        assert judge(canary(arm(9_500), arm(500), copies(950, disagreements=200)), expected=before).verdict == "pass"

    def test_on_disagreement_of_which_nothing_was_known(self) -> None:
        found = judge(canary(arm(9_500), arm(500), copies(950, disagreements=400)), expected=Expected())
        assert found.verdict == "pass"
        assert next(each for each in found.findings if each.name == "disagreement").verdict == "inconclusive"


class TestPasses:
    def test_with_enough_requests_and_nothing_against_it(self) -> None:
        found = judge(HEALTHY)
        assert (found.verdict, found.waits_for) == ("pass", [])

    def test_a_shadow_by_its_copies(self) -> None:
        assert (
            judge(StepCounts(share=0, mirror=1, control=arm(1000), mirrored=copies(1000, timed=250))).verdict == "pass"
        )

    @pytest.mark.parametrize(
        "step",
        [
            StepCounts(share=0.05),
            StepCounts(share=0, mirror=1),
            StepCounts(share=0, mirror=0, control=arm(100_000)),
            canary(arm(3_000), arm(150)),
            canary(arm(0), arm(100_000), share=0.5),
            canary(arm(100_000), arm(0), MirrorCounts(dropped=10_000)),
        ],
    )
    def test_not_with_no_or_too_little_traffic_in_either_arm(self, step: StepCounts) -> None:
        found = judge(step)
        assert found.verdict == "inconclusive"
        assert found.waits_for

    def test_not_while_nobody_has_answered_anything(self) -> None:
        assert judge(canary(arm(3, faults=3), arm(2, faults=2), MirrorCounts(), share=0.5)).verdict == "inconclusive"

    def test_not_before_anything_was_counted(self) -> None:
        assert judge().verdict == "inconclusive"

    def test_not_on_evidence_that_mounts(self) -> None:
        found = judge(canary(arm(9_500), arm(500, faults=2), copies(950)))
        assert found.verdict == "inconclusive"
        assert found.waits_for == ["Faults: more evidence, one way or the other."]

    def test_not_before_gross_faults_would_have_shown(self) -> None:
        found = judge(canary(arm(50), arm(50), copies(5), share=0.5), min_samples=50)
        assert found.verdict == "inconclusive"
        assert any("to tell faults" in each for each in found.waits_for)
        assert any("to tell by where the two disagree" in each for each in found.waits_for)


class TestNonInferior:
    def test_takes_longer_to_show(self) -> None:
        found = judge(HEALTHY, require="non_inferior")
        assert found.verdict == "inconclusive" or all((each.non_inferior or 20) >= 20 for each in found.findings)
        many = canary(arm(95_000), arm(5_000))
        assert judge(many, require="non_inferior").verdict == "pass"

    def test_is_not_shown_by_few_requests(self) -> None:
        found = judge(canary(arm(3_800), arm(200)), require="non_inferior")
        assert any(each.startswith("Evidence that it is no worse by faults") for each in found.waits_for)

    def test_is_not_shown_by_a_candidate_that_may_be_twice_as_bad(self) -> None:
        worse = canary(arm(9_500, faults=95), arm(500, faults=10), copies(950, faults=17))
        found = judge(worse, require="non_inferior")
        assert found.verdict == "inconclusive"
        assert any(each.startswith("Evidence that it is no worse by faults") for each in found.waits_for)


class TestTotal:
    def test_adds_all_processes(self) -> None:
        def counted(instance: str) -> TrialCounts:
            return TrialCounts(
                instance=instance, at=1.0, rollout_id="r", step=0, control=arm(10), mirror=copies(4, disagreements=1)
            )

        found = total(
            [counted("a"), counted("b"), TrialCounts(instance="c", at=1.0, rollout_id="r", step=0)],
            share=0.1,
            mirror=0.2,
        )
        assert (found.control.requests, found.control.answers, found.control.latency[QUICK]) == (
            20,
            {"yes": 10, "no": 10},
            20,
        )
        assert (found.mirrored.requests, found.mirrored.disagreements) == (8, 2)
        assert found.candidate == ArmCounts()

    def test_of_no_process_is_nothing(self) -> None:
        assert total([], share=0.1, mirror=0.2) == StepCounts(share=0.1, mirror=0.2)


def test_what_to_expect_is_counted_from_pairs() -> None:
    pairs: list[tuple[str, str]] = [("a", "a")] * 6 + [("a", "b")] * 2 + [("b", "b")] * 2
    assert expect(pairs, disagreements=2, numbers=False) == Expected(
        rows=10, disagreement=0.2, chance=1 - 0.56, shift=0.2
    )
    assert expect([], disagreements=0, numbers=True) == Expected()


def test_each_finding_is_there_with_its_share_of_alpha() -> None:
    found = judge(HEALTHY).findings
    names: set[FindingName] = {"faults", "strange", "latency", "disagreement", "shift", "quality"}
    assert {each.name for each in found} == names
    assert sum(1 / each.fails_at for each in found) == pytest.approx(0.05)


class TestStrangers:
    """Half of the copies are answered alike by a version that guesses; before the rollout it did so too."""

    EXPECTED = Expected(rows=500, disagreement=0.5, chance=0.5, shift=0.0)

    def test_one_that_guesses_does_not_pass_by_good_luck(self) -> None:
        rows = copies(100, disagreements=36)  # three standard errors below what it does in the long run
        found = judge(canary(arm(1_000), arm(1_000), rows, share=0.5), expected=self.EXPECTED)
        assert found.verdict == "inconclusive"
        assert "agree more than by chance" in found.waits_for[-1]

    def test_one_that_differs_often_passes_once_it_is_clear_that_it_does_not_guess(self) -> None:
        rows = copies(400, disagreements=100)
        found = judge(canary(arm(4_000), arm(4_000), rows, share=0.5), expected=self.EXPECTED)
        assert found.verdict == "pass"
