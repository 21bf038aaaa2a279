"""Quarantine over HTTP: every row in exactly one of two versions, with the checks it failed; or a clear no."""

from typing import Any

import httpx
import polars as pl
import pytest

from tests.api.answers import put_version, refused
from tests.conftest import Drain

PEOPLE = b"id,age,city\n1,30,Rome\n2,-4,Oslo\n3,,Rome\n3,200,Atlantis\n4,19,Oslo\n5,40,Bern\n"
SUITE: dict[str, Any] = {
    "checks": [
        {"check": "row_count", "min": 100},
        {"check": "unique", "columns": ["id"]},
        {"check": "not_null", "columns": ["age"]},
        {"check": "in_range", "column": "age", "min": 0, "max": 120, "name": "age is human"},
        {"check": "in_set", "column": "city", "values": ["Rome", "Oslo", "Bern"]},
        {"check": "expression", "where": "age <> 40", "severity": "warn"},
    ]
}


@pytest.fixture
def people(client: httpx.Client, drain: Drain) -> None:
    client.post("datasets", json={"name": "people"})
    client.put("datasets/people/check-suite", json=SUITE)
    put_version(client, "people", PEOPLE)
    drain()


def table(client: httpx.Client, name: str, number: int = 1) -> pl.DataFrame:
    return pl.read_parquet(client.get(f"datasets/{name}/versions/{number}/content/{name}.parquet").content)


def order(client: httpx.Client, number: int = 1, **body: Any) -> httpx.Response:
    return client.post(f"datasets/people/versions/{number}/quarantine", json=body)


@pytest.mark.usefixtures("people")
class TestQuarantine:
    def test_every_row_is_in_one_of_both_with_what_it_failed(self, client: httpx.Client, drain: Drain) -> None:
        answer = client.post("datasets/people/versions/1/quarantine")
        assert answer.status_code == 202
        job, *_ = drain()
        clean, failing = table(client, "people", 2), table(client, "people-quarantine")
        assert clean["id"].to_list() == [1, 4, 5]
        assert failing.select("id", "failed_checks").rows() == [
            (2, "age is human"),
            (3, "not_null(age)"),
            (3, "unique(id); age is human; in_set(city)"),
        ]
        assert failing.drop("failed_checks").columns == clean.columns
        assert job.result == {
            "clean": {"dataset": "people", "number": 2, "rows": 3},
            "failing": {"dataset": "people-quarantine", "number": 1, "rows": 3},
            "checks": {"unique(id)": 1, "not_null(age)": 1, "age is human": 2, "in_set(city)": 1},
        }

    def test_both_know_the_version_and_the_report(self, client: httpx.Client, drain: Drain) -> None:
        report = client.get("datasets/people/versions/1/checks").json()["id"]
        order(client)
        drain()
        for name, number, part in (("people", 2, "clean"), ("people-quarantine", 1, "failing")):
            source = client.get(f"datasets/{name}/versions/{number}").json()["source"]
            assert (source["kind"], source["version"], source["part"]) == ("quarantine", "people@1", part)
            assert source["report_id"] == report
            (parent,) = client.get(f"datasets/{name}/versions/{number}/lineage").json()["parents"]
            assert (parent["dataset"], parent["number"]) == ("people", 1)
        (event,) = client.get("events", params={"type": "RowsQuarantined"}).json()["items"]
        assert (event["payload"]["clean"], event["payload"]["rows"]) == ("people@2", 3)

    def test_goes_where_it_is_told_and_counts_warnings_when_asked(self, client: httpx.Client, drain: Drain) -> None:
        client.post("datasets", json={"name": "good"})
        order(client, clean="good", failing="bad", warnings=True, column="why", message="by hand")
        drain()
        assert table(client, "good")["id"].to_list() == [1, 4]
        assert table(client, "bad")["why"].to_list()[-1] == "expression(age <> 40)"
        assert client.get("datasets/good/versions/1").json()["message"] == "by hand"
        assert client.get("datasets/people").json()["versions"] == 1

    def test_twice_is_once(self, client: httpx.Client, drain: Drain) -> None:
        for _ in range(2):
            order(client)
            drain()
        assert client.get("datasets/people-quarantine").json()["versions"] == 1
        assert client.get("datasets/people").json()["versions"] == 2

    def test_stands_by_the_suite_of_the_report(self, client: httpx.Client, drain: Drain) -> None:
        client.put("datasets/people/check-suite", json={"checks": []})
        order(client)
        drain()
        assert table(client, "people", 2).height == 3

    def test_of_a_version_without_failing_rows_is_refused(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "people", b"id,age,city\n1,30,Rome\n2,40,Oslo\n")
        drain()
        body = refused(order(client, 2), 409, "nothing_to_quarantine")
        assert "expression(age <> 40) only warns" in body["detail"]
        put_version(client, "people", b"id,age,city\n1,30,Rome\n2,41,Oslo\n")
        drain()
        body = refused(order(client, 3, warnings=True), 409, "nothing_to_quarantine")
        assert "what failed (row_count) is about the whole table" in body["detail"]
        refused(client.get("datasets/people-quarantine"), 404, "unknown_dataset")

    def test_of_nothing_but_failing_rows_fails_and_keeps_nothing(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "people", b"id,age,city\n1,-30,Rome\n2,400,Oslo\n")
        drain()
        order(client, 2)
        (job,) = drain()
        assert (job.error or {})["code"] == "nothing_clean"
        refused(client.get("datasets/people-quarantine"), 404, "unknown_dataset")

    @pytest.mark.parametrize(
        ("body", "status", "code", "where"),
        [
            ({"clean": "nope"}, 404, "unknown_dataset", "dataset"),
            ({"clean": "people", "failing": "people"}, 422, "bad_quarantine", "failing"),
            ({"failing": "a b"}, 422, "invalid_request", "body.failing"),
            ({"column": ""}, 422, "invalid_request", "body.column"),
            ({"warning": True}, 422, "invalid_request", "body.warning"),
        ],
    )
    def test_refuses_names_that_do_not_do(
        self, client: httpx.Client, body: dict[str, Any], status: int, code: str, where: str
    ) -> None:
        assert refused(order(client, **body), status, code)["where"] == where

    def test_a_column_that_is_there_is_not_written_over(self, client: httpx.Client, drain: Drain) -> None:
        order(client, column="age")
        (job,) = drain()
        assert (job.error or {})["code"] == "bad_columns"

    def test_of_a_version_that_cannot_be_read_is_refused(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "people", b'a,b\n1,"2\n')
        refused(order(client, 2), 404, "not_checked")
        drain()
        refused(order(client, 2), 409, "nothing_to_quarantine")


def test_a_folder_has_no_rows_to_tell_apart(client: httpx.Client, drain: Drain) -> None:
    client.post("datasets", json={"name": "people"})
    client.post("datasets/people/versions", files=[("files", ("a/b.txt", b"x")), ("files", ("c.txt", b"y"))])
    drain()
    refused(order(client), 409, "not_a_table")


def test_a_name_that_would_be_too_long_has_to_be_given(client: httpx.Client, drain: Drain) -> None:
    name = "p" * 95
    client.post("datasets", json={"name": name})
    client.put(f"datasets/{name}/check-suite", json=SUITE)
    put_version(client, name, PEOPLE)
    drain()
    assert refused(client.post(f"datasets/{name}/versions/1/quarantine"), 422, "bad_quarantine")["where"] == "failing"
    answer = client.post(f"datasets/{name}/versions/1/quarantine", json={"failing": "short"})
    assert answer.status_code == 202
