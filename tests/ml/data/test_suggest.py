"""Suggested suites on tables: each passes on the table it was made from, and fails on a spoiled copy of it."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from domain.data_checks.specs import CheckSuite
from domain.data_checks.suggest import Suggestion, suggest
from domain.datasets.specs import TableProfile
from domain.errors import NotFound
from ml.checks.suite import run_suite
from ml.profile import profile
from tests.ml.data.expectations import ADULTS, bikes

RANDOM = np.random.default_rng(3)
ROWS = 400


def suggested(table: pl.DataFrame, target: str | None = None) -> Suggestion:
    return suggest(profile(table.lazy()), target=target)


def broken(table: pl.DataFrame, suite: CheckSuite, before: pl.DataFrame | None = None) -> dict[str, str]:
    """Name and message of the checks that do not pass."""
    results = run_suite(table.lazy(), suite, lambda _: before.lazy() if before is not None else None)
    return {result.name: result.message for result in results if result.verdict != "pass"}


def odd(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame(columns, strict=False)


PEOPLE = pl.DataFrame(
    {
        "person_id": range(ROWS),
        "city": RANDOM.choice(["Bonn", "Cork", "Lyon"], ROWS),
        "age": RANDOM.integers(18, 90, ROWS),
        "income": np.round(RANDOM.lognormal(10, 1, ROWS), 2),
        "share": RANDOM.beta(2, 2, ROWS),
        "score": [None if at % 20 == 0 else float(value) for at, value in enumerate(RANDOM.normal(size=ROWS))],
        "joined": [datetime.fromisoformat("2024-01-01") + timedelta(days=at) for at in range(ROWS)],
        "label": RANDOM.choice(["no", "yes"], ROWS, p=[0.8, 0.2]),
    }
)
ODD = {
    "one row": odd(a=[1], b=["x"], c=[1.5], d=[True], e=[None]),
    "all null": odd(a=[None] * 50, b=[1] * 50),
    "only nulls": odd(a=[None] * 50),
    "constants": odd(i=[7] * 50, f=[0.1] * 50, s=["x"] * 50, b=[True] * 50, z=[0] * 50),
    "empty strings": odd(s=["", "a"] * 40, t=[""] * 80),
    "huge integers": odd(
        i=[2**53 + at for at in range(60)], k=[2**63 - 1 - at % 3 for at in range(60)], c=[2**53 + 1] * 60
    ),
    "unsigned": odd(u=pl.Series([2**64 - 1, 0] * 30, dtype=pl.UInt64)),
    "unicode names": odd(
        **{"größe": range(60), "名前": ["a", "b"] * 30, "a\"b'c`d": [1.5, 2.5] * 30, "a\nb": [1, 2] * 30}
    ),
    "infinities": odd(f=[math.inf, 1.0, 2.0] * 20, g=[math.inf] * 60, n=[math.nan, 1.0] * 30, h=[-math.inf, 0.0] * 30),
    "nearly infinite": odd(f=[1.7e308, -1.7e308] * 30, g=[1.7e308, 1.6e308] * 30, t=[5e-324, 1e-323] * 30),
    "tiny beside large": odd(f=[1e9 + at * 1e-6 for at in range(60)], g=[-1e-9 * at for at in range(60)]),
    "nearly all null": odd(a=[1] + [None] * 99, b=["x"] + [None] * 99),
    "two rows": odd(y=["a", "b"], x=[1.0, 2.0]),
    "words of yaml": odd(s=["no", "yes", "on", "null", "1", "1.0", "~", "true"] * 20),
    "seen once": odd(s=["a"] * 59 + ["b"], n=[1] * 59 + [2]),
    "texts": odd(s=[f"text {at}" for at in range(60)], t=[f"t{at % 30}" for at in range(60)]),
}
TABLES = {"bikes": bikes(), "adults": ADULTS, "people": PEOPLE, **ODD}


class TestSuggest:
    @pytest.mark.parametrize("name", TABLES)
    def test_passes_on_the_table_it_was_made_from(self, name: str) -> None:
        table = TABLES[name]
        facts = profile(table.lazy())
        for target in [None, *table.columns[:20]]:
            found = suggest(facts, target=target)
            assert broken(table, found.suite) == {}, target
            assert len(found.reasons) == len(found.suite.checks) > 0
            assert CheckSuite.model_validate_json(found.suite.model_dump_json()) == found.suite

    @pytest.mark.parametrize("seed", range(20))
    def test_passes_on_whatever_table(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        size = int(random.integers(1, 300))
        scale, shift = 10.0 ** random.integers(-12, 15), 10.0 ** random.integers(-12, 15) * random.choice([-1, 0, 1])
        table = pl.DataFrame(
            {
                "f": random.normal(size=size) * scale + shift,
                "i": random.integers(-(10 ** random.integers(1, 18)), 10 ** random.integers(1, 18), size),
                "c": random.choice(["a", "b", "c", ""], size),
                "k": random.permutation(size),
                "g": [None if random.random() < 0.3 else float(value) for value in random.exponential(scale, size)],
            }
        )
        facts = profile(table.lazy())
        for target in (None, *table.columns):
            assert broken(table, suggest(facts, target=target).suite) == {}

    @pytest.mark.parametrize(
        ("spoil", "named"),
        [
            (lambda table: table.drop("age"), "schema"),
            (lambda table: table.with_columns(pl.col("age").cast(pl.String)), "schema"),
            (lambda table: table.head(ROWS // 3), "row_count"),
            (lambda table: pl.concat([table, table.head(1)]), "unique(person_id)"),
            (lambda table: table.with_columns(city=pl.when(pl.col("person_id") > 3).then("city")), "not_null"),
            (lambda table: table.with_columns(city=pl.lit("Rome")), "in_set(city)"),
            (lambda table: table.with_columns(age=pl.col("age") * 10), "in_range(age)"),
            (lambda table: table.with_columns(age=-pl.col("age")), "in_range(age)"),
            (lambda table: table.with_columns(share=pl.col("share") + 0.5), "in_range(share)"),
            (
                lambda table: table.with_columns(score=pl.when(pl.col("person_id") > 90).then("score")),
                "not_null(score)",
            ),
            (lambda table: table.with_columns(label=pl.lit("no")), "target_balance(label)"),
        ],
    )
    def test_fails_on_a_spoiled_copy(self, spoil: Callable[[pl.DataFrame], pl.DataFrame], named: str) -> None:
        failing = broken(spoil(PEOPLE), suggested(PEOPLE, "label").suite)
        assert any(name.startswith(named) for name in failing), failing

    @pytest.mark.parametrize("seed", range(5))
    def test_from_one_half_of_a_table_passes_on_the_other(self, seed: int) -> None:
        shuffled = bikes().sample(fraction=1, shuffle=True, seed=seed)
        first, second = shuffled.head(8_700), shuffled.tail(8_600)
        # A weather of 4 is in three of the 17,379 rows: no half can know of it when the other has them all.
        assert set(broken(second, suggested(first, "cnt").suite, before=first)) <= {"in_set(weathersit)"}

    def test_warns_of_a_moved_column_against_the_version_before(self) -> None:
        suite = suggested(PEOPLE).suite
        moved = PEOPLE.with_columns(age=pl.lit(60) + pl.col("age") % 5)
        assert any(name.startswith("drift") for name in broken(moved, suite, before=PEOPLE))
        assert broken(PEOPLE, suite, before=PEOPLE) == {}

    def test_says_what_the_mean_of_a_numeric_target_may_be(self) -> None:
        suite = suggested(bikes(), "cnt").suite
        doubled = bikes().with_columns(cnt=pl.col("cnt") * 2)
        assert "target_range(cnt)" in broken(doubled, suite)

    def test_says_why_and_what_was_left_out(self) -> None:
        found = suggested(PEOPLE, "label")
        said = {check.check: reason for check, reason in zip(found.suite.checks, found.reasons, strict=True)}
        assert said["row_count"].startswith("Half of the 400 rows")
        assert said["target_balance"].startswith("The rarest of 2 classes is 'yes' with ")
        left = {one.about: one.why for one in found.left_out}
        assert left["joined"].startswith("Times move on")
        assert left["leakage"].startswith("A profile cannot say")
        assert "target" not in left
        assert "target" in {one.about for one in suggested(PEOPLE).left_out}

    def test_is_in_doubt_of_keys_and_sets_that_chance_may_have_made(self) -> None:
        by_chance = odd(weight=[(at * 7919) % 100_003 for at in range(200)], s=["a"] * 199 + ["b"])
        found = suggested(by_chance)
        (key,) = [check for check in found.suite.checks if check.check == "unique"]
        assert key.severity == "warn"
        assert {one.about: one.why for one in found.left_out}["s"].startswith("'b' occurs once")

    def test_of_a_very_wide_table_is_a_suite_that_can_be_set(self) -> None:
        one = profile(pl.LazyFrame({"c": [1.5, None, 2.5] * 20})).columns[0]
        wide = [one.model_copy(update={"name": f"c{at}"}) for at in range(700)]
        found = suggest(TableProfile(rows=60, columns=wide))
        assert len(found.suite.checks) == 1_000
        assert found.left_out[-1].about == "checks"

    def test_refuses_a_target_that_is_no_column(self) -> None:
        with pytest.raises(NotFound) as refused:
            suggested(PEOPLE, "labl")
        assert refused.value.fix == "Did you mean 'label'?"
