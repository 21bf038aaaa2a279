"""Walk 1, through the real doors: an upload becomes a version, its checks run, and it is validated or rejected."""

from typing import Any

import httpx
import pytest

from domain.jobs.states import JobState
from tests.conftest import ON_BOTH_DATABASES, Drain

pytestmark = ON_BOTH_DATABASES

GOOD = b"age,city\n31,Rome\n45,Oslo\n"


@pytest.fixture
def people(client: httpx.Client) -> str:
    assert client.post("datasets", json={"name": "people"}).status_code == 201
    return "people"


def upload(client: httpx.Client, name: str, *files: tuple[str, bytes], message: str = "") -> httpx.Response:
    parts = [("files", (path, data)) for path, data in files]
    return client.post(f"datasets/{name}/versions", files=parts, data={"message": message})


def event_types(client: httpx.Client, subject: str) -> list[str]:
    items = client.get("events", params={"subject": subject, "limit": 100}).json()["items"]
    return [event["type"] for event in reversed(items) if not event["type"].startswith("Job")]


class TestAGoodTable:
    def test_is_checked_profiled_and_validated(self, client: httpx.Client, people: str, drain: Drain) -> None:
        suite = {"checks": [{"check": "in_range", "column": "age", "min": 0, "max": 120}]}
        assert client.put("datasets/people/check-suite", json=suite).status_code == 200
        answer = upload(client, people, ("people.csv", GOOD), message="the first two")
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == "/api/v1/datasets/people/versions/1"
        assert answer.json()["state"] == "registered"

        assert {job.state for job in drain()} == {JobState.SUCCEEDED}

        version = client.get("datasets/people/versions/1").json()
        assert (version["state"], version["rows"], version["format"]) == ("validated", 2, "csv")
        assert (version["files"], version["size"], version["message"]) == (1, len(GOOD), "the first two")
        profile = client.get("datasets/people/versions/1/profile").json()
        assert [(column["name"], column["type"]) for column in profile["columns"]] == [
            ("age", "integer"),
            ("city", "string"),
        ]
        report = client.get("datasets/people/versions/1/checks").json()
        assert (report["verdict"], [result["name"] for result in report["results"]]) == (
            "pass",
            ["readable", "in_range(age)"],
        )
        assert event_types(client, "datasets/people") == [
            "DatasetCreated",
            "CheckSuiteChanged",
            "DatasetVersionCreated",
            "DataChecksRecorded",
            "DatasetVersionValidated",
        ]

    def test_comes_back_byte_for_byte(self, client: httpx.Client, people: str) -> None:
        upload(client, people, ("people.csv", GOOD))
        answer = client.get("datasets/people/versions/1/content/people.csv")
        assert answer.content == GOOD


class TestABadTable:
    def test_is_rejected_with_each_reason(self, client: httpx.Client, people: str, drain: Drain) -> None:
        suite = {
            "checks": [
                {"check": "in_range", "column": "age", "min": 40},
                {"check": "in_set", "column": "city", "values": ["Rome"]},
                {"check": "row_count", "min": 100, "severity": "warn"},
            ]
        }
        client.put("datasets/people/check-suite", json=suite)
        upload(client, people, ("people.csv", GOOD))
        drain()
        version = client.get("datasets/people/versions/1").json()
        assert version["state"] == "rejected"
        assert [reason.partition(":")[0] for reason in version["reasons"]] == ["in_range(age)", "in_set(city)"]
        results = client.get("datasets/people/versions/1/checks").json()["results"]
        assert results[1]["failing_rows"] == [{"age": 31, "city": "Rome", "row": 0}]
        assert event_types(client, "datasets/people/versions")[-1] == "DatasetVersionRejected"

    @pytest.mark.parametrize(
        ("name", "data", "reason"),
        [
            ("empty.csv", b"", "The file is empty. (empty.csv)"),
            ("header.csv", b"age,city\n", "The table has no rows. (header.csv)"),
            ("wide.csv", b"a,b\n1,2\n1,2,3\n", "(wide.csv, line 3)"),
            ("twice.csv", b"a,a\n1,2\n", "occurs 2 times"),
            ("latin.csv", "a\ncaf\xe9\n".encode("latin-1"), "not UTF-8"),
            ("binary.csv", bytes(range(256)), "binary.csv"),
            ("broken.parquet", b"PAR1 no parquet PAR1", "broken.parquet"),
            ("short.parquet", b"PAR1", "short.parquet"),
            ("broken.jsonl", b'{"a": 1}\n{"a": \n', "(broken.jsonl, line 2)"),
            ("nan.jsonl", b'{"a": NaN}\n', "nan.jsonl, line 1"),
            ("list.jsonl", b"[1, 2]\n", "list.jsonl"),
        ],
    )  # fmt: skip
    @pytest.mark.usefixtures("people")
    def test_that_cannot_be_read_is_rejected_and_says_why(
        self, *, client: httpx.Client, drain: Drain, name: str, data: bytes, reason: str
    ) -> None:
        assert upload(client, "people", (name, data)).status_code == 201
        assert {job.state for job in drain()} == {JobState.SUCCEEDED}
        version = client.get("datasets/people/versions/1").json()
        assert version["state"] == "rejected"
        assert len(version["reasons"]) == 1
        assert version["reasons"][0].startswith("readable: ")
        assert reason in version["reasons"][0]
        assert client.get("datasets/people/versions/1/profile").json()["code"] == "no_profile"

    def test_can_be_accepted_later_under_another_suite(self, client: httpx.Client, people: str, drain: Drain) -> None:
        client.put("datasets/people/check-suite", json={"checks": [{"check": "row_count", "min": 100}]})
        upload(client, people, ("people.csv", GOOD))
        drain()
        client.put("datasets/people/check-suite", json={"checks": [{"check": "row_count", "min": 1}]})
        job = client.post("datasets/people/versions/1/checks")
        assert job.status_code == 202
        drain()
        version = client.get("datasets/people/versions/1").json()
        assert (version["state"], version["reasons"]) == ("validated", [])


class TestAFolder:
    FILES = (("digits/0.png", b"zero"), ("digits/1.png", b"one"), ("readme.md", b""))

    def test_is_one_version_with_dvcs_digest(self, client: httpx.Client, people: str, drain: Drain) -> None:
        version = upload(client, people, *self.FILES).json()
        assert version["format"] == "folder"
        assert version["digest"].endswith(".dir")
        drain()
        version = client.get("datasets/people/versions/1").json()
        assert (version["state"], version["rows"], version["files"]) == ("validated", 3, 3)
        files = client.get("datasets/people/versions/1/files").json()["items"]
        assert [file["path"] for file in files] == ["digits/0.png", "digits/1.png", "readme.md"]

    def test_is_checked_as_the_table_of_its_files(self, client: httpx.Client, people: str, drain: Drain) -> None:
        checks = [
            {"check": "row_count", "min": 3},
            {"check": "in_range", "column": "size", "min": 1},
            {"check": "not_null", "columns": ["label"]},
        ]
        client.put("datasets/people/check-suite", json={"checks": checks})
        upload(client, people, *self.FILES)
        drain()
        results = client.get("datasets/people/versions/1/checks").json()["results"]
        assert [result["verdict"] for result in results] == ["pass", "pass", "fail", "fail"]
        assert results[2]["failing_rows"][0]["path"] == "readme.md"
        assert "no column 'label'" in results[3]["message"]


class TestTheSameContent:
    def test_is_the_same_version(self, client: httpx.Client, people: str, drain: Drain) -> None:
        first = upload(client, people, ("people.csv", GOOD))
        again = upload(client, people, ("renamed.csv", GOOD))
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json()["id"] == first.json()["id"]
        assert len(client.get("datasets/people/versions").json()["items"]) == 1
        assert len([job for job in drain() if job.kind == "RunDataChecks"]) == 1

    def test_read_as_another_format_is_a_conflict(self, client: httpx.Client, people: str) -> None:
        upload(client, people, ("people.txt", GOOD))
        answer = upload(client, people, ("people.csv", GOOD))
        assert (answer.status_code, answer.json()["code"]) == (409, "other_format")


class TestDrift:
    def table(self, shift: int) -> bytes:
        return b"x\n" + b"".join(b"%d\n" % (row + shift) for row in range(200))

    def check(self, client: httpx.Client, drain: Drain, against: Any, *shifts: int) -> dict[str, Any]:
        client.put("datasets/people/check-suite", json={"checks": [{"check": "drift", "against": against}]})
        for shift in shifts:
            upload(client, "people", ("x.csv", self.table(shift)))
            drain()
        result: dict[str, Any] = client.get("datasets/people/versions/latest/checks").json()["results"][-1]
        return result

    def test_the_first_version_has_nothing_to_drift_from(self, client: httpx.Client, people: str, drain: Drain) -> None:
        assert self.check(client, drain, "previous", 0)["verdict"] == "pass"

    def test_a_shift_against_the_previous_validated_version_fails(
        self, client: httpx.Client, people: str, drain: Drain
    ) -> None:
        # The second is rejected, so the third is compared with the first and rejected too.
        self.check(client, drain, "previous", 0, 500, 501)
        states = [version["state"] for version in client.get("datasets/people/versions").json()["items"]]
        assert states == ["rejected", "rejected", "validated"]

    def test_a_version_that_does_not_exist_cannot_be_passed(
        self, client: httpx.Client, people: str, drain: Drain
    ) -> None:
        result = self.check(client, drain, 7, 0)
        assert result["verdict"] == "fail"
        assert result["message"] == "There is no version 7 to compare with."

    def test_an_unreadable_reference_fails_the_check(self, client: httpx.Client, people: str, drain: Drain) -> None:
        upload(client, people, ("broken.parquet", b"PAR1"))
        drain()
        result = self.check(client, drain, 1, 0)
        assert result["verdict"] == "fail"
        assert result["message"].startswith("Version 1 cannot be compared with")
