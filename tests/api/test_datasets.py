"""Datasets over HTTP: names, revisions, what a version shows, builds, and every bad input."""

from typing import Any, ClassVar

import httpx
import polars as pl
import pytest
import yaml

from adapters.runtime import Runtime
from domain.access.jobs import PublishAccess
from domain.experiments.models import Experiment, Run
from domain.jobs import service as jobs
from domain.jobs.states import JobState
from tests.api.answers import put_version, refused
from tests.conftest import Drain

ROWS = b"age,city\n31,Rome\n45,Oslo\n"
MORE = b"age,city\n45,Oslo\n60,Bern\n"


class TestCreate:
    def test_gives_the_dataset_its_place_and_tag(self, client: httpx.Client) -> None:
        answer = client.post("datasets", json={"name": "bikes", "description": "hourly"})
        assert answer.status_code == 201
        assert answer.headers["location"] == "/api/v1/datasets/bikes"
        assert answer.headers["etag"] == '"1"'
        read = client.get("datasets/bikes").json()
        assert (read["name"], read["description"], read["versions"]) == ("bikes", "hourly", 0)
        assert read["created_by"] == "admin"

    def test_refuses_a_name_twice(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "bikes"})
        refused(client.post("datasets", json={"name": "bikes"}), 409, "dataset_exists")

    @pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "-a", "a" * 101, "ünï", "a\u0000"])
    def test_refuses_a_name_that_is_none(self, client: httpx.Client, name: str) -> None:
        assert refused(client.post("datasets", json={"name": name}), 422, "invalid_request")["where"] == "body.name"

    @pytest.mark.parametrize(
        ("body", "where"),
        [
            ({}, "body.name"),
            ({"name": "a", "descripton": "x"}, "body.descripton"),
            ({"name": "a", "description": "x" * 10_001}, "body.description"),
            ({"name": "a", "description": "nul \u0000"}, "body.description"),
            ([], "body"),
            ("a", "body"),
        ],
    )
    def test_refuses_a_body_that_does_not_fit(self, client: httpx.Client, body: Any, where: str) -> None:
        assert refused(client.post("datasets", json=body), 422, "invalid_request")["where"] == where

    @pytest.mark.parametrize(
        ("content", "where"),
        [
            (b'{"name": "a",\n "description": }', "line 2, column 17"),
            (b'{"name": NaN}', "line 1, column 10"),
            (b"[" * 100_000, "line 1, column 1026"),
            (b'{"name": "\xff"}', "line 1, column 1"),
        ],
    )
    def test_refuses_broken_json_with_its_place(self, client: httpx.Client, content: bytes, where: str) -> None:
        answer = client.post("datasets", content=content, headers={"content-type": "application/json"})
        assert refused(answer, 422, "bad_document")["where"] == where

    def test_refuses_a_body_larger_than_the_limit(self, client: httpx.Client, runtime: Runtime) -> None:
        body = b'{"name": "' + b"a" * runtime.settings.max_body_bytes + b'"}'
        answer = client.post("datasets", content=body, headers={"content-type": "application/json"})
        refused(answer, 413, "too_large")


class TestGet:
    def test_an_unknown_name_is_told_its_neighbours(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "bike-sharing"})
        body = refused(client.get("datasets/bikesharing"), 404, "unknown_dataset")
        assert "'bike-sharing'" in body["fix"]

    @pytest.mark.parametrize(
        "path",
        [
            "nope", "nope/versions", "nope/versions/1", "nope/versions/latest/files", "nope/check-suite",
            "nope/versions/1/checks", "nope/versions/2/diff?against=1", "nope/versions/1/content/a.csv",
        ],
    )  # fmt: skip
    def test_nothing_is_below_an_unknown_name(self, client: httpx.Client, path: str) -> None:
        refused(client.get(f"datasets/{path}"), 404, "unknown_dataset")

    @pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "99999999999999999999", "%00"])
    def test_a_number_that_is_none_is_refused(self, client: httpx.Client, number: str) -> None:
        put_version(client, "people", ROWS)
        refused(client.get(f"datasets/people/versions/{number}"), 422, "invalid_request")

    def test_an_unknown_number_is_told_what_there_is(self, client: httpx.Client) -> None:
        put_version(client, "people", ROWS)
        body = refused(client.get("datasets/people/versions/2"), 404, "unknown_dataset_version")
        assert body["fix"] == "It has versions 1 to 1."

    def test_the_latest_of_nothing_is_unknown(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "people"})
        refused(client.get("datasets/people/versions/latest"), 404, "unknown_dataset_version")

    def test_lists_page_by_page(self, client: httpx.Client) -> None:
        for name in ("a", "b", "c"):
            client.post("datasets", json={"name": name})
        first = client.get("datasets", params={"limit": 2}).json()
        rest = client.get("datasets", params={"limit": 2, "cursor": first["next_cursor"]}).json()
        assert [row["name"] for row in first["items"] + rest["items"]] == ["c", "b", "a"]
        assert rest["next_cursor"] is None

    def test_lists_each_with_its_newest_version_that_stands(self, client: httpx.Client, drain: Drain) -> None:
        client.post("datasets", json={"name": "empty"})
        for rows in (ROWS, MORE):
            put_version(client, "people", rows)
        put_version(client, "gone", ROWS)
        drain()
        client.delete("datasets/people/versions/2")
        client.delete("datasets/gone/versions/1")
        newest = {row["name"]: row["newest"] for row in client.get("datasets").json()["items"]}
        assert newest["people"] == client.get("datasets/people/versions/1").json()
        assert (newest["empty"], newest["gone"]) == (None, None)


class TestUpdate:
    def test_changes_what_the_caller_saw(self, client: httpx.Client) -> None:
        tag = client.post("datasets", json={"name": "a"}).headers["etag"]
        answer = client.patch("datasets/a", json={"description": "new"}, headers={"If-Match": tag})
        assert (answer.status_code, answer.headers["etag"], answer.json()["description"]) == (200, '"2"', "new")

    def test_refuses_a_caller_who_saw_something_older(self, client: httpx.Client) -> None:
        tag = client.post("datasets", json={"name": "a"}).headers["etag"]
        client.patch("datasets/a", json={"description": "theirs"})
        refused(client.patch("datasets/a", json={"description": "mine"}, headers={"If-Match": tag}), 412, "stale")
        assert client.get("datasets/a").json()["description"] == "theirs"

    def test_no_change_is_no_revision(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "a"})
        assert client.patch("datasets/a", json={"description": ""}).headers["etag"] == '"1"'


class TestArchive:
    def test_closes_the_dataset_and_keeps_what_it_has(self, client: httpx.Client) -> None:
        put_version(client, "people", ROWS)
        assert client.delete("datasets/people").json()["archived_at"] is not None
        assert client.get("datasets").json()["items"] == []
        assert len(client.get("datasets", params={"archived": True}).json()["items"]) == 1
        assert client.get("datasets/people/versions/1").status_code == 200
        answer = client.post("datasets/people/versions", files=[("files", ("b.csv", MORE))])
        refused(answer, 409, "dataset_archived")
        refused(client.post("datasets", json={"name": "people"}), 409, "dataset_exists")

    def test_is_refused_while_a_run_stands_on_a_version(self, client: httpx.Client, runtime: Runtime) -> None:
        version = put_version(client, "people", ROWS)
        with runtime.transaction() as session:
            job = jobs.submit(session, PublishAccess(), subject="tokens")
            experiment = Experiment(name="e", description="", created_at=session.now(), created_by="a")
            session.add(experiment)
            session.flush()
            run = Run(
                experiment_id=experiment.id, job_id=job.id, spec={}, trainer="linear", params={}, seed=1,
                dataset_version_id=version["id"], dataset_digest=version["digest"],
                created_at=session.now(), created_by="a",
            )  # fmt: skip
            session.add(run)
            session.flush()
            run_id = run.id
        body = refused(client.delete("datasets/people"), 409, "dataset_in_use")
        assert run_id in body["detail"]
        assert client.get("datasets/people").json()["archived_at"] is None
        uses = client.get("datasets/people/versions/1/lineage").json()["uses"]
        assert uses == [{"noun": "run", "id": run_id}]


class TestContent:
    def test_carries_its_digest_and_a_safe_name(self, client: httpx.Client) -> None:
        version = put_version(client, "people", ROWS)
        answer = client.get("datasets/people/versions/1/content/people.csv")
        assert answer.headers["etag"] == f'"{version["digest"]}"'
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''people.csv"

    def test_is_not_sent_again_to_who_has_it(self, client: httpx.Client) -> None:
        version = put_version(client, "people", ROWS)
        headers = {"If-None-Match": f'"{version["digest"]}"'}
        assert client.get("datasets/people/versions/1/content/people.csv", headers=headers).status_code == 304

    def test_comes_in_parts_when_asked(self, client: httpx.Client) -> None:
        put_version(client, "people", ROWS)
        answer = client.get("datasets/people/versions/1/content/people.csv", headers={"Range": "bytes=4-7"})
        assert (answer.status_code, answer.content) == (206, ROWS[4:8])

    def test_an_unknown_file_is_told_its_neighbours(self, client: httpx.Client) -> None:
        put_version(client, "people", ROWS)
        body = refused(client.get("datasets/people/versions/1/content/peple.csv"), 404, "unknown_dataset_file")
        assert "'people.csv'" in body["fix"]

    @pytest.mark.parametrize("path", ["..%2F..%2Fmillrace.db", "%2Fetc%2Fpasswd", "a%00b", "a\\b"])
    def test_paths_stay_inside_the_version(self, client: httpx.Client, path: str) -> None:
        put_version(client, "people", ROWS)
        refused(client.get(f"datasets/people/versions/1/content/{path}"), 422, "bad_file_name")


class TestPointer:
    def test_of_a_table_names_its_file(self, client: httpx.Client) -> None:
        version = put_version(client, "people", ROWS)
        out = yaml.safe_load(client.get("datasets/people/versions/1/pointer").text)["outs"][0]
        assert out == {"md5": version["digest"], "size": len(ROWS), "hash": "md5", "path": "people.csv"}


class TestBuild:
    RECIPE: ClassVar[dict[str, Any]] = {"kind": "recipe", "concat": ["first", "second@1"], "unique": ["city"]}

    @pytest.fixture
    def parts(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "first", ROWS)
        put_version(client, "second", MORE)
        client.post("datasets", json={"name": "all"})
        drain()

    def order(self, client: httpx.Client, source: Any, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return client.post("datasets/all/versions", json={"source": source, "message": "both"}, headers=headers)

    @pytest.mark.usefixtures("parts")
    def test_makes_a_validated_version_that_knows_its_parents(self, client: httpx.Client, drain: Drain) -> None:
        answer = self.order(client, self.RECIPE)
        assert answer.status_code == 202
        assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['id']}"
        drain()
        version = client.get("datasets/all/versions/1").json()
        assert (version["state"], version["rows"], version["format"]) == ("validated", 3, "parquet")
        assert version["message"] == "both"
        assert version["source"]["concat"] == ["first@1", "second@1"]
        content = client.get("datasets/all/versions/1/content/all.parquet").content
        assert pl.read_parquet(content)["city"].to_list() == ["Rome", "Oslo", "Bern"]
        lineage = client.get("datasets/all/versions/1/lineage").json()
        assert [parent["dataset"] for parent in lineage["parents"]] == ["first", "second"]
        assert client.get("datasets/first/versions/1/lineage").json()["children"][0]["dataset"] == "all"
        job = client.get(f"jobs/{answer.json()['id']}").json()
        assert job["result"] == {"dataset": "all", "number": 1, "version_id": version["id"]}

    @pytest.mark.usefixtures("parts")
    def test_twice_is_one_version(self, client: httpx.Client, drain: Drain) -> None:
        jobs = {self.order(client, self.RECIPE).json()["id"] for _ in range(2)}
        drain()
        assert len(jobs) == 2
        assert client.get("datasets/all").json()["versions"] == 1
        built = client.get("events", params={"type": "DatasetVersionBuilt"}).json()["items"]
        assert [event["payload"]["created"] for event in built] == [False, True]

    @pytest.mark.usefixtures("parts")
    def test_under_one_key_is_one_job(self, client: httpx.Client) -> None:
        assert len({self.order(client, self.RECIPE, key="k").json()["id"] for _ in range(2)}) == 1

    @pytest.mark.usefixtures("parts")
    @pytest.mark.parametrize(
        ("source", "status", "code"),
        [
            ({"kind": "recipe", "concat": ["frst"]}, 404, "unknown_dataset"),
            ({"kind": "recipe", "concat": ["first@9"]}, 404, "unknown_dataset_version"),
            ({"kind": "recipe", "concat": ["all"]}, 409, "no_validated_version"),
            ({"kind": "recipe", "concat": []}, 422, "invalid_request"),
            ({"kind": "recipe", "concat": ["a b"]}, 422, "invalid_request"),
            ({"kind": "magic"}, 422, "invalid_request"),
            ({"kind": "traffic", "endpoint": "e"}, 422, "invalid_request"),
            (None, 422, "invalid_request"),
        ],
    )
    def test_refuses_a_source_that_means_nothing(
        self, client: httpx.Client, source: Any, status: int, code: str
    ) -> None:
        refused(self.order(client, source), status, code)
        assert client.get("jobs", params={"kind": "BuildVersion"}).json()["items"] == []

    @pytest.mark.usefixtures("parts")
    def test_names_the_place_in_the_source(self, client: httpx.Client) -> None:
        body = refused(self.order(client, {"kind": "recipe", "concat": ["first", "a b"]}), 422, "invalid_request")
        assert body["where"] == "body.source.concat.1"

    @pytest.mark.usefixtures("parts")
    def test_refuses_rows_of_a_rejected_version(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "second", b"")
        drain()
        body = refused(self.order(client, {"kind": "recipe", "concat": ["second@2"]}), 409, "version_not_validated")
        assert body["where"] == "source.concat.0"

    @pytest.mark.usefixtures("parts")
    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"where": "age > 1000"}, "empty_table"),
            ({"where": "ages > 1"}, "bad_expression"),
            ({"where": "age IN (SELECT a FROM read_csv('x'))"}, "bad_expression"),
            ({"unique": ["id"]}, "bad_columns"),
        ],
    )
    def test_that_cannot_be_done_ends_as_a_failed_job_and_no_version(
        self, client: httpx.Client, drain: Drain, more: dict[str, Any], code: str
    ) -> None:
        self.order(client, {**self.RECIPE, "unique": [], **more})
        (job,) = drain()
        assert (job.state, (job.error or {})["code"]) == (JobState.FAILED, code)
        assert client.get("datasets/all").json()["versions"] == 0

    @pytest.mark.usefixtures("parts")
    def test_of_traffic_that_never_was_fails_and_says_so(self, client: httpx.Client, drain: Drain) -> None:
        self.order(client, {"kind": "traffic", "endpoint": "bikes", "target": "cnt"})
        (job,) = drain()
        assert (job.error or {})["message"] == "The endpoint 'bikes' has no recorded predictions."

    def test_another_kind_of_body_is_not_taken(self, client: httpx.Client) -> None:
        client.post("datasets", json={"name": "all"})
        answer = client.post("datasets/all/versions", content=b"a,b", headers={"content-type": "text/csv"})
        refused(answer, 415, "unsupported_media_type")


class TestRights:
    def test_a_viewer_reads_and_changes_nothing(self, client: httpx.Client) -> None:
        put_version(client, "people", ROWS)
        token = client.post("tokens", json={"name": "v", "role": "viewer"}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("datasets/people", headers=headers).status_code == 200
        files = [("files", ("b.csv", MORE))]
        refused(client.post("datasets/people/versions", files=files, headers=headers), 403, "missing_scope")
        refused(client.put("datasets/people/check-suite", json={"checks": []}, headers=headers), 403, "missing_scope")
        refused(client.delete("datasets/people", headers=headers), 403, "missing_scope")
