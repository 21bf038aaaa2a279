"""Recipes over HTTP: built with provenance, refused with their place, declared, and run when a source has news."""

from typing import Any

import httpx
import polars as pl
import pytest
import yaml

from tests.api.answers import put_version, refused
from tests.conftest import Drain

PEOPLE = b"id,age,city\n1,30,rome\n2,,oslo\n3,50,\n4,19,rome\n"
LATER = b"id,age,city\n5,70,bern\n6,,oslo\n"
CITIES = b"city,land\nrome,IT\noslo,NO\n"
STEPS: list[dict[str, Any]] = [
    {"step": "filter", "where": "id <> 4"},
    {"step": "fill", "column": "age", "method": "mean"},
    {"step": "join", "version": "cities", "on": ["city"]},
]


@pytest.fixture
def sources(client: httpx.Client, drain: Drain) -> None:
    put_version(client, "people", PEOPLE)
    put_version(client, "cities", CITIES, "cities.csv")
    client.post("datasets", json={"name": "clean"})
    drain()


def order(client: httpx.Client, **recipe: Any) -> httpx.Response:
    source = {"kind": "recipe", "concat": ["people"], **recipe}
    return client.post("datasets/clean/versions", json={"source": source})


def rows(client: httpx.Client, number: int, name: str = "clean") -> list[tuple[Any, ...]]:
    content = client.get(f"datasets/{name}/versions/{number}/content/{name}.parquet").content
    return pl.read_parquet(content).rows()


def version(client: httpx.Client, number: int | str = "latest", name: str = "clean") -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"datasets/{name}/versions/{number}").json()
    return found


@pytest.mark.usefixtures("sources")
class TestBuild:
    def test_takes_rows_through_the_steps_and_remembers_all_of_it(self, client: httpx.Client, drain: Drain) -> None:
        job = order(client, steps=STEPS).json()
        drain()
        assert rows(client, 1) == [(1, 30.0, "rome", "IT"), (2, 40.0, "oslo", "NO"), (3, 50.0, None, None)]
        source = version(client)["source"]
        assert source["concat"] == ["people@1"]
        assert source["steps"][2]["version"] == "cities@1"
        assert source["leakage"] is True
        assert source["fitted"] == [
            {
                "place": "steps.1",
                "step": "fill",
                "learned_on": ["people@1"],
                "own_rows": True,
                "values": {"age": 40.0},
            }
        ]
        parents = client.get("datasets/clean/versions/1/lineage").json()["parents"]
        assert {parent["dataset"] for parent in parents} == {"people", "cities"}
        ended = client.get(f"jobs/{job['id']}").json()
        assert (ended["result"]["fitted"], ended["result"]["leakage"]) == (["steps.1"], True)
        lines = [line["line"] for line in client.get(f"jobs/{job['id']}/logs").json()]
        assert any("learned on the rows themselves: steps.1 (fill)" in line for line in lines)

    def test_the_same_again_is_the_same_digest(self, client: httpx.Client, drain: Drain) -> None:
        client.post("datasets", json={"name": "other"})
        source = {"kind": "recipe", "concat": ["people@1"], "steps": STEPS}
        for name in ("clean", "other", "clean"):
            client.post(f"datasets/{name}/versions", json={"source": source})
        drain()
        assert client.get("datasets/clean").json()["versions"] == 1
        assert version(client)["digest"] == version(client, name="other")["digest"]

    def test_learns_on_the_training_version_alone(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "people", LATER)
        drain()
        order(client, concat=["people@2"], steps=STEPS, fit_on="people@1")
        drain()
        assert rows(client, 1) == [(5, 70.0, "bern", None), (6, 40.0, "oslo", "NO")]
        source = version(client)["source"]
        assert (source["leakage"], source["fit_on"]) == (False, "people@1")
        assert source["fitted"][0]["learned_on"] == ["people@1"]
        parents = client.get("datasets/clean/versions/1/lineage").json()["parents"]
        assert {(parent["dataset"], parent["number"]) for parent in parents} == {
            ("people", 1),
            ("people", 2),
            ("cities", 1),
        }

    def test_a_training_version_among_its_own_rows_is_no_other_one(self, client: httpx.Client, drain: Drain) -> None:
        order(client, concat=["people@1"], steps=STEPS, fit_on="people@1")
        drain()
        assert version(client)["source"]["leakage"] is True

    def test_without_a_step_that_learns_there_is_nothing_to_warn_of(self, client: httpx.Client, drain: Drain) -> None:
        order(client, steps=STEPS[:1])
        (job, *_) = drain()
        source = version(client)["source"]
        assert (source["leakage"], source["fitted"]) == (False, [])
        assert set(job.result or {}) == {"dataset", "number", "version_id"}

    @pytest.mark.parametrize(
        ("step", "where"),
        [
            ({"step": "fill", "colum": "age", "value": 1}, "body.source.steps.1.colum"),
            ({"step": "fill", "column": 7, "value": 1}, "body.source.steps.1.column"),
            ({"step": "fill", "column": "age", "method": "average"}, "body.source.steps.1.method"),
            ({"step": "fill", "column": "age"}, "body.source.steps.1"),
            ({"step": "select", "columns": ["a", ""]}, "body.source.steps.1.columns.1"),
            ({"step": "select", "columns": []}, "body.source.steps.1.columns"),
            ({"step": "join", "version": "a b", "on": ["id"]}, "body.source.steps.1.version"),
            ({"step": "join", "version": "a"}, "body.source.steps.1.on"),
            ({"step": "clip", "column": "age", "quantiles": [0.5, 2]}, "body.source.steps.1.quantiles.1"),
            (
                {"step": "aggregate", "by": ["id"], "aggregates": {"x": {"function": "avg"}}},
                "body.source.steps.1.aggregates.x.function",
            ),
            ({"step": "polish"}, "body.source.steps.1"),
            ({"column": "age"}, "body.source.steps.1"),
            ("fill", "body.source.steps.1"),
        ],
    )
    def test_refuses_a_bad_step_with_its_place(self, client: httpx.Client, step: Any, where: str) -> None:
        recipe = {"concat": ["people"], "steps": [STEPS[0], step]}
        assert refused(order(client, **recipe), 422, "invalid_request")["where"] == where
        text = yaml.safe_dump({"source": {"kind": "recipe", **recipe}})
        headers = {"content-type": "application/yaml"}
        answer = client.post("datasets/clean/versions", content=text.encode(), headers=headers)
        assert refused(answer, 422, "invalid_request")["where"] == where

    @pytest.mark.parametrize(
        ("recipe", "status", "code", "where"),
        [
            ({"steps": [{**STEPS[2], "version": "citis"}]}, 404, "unknown_dataset", "source.steps.0.version"),
            (
                {"steps": [{**STEPS[2], "version": "cities@7"}]},
                404,
                "unknown_dataset_version",
                "source.steps.0.version",
            ),
            ({"steps": [{**STEPS[2], "version": "clean"}]}, 409, "no_validated_version", "source.steps.0.version"),
            ({"steps": STEPS, "fit_on": "people@7"}, 404, "unknown_dataset_version", "source.fit_on"),
            ({"steps": STEPS, "fit_on": "people"}, 422, "invalid_request", "body.source.fit_on"),
            ({"steps": STEPS[:1], "fit_on": "people@1"}, 422, "invalid_request", "body.source.fit_on"),
            ({"fitted": []}, 422, "invalid_request", "body.source.fitted"),
        ],
    )
    def test_refuses_what_it_cannot_refer_to(
        self, client: httpx.Client, recipe: dict[str, Any], status: int, code: str, where: str
    ) -> None:
        assert refused(order(client, **recipe), status, code)["where"] == where

    def test_refuses_to_join_rows_of_a_rejected_version(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "cities", b"", "cities.csv")
        drain()
        step = {**STEPS[2], "version": "cities@2"}
        assert refused(order(client, steps=[step]), 409, "version_not_validated")["where"] == "source.steps.0.version"

    def test_a_step_that_fails_says_which_and_why(self, client: httpx.Client, drain: Drain) -> None:
        order(client, steps=[STEPS[0], {"step": "cast", "columns": ["age", "city"], "to": "integer"}])
        (job,) = drain()
        error = job.error or {}
        assert error["code"] == "recipe_step_refused"
        assert error["message"] == "Step 2 (cast): 2 rows have a value of 'city' that is no integer, the first 'rome'."
        assert error["where"] == "source.steps.1.columns.1"
        assert "invalid: null" in error["fix"]


@pytest.mark.usefixtures("sources")
class TestDeclared:
    RECIPE: dict[str, Any] = {"concat": ["people"], "steps": STEPS}  # noqa: RUF012 - never changed

    def put(self, client: httpx.Client, name: str = "clean", tag: str | None = None, **recipe: Any) -> httpx.Response:
        client.post("datasets", json={"name": name})
        headers = {"If-Match": tag} if tag else {}
        return client.put(f"datasets/{name}/recipe", json={**self.RECIPE, **recipe}, headers=headers)

    def test_is_kept_with_what_it_follows_and_its_tag(self, client: httpx.Client) -> None:
        answer = self.put(client)
        assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
        read = client.get("datasets/clean/recipe")
        assert read.json() == answer.json()
        assert read.headers["etag"] == '"1"'
        assert read.json()["recipe"]["follows"] == ["people"]
        assert read.json()["recipe"]["steps"][1]["method"] == "mean"
        assert self.put(client).json()["version"] == 1

    def test_takes_yaml(self, client: httpx.Client) -> None:
        text = b"concat: [people]\nsteps:\n  - {step: join, version: cities, on: [city]}\n"
        answer = client.put("datasets/clean/recipe", content=text, headers={"content-type": "application/yaml"})
        assert answer.json()["recipe"]["steps"][0]["on"] == ["city"]

    def test_refuses_a_caller_who_saw_another_one(self, client: httpx.Client) -> None:
        assert self.put(client, tag='"0"').status_code == 200
        refused(self.put(client, tag='"0"', where="id > 1"), 412, "stale")
        refused(client.delete("datasets/clean/recipe", headers={"If-Match": '"7"'}), 412, "stale")
        assert self.put(client, tag='"1"', where="id > 1").headers["etag"] == '"2"'

    def test_there_is_none_until_it_is_declared_and_after_it_is_withdrawn(self, client: httpx.Client) -> None:
        refused(client.get("datasets/clean/recipe"), 404, "no_recipe")
        refused(client.delete("datasets/clean/recipe"), 404, "no_recipe")
        self.put(client)
        assert client.delete("datasets/clean/recipe").status_code == 204
        refused(client.get("datasets/clean/recipe"), 404, "no_recipe")
        assert self.put(client).json()["version"] == 3  # a number never stands for two recipes

    @pytest.mark.parametrize(
        ("recipe", "status", "code", "where"),
        [
            ({"concat": ["nope"]}, 404, "unknown_dataset", "concat.0"),
            ({"concat": ["people@9"]}, 404, "unknown_dataset_version", "concat.0"),
            ({"steps": [{**STEPS[2], "version": "nope"}]}, 404, "unknown_dataset", "steps.0.version"),
            ({"concat": ["people@1"]}, 422, "follows_in_vain", "concat"),
            ({"follows": ["people", "clean"]}, 422, "follows_in_vain", "follows.1"),
            ({"concat": ["people@1"], "follows": ["people"]}, 422, "follows_in_vain", "follows.0"),
            ({"follows": []}, 422, "invalid_request", "body.follows"),
            ({"steps": [{"step": "fill"}]}, 422, "invalid_request", "body.steps.0"),
            ({"concat": ["clean"], "follows": ["clean"]}, 409, "recipe_cycle", "follows"),
        ],
    )
    def test_refuses_what_could_not_be_followed(
        self, client: httpx.Client, recipe: dict[str, Any], status: int, code: str, where: str
    ) -> None:
        assert refused(self.put(client, **recipe), status, code)["where"] == where
        refused(client.get("datasets/clean/recipe"), 404, "no_recipe")

    def test_refuses_a_circle_and_names_it(self, client: httpx.Client) -> None:
        self.put(client, "one")
        self.put(client, "two", concat=["one"], steps=[])
        self.put(client, "three", concat=["two", "people"], steps=[])
        body = refused(self.put(client, "one", concat=["three"], steps=[]), 409, "recipe_cycle")
        words = "'one' follows 'three', 'three' follows 'two', 'two' follows 'one'"
        assert words in body["detail"]
        assert self.put(client, "one", concat=["people"], follows=["people"]).status_code == 200

    def test_a_reference_that_is_not_followed_closes_no_circle(self, client: httpx.Client) -> None:
        self.put(client, "one")
        assert self.put(client, "one", concat=["people", "one"], follows=["people"]).status_code == 200

    def test_an_archived_dataset_takes_none(self, client: httpx.Client) -> None:
        client.delete("datasets/clean")
        refused(self.put(client), 409, "dataset_archived")


@pytest.mark.usefixtures("sources")
class TestFollowing:
    def declare(self, client: httpx.Client, name: str, **recipe: Any) -> None:
        client.post("datasets", json={"name": name})
        assert client.put(f"datasets/{name}/recipe", json=recipe).status_code == 200

    def test_a_new_version_builds_what_follows_it_and_what_follows_that(
        self, client: httpx.Client, drain: Drain
    ) -> None:
        self.declare(client, "clean", concat=["people"], steps=STEPS, fit_on="people@1")
        self.declare(client, "old", concat=["clean"], steps=[{"step": "filter", "where": "age >= 50"}])
        put_version(client, "people", LATER)
        drain()
        assert rows(client, 1) == [(5, 70.0, "bern", None), (6, 40.0, "oslo", "NO")]
        assert rows(client, 1, "old") == [(5, 70.0, "bern", None)]
        made = version(client)
        assert (made["source"]["concat"], made["source"]["revision"]) == (["people@2"], 1)
        assert made["message"] == "by its recipe, after people version 2"
        assert version(client, name="old")["state"] == "validated"

    def test_the_same_version_sets_it_off_once_for_each_revision(self, client: httpx.Client, drain: Drain) -> None:
        self.declare(client, "clean", concat=["people"], steps=STEPS[:1])
        put_version(client, "people", LATER)
        drain()
        suite = {"checks": [{"check": "row_count", "min": 9}]}
        for bad, state in ((suite, "rejected"), ({"checks": []}, "validated")):
            client.put("datasets/people/check-suite", json=bad)
            client.post("datasets/people/versions/2/checks")
            drain()
            assert version(client, 2, "people")["state"] == state
        assert len(client.get("jobs", params={"kind": "BuildVersion"}).json()["items"]) == 1
        self.declare(client, "clean", concat=["people"], steps=STEPS[:2])
        for bad in (suite, {"checks": []}):
            client.put("datasets/people/check-suite", json=bad)
            client.post("datasets/people/versions/2/checks")
            drain()
        assert len(client.get("jobs", params={"kind": "BuildVersion"}).json()["items"]) == 2
        assert client.get("datasets/clean").json()["versions"] == 2

    def test_a_late_verdict_on_an_old_version_sets_nothing_off(self, client: httpx.Client, drain: Drain) -> None:
        put_version(client, "people", LATER)
        drain()
        self.declare(client, "clean", concat=["people"], steps=STEPS[:1])
        for checks in ([{"check": "row_count", "min": 9}], list[dict[str, Any]]()):
            client.put("datasets/people/check-suite", json={"checks": checks})
            client.post("datasets/people/versions/1/checks")
            drain()
        assert client.get("jobs", params={"kind": "BuildVersion"}).json()["items"] == []

    def test_a_rejected_version_builds_nothing(self, client: httpx.Client, drain: Drain) -> None:
        self.declare(client, "clean", concat=["people"], steps=STEPS[:1])
        put_version(client, "people", b"")
        drain()
        assert client.get("datasets/clean").json()["versions"] == 0

    def test_neither_an_archived_nor_a_withdrawn_one_is_built(self, client: httpx.Client, drain: Drain) -> None:
        for name in ("clean", "gone"):
            self.declare(client, name, concat=["people"], steps=STEPS[:1])
        client.delete("datasets/clean/recipe")
        client.delete("datasets/gone")
        put_version(client, "people", LATER)
        drain()
        assert client.get("jobs", params={"kind": "BuildVersion"}).json()["items"] == []

    def test_a_join_that_has_no_version_yet_fails_its_job_and_not_the_source(
        self, client: httpx.Client, drain: Drain
    ) -> None:
        client.post("datasets", json={"name": "later"})
        step = {"step": "join", "version": "later", "on": ["city"]}
        self.declare(client, "clean", concat=["people"], steps=[step], follows=["people", "later"])
        put_version(client, "people", LATER)
        ended = drain()
        assert version(client, 2, "people")["state"] == "validated"
        assert [job.error["code"] for job in ended if job.error] == ["no_validated_version"]
        put_version(client, "later", CITIES, "later.csv")
        drain()
        assert rows(client, 1)[1] == (6, None, "oslo", "NO")

    def test_a_version_that_a_recipe_pins_is_in_use(self, client: httpx.Client) -> None:
        self.declare(client, "clean", concat=["people"], steps=[{**STEPS[2], "version": "cities@1"}])
        refused(client.delete("datasets/cities"), 409, "dataset_in_use")
        client.delete("datasets/clean/recipe")
        assert client.delete("datasets/cities").status_code == 200
