"""A predicate asks about the columns of its table, and can reach nothing else."""

from pathlib import Path

import polars as pl
import pytest

from ml.predicates import BadExpression, predicate, row_predicate

TABLE = pl.LazyFrame({"age": [10, 20], "hours-per-week": [1, 2], "from here": ["x", "y"]})


@pytest.mark.parametrize(
    "sql",
    [
        "age IN (SELECT secret FROM read_csv('{path}'))",
        "age IN (FROM read_csv('{path}'))",
        "age IN (SELECT secret FROM `READ_CSV`('{path}'))",
        "'\\' = (SELECT secret FROM read_csv('{path}'))",
        "EXISTS (SELECT 1)",
        "age IN (VALUES (1))",
        "age = ANY(SELECT 1)",
        "age IN (WITH x AS (SELECT 1) SELECT * FROM x)",
    ],
)
def test_refuses_subqueries_and_files(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("secret\n20\n")
    with pytest.raises(BadExpression) as refused:
        predicate(sql.format(path=path))
    assert "subquery" in refused.value.message


@pytest.mark.parametrize(
    ("sql", "kept"),
    [
        ("age > 15", [20]),
        ('"hours-per-week" = 1', [10]),
        ("\"from here\" = 'x'", [10]),
        ("\"from here\" <> 'from y'", [10, 20]),
    ],
)
def test_selects_rows(sql: str, kept: list[int]) -> None:
    assert TABLE.filter(row_predicate(sql, TABLE)).collect()["age"].to_list() == kept


def test_extract_from_a_time_is_no_subquery() -> None:
    times = pl.LazyFrame({"t": ["2024-05-01", "2023-05-01"]}).with_columns(pl.col("t").str.to_datetime())
    assert times.filter(row_predicate("EXTRACT(year FROM t) = 2024", times)).collect().height == 1


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("age <", "cannot be parsed"),
        ("", "cannot be parsed"),
        ("age < 3; age > 4", "cannot be parsed"),
        ("agee < 3", "Did you mean 'age'"),
        ("zzz < 3", "single quotes"),
        ("age < 'x'", "does not fit"),
        ("age + 1", "not true or false"),
        ("sum(age) > 3", "whole table"),
    ],
)
def test_refuses_what_is_no_question_about_a_row(sql: str, words: str) -> None:
    with pytest.raises(BadExpression, match=words):
        row_predicate(sql, TABLE)
