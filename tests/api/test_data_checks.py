"""Check suites over HTTP: set, read, and refused with the exact place of what is wrong."""

from typing import Any

import httpx
import pytest
import yaml

from tests.api.answers import put_version, refused
from tests.conftest import Drain

EXISTS = {"type": "expect_column_to_exist", "kwargs": {"column": "a"}}
FIRST = "body.checks.1.suite.expectations.0"


def library(expectation: dict[str, Any]) -> dict[str, Any]:
    return {"check": "great_expectations", "suite": {"name": "team", "expectations": [expectation]}}


class TestCheckSuite:
    def test_is_empty_until_it_is_set(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "a"})
        assert client.get("datasets/a/check-suite").json() == {"version": 0, "engine": "auto", "checks": []}

    def test_comes_back_with_its_engine(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "a"})
        client.put("datasets/a/check-suite", json={"engine": "polars", "checks": []})
        assert client.get("datasets/a/check-suite").json()["engine"] == "polars"

    def test_takes_yaml_and_json_alike(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "a"})
        suite = {"checks": [{"check": "in_range", "column": "seen", "min": "2011-01-01", "max": "2011-12-31"}]}
        text = b"checks:\n  - {check: in_range, column: seen, min: 2011-01-01, max: 2011-12-31}\n"
        by_yaml = client.put("datasets/a/check-suite", content=text, headers={"content-type": "application/yaml"})
        by_json = client.put("datasets/a/check-suite", json=suite)
        assert by_yaml.status_code == by_json.status_code == 200
        assert by_yaml.json() == by_json.json()
        assert by_json.json()["version"] == 1
        assert by_json.json()["checks"][0]["min"] == "2011-01-01"

    def test_refuses_a_caller_who_saw_another_suite(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "a"})
        one, two = ({"checks": [{"check": "row_count", "min": least}]} for least in (1, 2))
        client.put("datasets/a/check-suite", json=one, headers={"If-Match": '"0"'})
        refused(client.put("datasets/a/check-suite", json=two, headers={"If-Match": '"0"'}), 412, "stale")

    @pytest.mark.parametrize(
        ("check", "where"),
        [
            ({"check": "in_range", "column": "a", "min": 1, "max": "b", "mx": 3}, "body.checks.1.mx"),
            ({"check": "in_range", "column": "a", "max": [1]}, "body.checks.1.max"),
            ({"check": "in_range", "column": "a"}, "body.checks.1"),
            ({"check": "in_range", "min": 1}, "body.checks.1.column"),
            ({"check": "inrange"}, "body.checks.1"),
            ({"column": "a"}, "body.checks.1"),
            ({"check": "not_null", "columns": []}, "body.checks.1.columns"),
            ({"check": "not_null", "columns": ["a"], "max_share": 2}, "body.checks.1.max_share"),
            ({"check": "schema", "columns": {"a": "integr"}}, "body.checks.1.columns.a"),
            ({"check": "drift", "against": 10**30}, "body.checks.1.against"),
            ({"check": "row_count", "severity": "fatal"}, "body.checks.1.severity"),
            (7, "body.checks.1"),
            ({"check": "great_expectations", "suite": "suite.json"}, "body.checks.1.suite"),
            ({"check": "great_expectations"}, "body.checks.1.suite"),
            (library({}), f"{FIRST}.type"),
            (library({"type": "expect_column_values_to_be_betwen"}), f"{FIRST}.type"),
            (library({"type": "unexpected_rows_expectation"}), f"{FIRST}.type"),
            (library({"expectation_type": "expect_column_to_exist"}), FIRST),
            (library({**EXISTS, "kwargs": {}}), f"{FIRST}.kwargs"),
            (library({**EXISTS, "kwargs": {"column": ["a"]}}), f"{FIRST}.kwargs"),
            (library({**EXISTS, "x": 1}), f"{FIRST}.x"),
            (library({**EXISTS, "severity": "fatal"}), f"{FIRST}.severity"),
            (library({**EXISTS, "kwargs": {"column": "a", "row_condition": "@pd.x == 1"}}), f"{FIRST}.kwargs"),
            (library({**EXISTS, "kwargs": {"column": "a", "x": {"$PARAMETER": "y"}}}), f"{FIRST}.kwargs"),
            (library({**EXISTS, "kwargs": {"column": "a", "json_schema": {"$ref": "http://h"}}}), f"{FIRST}.kwargs"),
            ({"check": "great_expectations", "suite": {"expectations": []}}, "body.checks.1.suite.expectations"),
            ({"check": "great_expectations", "suite": {"expectations": [EXISTS], "y": 1}}, "body.checks.1.suite.y"),
            ({"check": "statistic", "column": "a", "statistic": "mean"}, "body.checks.1"),
            ({"check": "statistic", "column": "a", "statistic": "mode", "min": 1}, "body.checks.1.statistic"),
            ({"check": "columns", "columns": []}, "body.checks.1.columns"),
        ],
    )
    def test_refuses_a_bad_check_with_its_place(self, client: httpx.Client, check: Any, where: str) -> None:
        client.post("datasets", json={"name": "a"})
        suite = {"checks": [{"check": "row_count", "min": 1}, check]}
        assert refused(client.put("datasets/a/check-suite", json=suite), 422, "invalid_request")["where"] == where
        text = yaml.safe_dump(suite).encode()
        answer = client.put("datasets/a/check-suite", content=text, headers={"content-type": "application/yaml"})
        assert refused(answer, 422, "invalid_request")["where"] == where
        assert client.get("datasets/a/check-suite").json()["version"] == 0

    @pytest.mark.parametrize(
        ("text", "where"),
        [
            (b"checks:\n  - {check: row_count", "line 2, column 22"),
            (b"checks:\n\t- a", "line 2, column 1"),
            (b"checks: &a [*a]", "line 1, column 9"),
            (b"checks: []\nchecks: []", "line 2, column 1"),
            (b"checks:\n  - {check: row_count, min: .nan}", "line 2, column 29"),
            (b"? [a]\n: b", "line 1, column 3"),
            (b"\xff\xfe\x00", "byte 0"),
            (b"a: \x00", "body"),
            (b"[" * 20_000, "body"),
            (b"!!python/object/apply:os.system [ls]", "line 1, column 1"),
        ],
    )
    def test_refuses_broken_yaml_with_its_place(self, client: httpx.Client, text: bytes, where: str) -> None:
        client.post("datasets", json={"name": "a"})
        answer = client.put("datasets/a/check-suite", content=text, headers={"content-type": "application/yaml"})
        assert refused(answer, 422, "bad_document")["where"] == where


class TestTranslate:
    def test_gives_checks_remarks_and_the_rest(self, client: httpx.Client) -> None:
        expectations = [
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "age", "min_value": 0}, "id": None},
            {"type": "expect_column_values_to_be_increasing", "kwargs": {"column": "age"}, "meta": {}},
        ]
        suite = {"name": "team", "expectations": expectations, "meta": {"great_expectations_version": "1.24.1"}}
        found = client.post("check-suites/translate", json=suite).json()
        assert [check["check"] for check in found["suite"]["checks"]] == ["in_range"]
        assert [remark["place"] for remark in found["remarks"]] == ["expectations.1"]
        assert found["rest"]["expectations"][0]["type"] == "expect_column_values_to_be_increasing"
        client.post("datasets", json={"name": "a"})
        both = [*found["suite"]["checks"], {"check": "great_expectations", "suite": found["rest"]}]
        assert client.put("datasets/a/check-suite", json={"checks": both}).status_code == 200

    @pytest.mark.parametrize(
        ("suite", "where"),
        [
            ({"expectations": [{"type": "expect_colum_to_exist"}]}, "body.expectations.0.type"),
            ({"expectations": [EXISTS, 3]}, "body.expectations.1"),
            ({"expectation_suite_name": "old", "expectations": [EXISTS]}, "body.expectation_suite_name"),
            ([], "body"),
        ],
    )
    def test_refuses_what_is_no_suite_with_the_place(self, client: httpx.Client, suite: Any, where: str) -> None:
        assert refused(client.post("check-suites/translate", json=suite), 422, "invalid_request")["where"] == where


class TestSuggest:
    rows = b"id,city,y\n" + b"".join(b"%d,%s,%d\n" % (at, [b"Rome", b"Oslo"][at % 2], at % 3 == 0) for at in range(300))

    def test_gives_a_suite_that_the_next_version_is_checked_with(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "a", self.rows)
        drain()
        found = client.post("datasets/a/versions/1/check-suite/suggest", params={"target": "y"}).json()
        assert {check["check"] for check in found["suite"]["checks"]} >= {"in_set", "unique", "target_balance", "drift"}
        assert len(found["reasons"]) == len(found["suite"]["checks"])
        assert found["left_out"]
        assert client.get("datasets/a/check-suite").json()["version"] == 0
        client.put("datasets/a/check-suite", json=found["suite"])
        client.post("datasets/a/versions/1/checks")
        put_version(client, "a", self.rows.replace(b"Rome", b"Paris"))
        drain()
        assert client.get("datasets/a/versions/1/checks").json()["verdict"] == "pass"
        assert client.get("datasets/a/versions/2").json()["state"] == "rejected"

    def test_refuses_what_it_cannot_look_at(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "a", self.rows)
        path = "datasets/a/versions/1/check-suite/suggest"
        refused(client.post(path), 404, "no_profile")
        drain()
        problem = refused(client.post(path, params={"target": "citty"}), 404, "not_found")
        assert problem["fix"] == "Did you mean 'city'?"
