"""Comparisons of versions over HTTP: computed once for a pair and a key, and which keys are refused."""

from typing import Any

import httpx
import pytest

from tests.api.answers import put_version, refused
from tests.conftest import Drain

ROWS = b"age,city\n31,Rome\n45,Oslo\n"
MORE = b"age,city\n45,Oslo\n60,Bern\n"


class TestDiff:
    def test_is_computed_once_and_then_told(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "people", ROWS)
        put_version(client, "people", MORE)
        drain()
        path = "datasets/people/versions/2/diff"
        first, again = (client.get(path, params={"against": 1}) for _ in range(2))
        assert first.status_code == again.status_code == 202
        assert first.json()["id"] == again.json()["id"]
        drain()
        diff = client.get(path, params={"against": 1})
        assert diff.status_code == 200
        body = diff.json()
        assert (body["before"], body["after"], body["rows_added"], body["rows_removed"]) == (1, 2, 1, 1)

    def test_of_a_table_and_a_folder_is_refused(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "people", ROWS)
        put_version(client, "people", MORE, "people.bin")
        client.get("datasets/people/versions/2/diff", params={"against": 1})
        drain()
        body = refused(client.get("datasets/people/versions/2/diff", params={"against": 1}), 409, "diff_failed")
        assert "Version 1 is a table and 2 a folder." in body["detail"]

    def test_by_a_key_shows_what_changed(self, client: httpx.Client, drain: Drain) -> None:
        self.put(client, drain, b"id,age\n1,30\n2,40\n3,50\n", b"id,age\n3,50.0\n2,41.5\n4,60\n")
        body = self.told(client, drain, key=["id"])
        assert (body["rows_added"], body["rows_removed"], body["rows_changed"]) == (1, 1, 1)
        assert (body["key"], body["changes"]) == (["id"], {"age": 1})
        assert body["changed"] == [{"key": {"id": 2}, "before": {"age": 40}, "after": {"age": 41.5}}]
        assert (body["added"], body["removed"]) == ([{"id": 4, "age": 60.0}], [{"id": 1, "age": 30}])

    def test_by_another_key_is_another_answer(self, client: httpx.Client, drain: Drain) -> None:
        self.put(client, drain, b"a,b\n1,1\n2,2\n", b"a,b\n1,2\n2,1\n")
        changes = [self.told(client, drain, key=key)["changes"] for key in ([], ["a"], ["b"], ["a", "b"])]
        assert changes == [{}, {"b": 2}, {"a": 2}, {}]
        # The order of the columns is no other key, and neither is one of them twice.
        again = client.get(self.PATH, params={"against": 1, "key": ["b", "a", "b"]})
        assert (again.status_code, again.json()["key"]) == (200, ["a", "b"])

    @pytest.mark.parametrize(
        ("key", "code", "words"),
        [
            ("twice", "duplicate_keys", "Version 1 has 1 rows with the key of an earlier row, such as twice=7."),
            ("gaps", "null_keys", "Version 1 has 1 rows without a value in the key column 'gaps'."),
        ],
    )
    def test_by_a_key_that_names_no_row_is_refused(
        self, client: httpx.Client, drain: Drain, key: str, code: str, words: str
    ) -> None:
        self.put(client, drain, b"twice,gaps,old\n7,x,1\n7,,2\n", b"twice,gaps\n7,x\n8,y\n")
        params: dict[str, Any] = {"against": 1, "key": key}
        client.get(self.PATH, params=params)
        (job,) = drain()
        assert (job.error or {})["code"] == code
        body = refused(client.get(self.PATH, params=params), 409, "diff_failed")
        assert (body["where"], words in body["detail"]) == ("key", True)

    @pytest.mark.parametrize(("key", "number"), [("ID", 1), ("old", 2), ("new", 1)])
    def test_by_a_column_that_one_side_does_not_have_is_refused_at_once(
        self, client: httpx.Client, drain: Drain, key: str, number: int
    ) -> None:
        self.put(client, drain, b"id,old\n7,x\n", b"id,new\n7,x\n")
        answer = client.get(self.PATH, params={"against": 1, "key": key})
        body = refused(answer, 422, "unknown_key_column")
        assert body["detail"].startswith(f"Version {number} has no column {key!r}.")
        assert drain() == []

    def test_by_an_unknown_column_of_an_unchecked_version_fails_in_its_job(
        self, client: httpx.Client, drain: Drain
    ) -> None:
        for rows in (ROWS, MORE):
            put_version(client, "people", rows)
        params: dict[str, Any] = {"against": 1, "key": "id"}
        client.get(self.PATH, params=params)
        assert [(job.error or {}).get("code") for job in drain() if job.kind == "DiffVersions"] == [
            "unknown_key_column"
        ]
        # By now both have a profile, which says it first.
        refused(client.get(self.PATH, params=params), 422, "unknown_key_column")

    @pytest.mark.parametrize("key", ["", "x" * 501, "a\0b", [str(number) for number in range(51)]])
    def test_by_an_odd_key_is_refused_at_once(self, client: httpx.Client, key: str | list[str]) -> None:
        put_version(client, "people", ROWS)
        params: dict[str, Any] = {"against": 1, "key": key}
        answer = client.get("datasets/people/versions/1/diff", params=params)
        assert answer.status_code == 422

    PATH = "datasets/people/versions/2/diff"

    @staticmethod
    def put(client: httpx.Client, drain: Drain, *versions: bytes) -> None:
        for rows in versions:
            put_version(client, "people", rows)
        drain()

    def told(self, client: httpx.Client, drain: Drain, *, key: list[str]) -> dict[str, Any]:
        params: dict[str, Any] = {"against": 1, "key": key}
        assert client.get(self.PATH, params=params).status_code == 202
        drain()
        body: dict[str, Any] = client.get(self.PATH, params=params).json()
        return body

    def test_against_an_unknown_version_is_unknown(self, client: httpx.Client) -> None:
        put_version(client, "people", ROWS)
        answer = client.get("datasets/people/versions/1/diff", params={"against": 5})
        refused(answer, 404, "unknown_dataset_version")
