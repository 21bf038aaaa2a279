"""`millrace checks …` on suites: embedded files, what Great Expectations has, and what a version suggests."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from cli.suites import suite_text
from tests.cli.conftest import Millrace
from tests.cli.server import Answer, Server

TEAM = {"name": "team", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "a"}}]}
SUITE = "checks:\n  - {check: row_count, min: 1}\n  - check: great_expectations\n    suite: suite.json\n"


class TestSet:
    def test_puts_the_named_file_in_the_suite(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        (tmp_path / "suites").mkdir()
        (tmp_path / "suites/suite.yaml").write_text(SUITE)
        (tmp_path / "suites/suite.json").write_text(json.dumps(TEAM, indent="\t"))
        server.on("PUT", "/api/v1/datasets/bikes/check-suite", Answer({"version": 1, "checks": [{}, {}]}))
        assert millrace("checks", "set", "bikes", "suites/suite.yaml").exit_code == 0
        assert server.asked[0].json()["checks"][1] == {"check": "great_expectations", "suite": TEAM}

    def test_leaves_a_suite_that_is_written_out(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        written = {"checks": [{"check": "great_expectations", "suite": TEAM}, 7]}
        (tmp_path / "suite.yaml").write_text(yaml.safe_dump(written))
        server.on("PUT", "/api/v1/datasets/bikes/check-suite", Answer({"version": 1, "checks": []}))
        assert millrace("checks", "set", "bikes", "suite.yaml").exit_code == 0
        assert server.asked[0].json() == written

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (None, "Cannot read suite.json: No such file or directory. (suite.yaml, line 4)"),
            (b"{\n  'a': 1}", "suite.json is not valid JSON: Expecting property name"),
            (b"{\n  'a': 1}", "(line 2, column 3)"),
            (b'{"a": NaN}', "NaN is not a value of JSON"),
            (b"\xff", "suite.json is not text in UTF-8"),
            (b"", "not valid JSON"),
            (b"[" * 100_000, "not valid JSON"),
        ],
    )
    def test_refuses_a_file_that_cannot_be_read(
        self, millrace: Millrace, server: Server, tmp_path: Path, content: bytes | None, said: str
    ) -> None:
        (tmp_path / "suite.yaml").write_text(SUITE)
        if content is not None:
            (tmp_path / "suite.json").write_bytes(content)
        result = millrace("checks", "set", "bikes", "suite.yaml")
        assert (result.exit_code, server.asked) == (2, [])
        assert said in result.stderr

    def test_places_a_refusal_in_the_file_it_is_about(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        (tmp_path / "suite.yaml").write_text(SUITE)
        (tmp_path / "suite.json").write_text(json.dumps(TEAM, indent=2))
        where = "body.checks.1.suite.expectations.0.type"
        refused = {"title": "Invalid", "detail": "unknown", "where": where, "code": "invalid_request"}
        server.on("PUT", "/api/v1/datasets/bikes/check-suite", Answer(refused, 422))
        result = millrace("checks", "set", "bikes", "suite.yaml")
        assert f"suite.json, line 5 ({where})" in result.stderr


class TestSuggest:
    answer: ClassVar[dict[str, Any]] = {
        "suite": {
            "checks": [
                {
                    "check": "in_set",
                    "column": "größe",
                    "values": ["no", "on", "1", ""],
                    "severity": "error",
                    "name": None,
                },
                {"check": "row_count", "min": 3, "max": None, "severity": "warn", "name": None},
                {"check": "not_null", "columns": ["a: b", "#c", "d\ne", "'"], "max_share": 1e-07, "severity": "error"},
            ]
        },
        "reasons": ["Seen\nonly: # these", "Half\u2028of it", "None missing"],
        "left_out": [{"about": "d\ne", "why": "Times move on."}],
    }

    def ask(self, millrace: Millrace, server: Server, *more: str, ref: str = "bikes@2") -> Any:
        server.on("POST", "/api/v1/datasets/bikes/versions/2/check-suite/suggest", Answer(self.answer))
        return millrace("checks", "suggest", ref, *more)

    def test_writes_a_suite_with_reasons_that_set_takes(
        self, millrace: Millrace, server: Server, tmp_path: Path
    ) -> None:
        result = self.ask(millrace, server, "--target", "cnt", "--out", "suite.yaml")
        assert result.exit_code == 0, result.stderr
        assert server.asked[0].query == {"target": "cnt"}
        text = (tmp_path / "suite.yaml").read_text()
        assert "  # Seen only: # these\n  - {check: in_set, column: größe, values: ['no', 'on', '1', '']}\n" in text
        assert "# Left out:\n#   d e: Times move on.\n" in text
        server.on("PUT", "/api/v1/datasets/bikes/check-suite", Answer({"version": 1, "checks": []}))
        assert millrace("checks", "set", "bikes", "suite.yaml").exit_code == 0
        assert server.asked[-1].json()["checks"] == [
            {"check": "in_set", "column": "größe", "values": ["no", "on", "1", ""]},
            {"check": "row_count", "min": 3, "severity": "warn"},
            {"check": "not_null", "columns": ["a: b", "#c", "d\ne", "'"], "max_share": 1e-07},
        ]

    def test_shows_the_file_as_it_would_be_and_json_as_it_came(self, millrace: Millrace, server: Server) -> None:
        shown = yaml.safe_load(self.ask(millrace, server).stdout)
        assert [check["check"] for check in shown["checks"]] == ["in_set", "row_count", "not_null"]
        assert server.asked[0].query == {}
        assert json.loads(self.ask(millrace, server, "--json").stdout) == self.answer

    def test_says_where_it_cannot_write(self, millrace: Millrace, server: Server) -> None:
        result = self.ask(millrace, server, "--out", "nowhere/suite.yaml")
        assert result.exit_code == 2
        assert "Cannot write nowhere/suite.yaml: No such file or directory." in result.stderr

    def test_of_nothing_is_a_suite_too(self) -> None:
        assert yaml.safe_load(suite_text([], [], [], title="t")) == {"checks": []}


class TestImport:
    answer: ClassVar[dict[str, Any]] = {
        "suite": {"checks": [{"check": "row_count", "min": 3, "max": 9, "severity": "error", "name": None}]},
        "translated": 1,
        "remarks": [
            {
                "place": "expectations.1",
                "expectation": "expect_column_values_to_be_increasing(a)",
                "translated": False,
                "why": "There is no check of this kind here.",
                "fix": "Keep it.",
            }
        ],
        "rest": TEAM,
    }

    def ask(self, millrace: Millrace, server: Server, tmp_path: Path, *more: str) -> Any:
        (tmp_path / "suite.json").write_text(json.dumps(TEAM, indent=2))
        server.on("POST", "/api/v1/check-suites/translate", Answer(self.answer))
        return millrace("checks", "import-gx", "suite.json", *more)

    def test_writes_our_checks_and_lists_what_has_no_equivalent(
        self, millrace: Millrace, server: Server, tmp_path: Path
    ) -> None:
        result = self.ask(millrace, server, tmp_path, "--out", "suite.yaml")
        assert (result.exit_code, server.asked[0].json()) == (0, TEAM)
        said = "expectations.1 expect_column_values_to_be_increasing(a): no equivalent: There is no check of this kind"
        assert said in " ".join(result.stderr.split())
        text = (tmp_path / "suite.yaml").read_text()
        assert yaml.safe_load(text) == {"checks": [{"check": "row_count", "min": 3, "max": 9}]}
        assert "# expectations.1 expect_column_values_to_be_increasing(a): There is no check" in text

    def test_sets_them_with_the_rest_for_the_library(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        server.on("PUT", "/api/v1/datasets/bikes/check-suite", Answer({"version": 2, "checks": [{}, {}]}))
        result = self.ask(millrace, server, tmp_path, "--set", "bikes", "--with-rest")
        assert result.exit_code == 0, result.stderr
        assert "kept for the library" in result.stderr
        assert server.asked[-1].json() == {
            "checks": [{"check": "row_count", "min": 3, "max": 9}, {"check": "great_expectations", "suite": TEAM}]
        }

    def test_refuses_two_places_for_one_suite(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        assert self.ask(millrace, server, tmp_path, "--set", "bikes", "--out", "x").exit_code == 2
        assert server.asked == []

    def test_places_what_the_server_refuses(self, millrace: Millrace, server: Server, tmp_path: Path) -> None:
        (tmp_path / "suite.json").write_text(json.dumps(TEAM, indent=2))
        where = "body.expectations.0.kwargs"
        refused = {"title": "Invalid", "detail": "column is missing", "where": where, "code": "invalid_request"}
        server.on("POST", "/api/v1/check-suites/translate", Answer(refused, 422))
        result = millrace("checks", "import-gx", "suite.json")
        assert (result.exit_code, f"suite.json, line 6 ({where})" in result.stderr) == (1, True), result.stderr
