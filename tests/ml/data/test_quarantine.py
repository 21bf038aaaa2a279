"""Rows told apart by checks: each in exactly one part, whatever nulls and expressions do."""

from typing import Any

import polars as pl
import pytest

from domain.data_checks.specs import CheckSuite
from ml.quarantine import Split, split

ROWS = pl.DataFrame(
    {"id": [1, 2, 2, None, None], "x": [0.5, float("nan"), 9.0, None, 2.0], "word": ["a", "b", None, "c", "a"]}
)


def parted(*checks: dict[str, Any]) -> Split:
    suite = CheckSuite.model_validate({"checks": list(checks)})
    return split(ROWS.lazy(), [(f"c{place}", check) for place, check in enumerate(suite.checks)], "failed")


@pytest.mark.parametrize(
    ("check", "failing"),
    [
        ({"check": "not_null", "columns": ["x", "word"]}, [1, 2, 3]),
        ({"check": "in_range", "column": "x", "min": 0, "max": 5}, [1, 2]),
        ({"check": "in_set", "column": "word", "values": ["a", "b"]}, [3]),
        ({"check": "unique", "columns": ["id"]}, [2, 4]),
        ({"check": "expression", "where": "x < 1"}, [1, 2, 4]),
        ({"check": "row_count", "min": 100}, []),
        ({"check": "not_null", "columns": ["nope"]}, []),
        ({"check": "not_null", "columns": ["id"], "max_share": 0.5}, []),
    ],
)
def test_a_check_blames_its_rows_and_leaves_the_others(check: dict[str, Any], failing: list[int]) -> None:
    parts = parted(check)
    numbered = ROWS.with_row_index()
    expected = [place in failing for place in range(ROWS.height)]
    assert parts.failing.drop("failed", strict=False).equals(numbered.filter(expected).drop("index"))
    assert parts.clean.equals(numbered.filter([not bad for bad in expected]).drop("index"))
    assert parts.counts == ({"c0": len(failing)} if failing else {})


def test_a_row_names_every_check_it_failed() -> None:
    parts = parted(
        {"check": "in_range", "column": "x", "max": 5},
        {"check": "unique", "columns": ["id"]},
        {"check": "not_null", "columns": ["word"]},
    )
    assert parts.failing["failed"].to_list() == ["c0", "c0; c1; c2", "c1"]
    assert parts.counts == {"c0": 2, "c1": 2, "c2": 1}
