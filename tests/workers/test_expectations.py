"""Suites of Great Expectations in their own process, beside our own checks, and what stops them."""

from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from domain.data_checks.specs import CheckResult, GreatExpectationsCheck
from tests.api.answers import put_version
from tests.conftest import Drain
from workers.expectations import run_apart

TABLE = pl.LazyFrame({"age": [31, 45], "text": ["a" * 40 + "!", "b"]})


def check(*expectations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"check": "great_expectations", "suite": {"name": "team", "expectations": list(expectations)}, **more}


def apart(scratch: Path, *checks: dict[str, Any], **more: Any) -> list[list[CheckResult]]:
    return run_apart(TABLE, [GreatExpectationsCheck.model_validate(one) for one in checks], scratch, **more)


OLD_ENOUGH = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "age", "min_value": 40}}
COUNTED = {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 3}, "severity": "warning"}


@pytest.mark.slow
class TestRun:
    def test_results_stand_beside_ours_in_the_order_of_the_suite(self, client: httpx.Client, drain: Drain) -> None:
        client.post("datasets", json={"name": "people"})
        ours = [{"check": "row_count", "min": 1}, {"check": "in_range", "column": "age", "max": 99}]
        suite = {"checks": [ours[0], check(OLD_ENOUGH, COUNTED, name="team"), ours[1], check(COUNTED)]}
        assert client.put("datasets/people/check-suite", json=suite).status_code == 200
        put_version(client, "people", b"age\n31\n45\n")
        drain()
        report = client.get("datasets/people/versions/1/checks").json()
        assert [(result["name"], result["verdict"]) for result in report["results"]] == [
            ("readable", "pass"),
            ("row_count", "pass"),
            ("team: expect_column_values_to_be_between(age)", "fail"),
            ("team: expect_table_row_count_to_equal", "warn"),
            ("in_range(age)", "pass"),
            ("expect_table_row_count_to_equal", "warn"),
        ]
        assert report["results"][2]["failing_rows"] == [{"age": 31, "row": 0}]
        version = client.get("datasets/people/versions/1").json()
        assert version["state"] == "rejected"
        assert version["reasons"][0].startswith("team: expect_column_values_to_be_between(age): 1 of 2 values")

    def test_a_pattern_without_end_is_stopped(self, tmp_path: Path) -> None:
        endless = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "text", "regex": "(?=(a+)+$)"}}
        ((result,),) = apart(tmp_path, check(endless), seconds=8)
        assert (result.verdict, result.message) == (
            "fail",
            "Great Expectations was stopped: it took more than 8 seconds.",
        )

    def test_what_breaks_the_process_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "great_expectations.py").write_text("raise MemoryError('no room')\n")
        monkeypatch.syspath_prepend(tmp_path)
        ((result,),) = apart(tmp_path, check(OLD_ENOUGH, severity="warn"))
        assert (result.verdict, result.message) == ("warn", "Great Expectations broke off: MemoryError: no room.")


def test_without_the_library_the_check_fails_and_says_what_to_install(tmp_path: Path) -> None:
    ((first,), (second,)) = apart(
        tmp_path, check(OLD_ENOUGH, COUNTED), check(COUNTED, name="t"), library="no_such_library"
    )
    assert (first.verdict, first.name, second.name) == ("fail", "great_expectations(team)", "t")
    assert first.message.endswith("install millrace[quality].")
