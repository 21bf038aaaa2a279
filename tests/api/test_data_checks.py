"""Check suites over HTTP: set, read, and refused with the exact place of what is wrong."""

from typing import Any

import httpx
import pytest
import yaml

from tests.api.answers import refused


class TestCheckSuite:
    def test_is_empty_until_it_is_set(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "a"})
        assert client.get("datasets/a/check-suite").json() == {"version": 0, "checks": []}

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
