"""Fairness by hand: forty people in two groups, every share counted, under each definition."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from domain.model_checks.specs import ModelCheckResult
from ml.estimates import newcombe
from tests.ml.model_checks.told import Told, judge, refusal

# Per group: (truth, answer) -> people. In a: 10 of 20 true, 12 answered yes; in b: 8 of 20 true, 6 answered yes.
COUNTS = {
    "a": {("yes", "yes"): 9, ("yes", "no"): 1, ("no", "yes"): 3, ("no", "no"): 7},
    "b": {("yes", "yes"): 4, ("yes", "no"): 4, ("no", "yes"): 2, ("no", "no"): 10},
}
PEOPLE = pl.DataFrame(
    [
        {"group": group, "y": truth, "x": float(answer == "yes"), "number": number}
        for group, counts in COUNTS.items()
        for (truth, answer), people in counts.items()
        for number in range(people)
    ]
)


def told() -> Told:
    return Told(lambda columns: np.stack([1 - columns["x"], columns["x"]], axis=1), ["x"], ["no", "yes"])


def fairness(definition: str, frame: pl.DataFrame = PEOPLE, **rest: Any) -> ModelCheckResult:
    rest = {"by": "group", "favourable": "yes", "min_rows": 8, **rest}
    return judge({"check": "fairness", "definition": definition, **rest}, told(), frame)


class TestByHand:
    @pytest.mark.parametrize(
        ("definition", "ours", "theirs"),
        [
            ("demographic_parity", (12, 20), (6, 20)),
            ("equal_opportunity", (9, 10), (4, 8)),
            ("equalized_odds", (9, 10), (4, 8)),  # the false positives, 3 of 10 and 2 of 12, are closer
        ],
    )
    def test_the_gap_is_that_of_the_counted_shares(
        self, definition: str, ours: tuple[int, int], theirs: tuple[int, int]
    ) -> None:
        result = fairness(definition)
        assert result.value == pytest.approx(ours[0] / ours[1] - theirs[0] / theirs[1])
        assert (result.low, result.high) == pytest.approx(newcombe(ours, theirs))
        assert result.verdict == "fail"

    def test_predictive_parity_counts_those_answered_yes(self) -> None:
        result = fairness("predictive_parity", min_rows=6)
        assert result.value == pytest.approx(9 / 12 - 4 / 6)

    def test_equalized_odds_takes_the_wider_of_its_two_gaps(self) -> None:
        turned = PEOPLE.with_columns(y=pl.col("y").replace({"yes": "no", "no": "yes"}))
        result = fairness("equalized_odds", turned, min_rows=8)
        assert result.value == pytest.approx(9 / 10 - 4 / 8)
        assert "those who are not" in result.message

    def test_metric_parity_is_a_share_of_the_metric_on_all(self) -> None:
        result = fairness("metric_parity", favourable=None, metric="accuracy", max_gap=0.2)
        assert result.value == pytest.approx((16 / 20 - 14 / 20) / (30 / 40))
        assert (result.low, result.high) == pytest.approx([end / (30 / 40) for end in newcombe((16, 20), (14, 20))])
        assert result.verdict == "pass"

    def test_metric_parity_of_f1_where_a_group_is_never_right_has_no_interval(self) -> None:
        never = PEOPLE.with_columns(x=pl.when(pl.col("group") == "b").then(0.0).otherwise(pl.col("x")))
        result = fairness("metric_parity", never, favourable=None, metric="f1")
        assert (result.verdict, result.low, result.high) == ("fail", None, None)

    def test_has_a_table_of_the_groups(self) -> None:
        [table] = fairness("demographic_parity").details["rates"].values()
        assert [(one["group"], one["rows"], one["value"], one["judged"]) for one in table] == [
            ("a", 20, 0.6, True),
            ("b", 20, 0.3, True),
        ]


class TestGroups:
    def test_that_are_small_are_named_and_not_judged(self) -> None:
        more = pl.concat([PEOPLE, PEOPLE.head(3).with_columns(group=pl.lit("c"))])
        result = fairness("demographic_parity", more)
        assert result.value == pytest.approx(0.3)
        assert "Not judged, with fewer than 8 rows: c." in result.message

    def test_one_alone_is_inconclusive(self) -> None:
        result = fairness("equal_opportunity", min_rows=9)
        assert (result.verdict, "Fewer than two groups of 'group' have 9 rows" in result.message) == (
            "inconclusive",
            True,
        )

    def test_one_side_of_equalized_odds_alone_is_inconclusive(self) -> None:
        assert fairness("equalized_odds", min_rows=10).verdict == "inconclusive"

    def test_of_a_number_of_many_values_are_quarters_and_this_is_said(self) -> None:
        ages = pl.concat([PEOPLE] * 5).with_row_index("age")
        result = fairness("demographic_parity", ages, by="age")
        assert "'age' has many values and was cut into quarters." in result.message
        assert [one["rows"] for one in next(iter(result.details["rates"].values()))] == [50] * 4

    def test_of_three_widen_the_interval_for_the_choice_of_two(self) -> None:
        three = pl.concat([PEOPLE, PEOPLE.filter(pl.col("group") == "b").with_columns(group=pl.lit("c"))])
        two, more = fairness("demographic_parity"), fairness("demographic_parity", three)
        assert two.value == more.value
        assert (more.low or 0) < (two.low or 0)

    def test_that_are_alike_are_both_named(self) -> None:
        first = PEOPLE.filter(pl.col("group") == "a")
        result = fairness("demographic_parity", pl.concat([first, first.with_columns(group=pl.lit("c"))]))
        assert result.value == 0
        assert "for c (20 rows) and 0.6 for a (20 rows)" in result.message

    def test_a_gap_that_more_rows_could_lessen_is_said(self) -> None:
        assert "The interval reaches below the bound" in fairness("demographic_parity", max_gap=0.25).message


class TestBadInput:
    def test_a_label_that_does_not_occur_is_refused_with_a_near_match(self) -> None:
        frame = PEOPLE
        words = refusal({"check": "fairness", "by": "group", "favourable": "yess"}, told(), frame)
        assert "The favourable label 'yess' does not occur. Did you mean \"'yes'\"?" in words

    @pytest.mark.parametrize("label", [1, True])
    def test_a_number_is_no_label_of_text(self, label: Any) -> None:
        words = refusal({"check": "fairness", "by": "group", "favourable": label}, told(), PEOPLE)
        assert f"The favourable label {label!r} does not occur. There are 'no', 'yes'." in words
