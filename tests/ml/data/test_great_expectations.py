"""Great Expectations itself beside our own checks, and its suites translated: the verdicts are the same."""

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from domain.data_checks.specs import CheckResult, ExpectationSuite, GreatExpectationsCheck
from domain.data_checks.translate import translate
from ml.checks.great_expectations import run_expectations
from ml.checks.suite import run_suite
from tests.ml.data.expectations import ADULTS, OF_ADULTS, OF_BIKES, bikes


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")


def expect(table: pl.DataFrame, asked: ExpectationSuite, **more: Any) -> list[CheckResult]:
    return run_expectations(table.lazy(), GreatExpectationsCheck(suite=asked, **more))


def verdicts_of_ours(table: pl.DataFrame, asked: ExpectationSuite) -> Iterator[tuple[str, str, str]]:
    """For each expectation, translated alone: its verdict, its checks as they came out, what was remarked."""
    for expectation in asked.expectations:
        alone = translate(ExpectationSuite(expectations=[expectation]))
        results = run_suite(table.lazy(), alone.suite, lambda _: None)
        worst = max((result.verdict for result in results), key=["pass", "warn", "fail"].index, default="none")
        yield worst, " ".join(f"{result.name}: {result.message}" for result in results), str(alone.remarks)


@pytest.mark.parametrize(("table", "asked"), [(bikes(), OF_BIKES), (ADULTS, OF_ADULTS)], ids=["bikes", "adults"])
def test_a_translated_suite_gives_the_verdicts_of_the_library(table: pl.DataFrame, asked: ExpectationSuite) -> None:
    theirs = expect(table, asked)
    apart = [
        f"{result.name}: {result.verdict} ({result.message}) there, {verdict} ({said}) here; {remarks}"
        for result, (verdict, said, remarks) in zip(theirs, verdicts_of_ours(table, asked), strict=True)
        if result.verdict != verdict
    ]
    assert apart == []
    assert {result.verdict for result in theirs} >= {"pass", "fail"}
