"""A dataset version scored into another one: through the doors, chunk by chunk, once whatever happens between."""

import json
import multiprocessing
import os
import shutil
import signal
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx
import polars as pl
import pytest

from adapters import spark
from adapters.chunk_store.contents import Contents
from adapters.object_store.protocol import StoreUnavailable
from adapters.runtime import Runtime
from adapters.settings import Settings
from domain.batch_predictions.queries import parts_of
from domain.experiments.models import Run
from domain.jobs import service as jobs
from domain.jobs.models import Job
from tests.api.answers import refused
from tests.conftest import Drain, SteppingClock
from tests.domain.deployments.versions import ANN, add_versions
from tests.serving.plants import classifier_package, expected, regression_package
from tests.training_data import make_dataset, upload
from workers.batch_scoring import answered
from workers.handlers.table import HANDLERS
from workers.packages import open_model
from workers.run import run_job
from workers.toolbox import Toolbox

ROWS = pl.DataFrame({
    "hour": [row % 24 for row in range(250)],
    "temp": [row / 10 for row in range(250)],
    "holiday": [row % 7 == 0 for row in range(250)],
    "season": [("winter", "summer")[row % 2] for row in range(250)],
    "note": ["n"] * 250,
})  # fmt: skip
BROKEN = ROWS.with_columns(hour=pl.when(pl.col("hour") == 3).then(None).otherwise("hour"))
ASK: dict[str, Any] = {"dataset": "rows@1", "model": "m@1", "into": "scored"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """So little memory that a hundred rows of five columns fill it."""
    return settings.model_copy(update={"memory_limit_bytes": 500 * 1024, "spark_url": "local[2]"})


@pytest.fixture(autouse=True)
def model(client: httpx.Client, drain: Drain, runtime: Runtime) -> None:
    """Version 1 of the model `m`, which adds up its inputs, the rows to score, and a dataset for the answers."""
    make_dataset(client, drain, "rows", ROWS)
    assert client.post("datasets", json={"name": "scored"}).status_code == 201
    digest = regression_package(runtime.models, 1)
    with runtime.transaction(ANN) as session:
        (version,) = add_versions(session, 1)
        version.package_digest = digest
        session.get_one(Run, version.run_id).package = json.loads(runtime.models.get(f"packages/{digest}/package.json"))


def order(client: httpx.Client, **changes: Any) -> dict[str, Any]:
    answer = client.post("batch-predictions", json=ASK | changes)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def batch(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.get(job["subject"]).json()
    return found


def table(client: httpx.Client, number: int = 1, name: str = "scored") -> pl.DataFrame:
    return pl.read_parquet(BytesIO(client.get(f"datasets/{name}/versions/{number}/content/{name}.parquet").content))


def ended(jobs: list[Job]) -> Job:
    return next(job for job in jobs if job.kind == "PredictBatch")


class TestPredictBatch:
    def test_makes_a_version_that_says_where_it_comes_from(self, client: httpx.Client, drain: Drain) -> None:
        job = order(client)
        assert ended(drain()).state == "succeeded"
        told = batch(client, job)
        assert (told["rows"], told["bad_rows"], told["output"], told["state"]) == (250, 0, "scored@1", "succeeded")
        rows = table(client)
        assert rows.columns == [*ROWS.columns, "prediction"]
        assert rows.drop("prediction").equals(ROWS)
        assert rows["prediction"].to_list() == pytest.approx([expected(row, 1) for row in ROWS.to_dicts()])
        lineage = client.get("datasets/scored/versions/1/lineage").json()
        source = lineage["version"]["source"]
        assert (source["kind"], source["version"], source["model"]) == ("batch_prediction", "rows@1", "m@1")
        assert (source["batch_id"], source["job_id"]) == (told["id"], job["id"])
        assert [parent["dataset"] for parent in lineage["parents"]] == ["rows"]
        assert client.get("datasets/rows/versions/1/lineage").json()["children"][0]["dataset"] == "scored"
        assert client.get("datasets/scored/versions/1").json()["state"] == "validated"

    def test_keeps_the_columns_that_are_named(self, client: httpx.Client, drain: Drain) -> None:
        order(client, keep=["note"])
        drain()
        assert table(client).columns == ["note", "prediction"]

    def test_the_same_again_is_the_same_version(self, client: httpx.Client, drain: Drain) -> None:
        order(client)
        drain()
        again = order(client)
        drain()
        assert batch(client, again)["output"] == "scored@1"

    def test_one_key_is_one_batch(self, client: httpx.Client) -> None:
        first, second = (
            client.post("batch-predictions", json=ASK, headers={"Idempotency-Key": "k"}).json() for _ in range(2)
        )
        assert first["subject"] == second["subject"]
        assert len(client.get("batch-predictions").json()["items"]) == 1


class TestClasses:
    def test_are_answered_with_the_probability_of_each(self, runtime: Runtime, tools: Toolbox) -> None:
        model = open_model(tools, classifier_package(runtime.models, [False, True]))
        answers = answered(model, pl.DataFrame({"x": [2.0, -2.0, None]}))
        assert answers.columns == ["prediction", "probability_false", "probability_true", "prediction_error"]
        assert answers["prediction"].to_list() == [True, False, None]
        assert answers["probability_true"].to_list() == [
            pytest.approx(0.8808, abs=1e-4),
            pytest.approx(0.1192, abs=1e-4),
            None,
        ]
        assert answers["prediction_error"].to_list() == [None, None, "Column 'x' is null."]


class TestBadRows:
    @pytest.fixture(autouse=True)
    def bad(self, client: httpx.Client, drain: Drain) -> None:
        upload(client, "rows", BROKEN)
        drain()

    def test_have_null_and_the_reason_when_so_asked(self, client: httpx.Client, drain: Drain) -> None:
        job = order(client, dataset="rows@2", on_bad_row="null")
        drain()
        rows = table(client).with_row_index()
        bad = rows.filter(pl.col("prediction").is_null())
        assert bad["index"].to_list() == ROWS.with_row_index().filter(pl.col("hour") == 3)["index"].to_list()
        assert set(bad["prediction_error"]) == {"Column 'hour' is null."}
        assert rows.filter(pl.col("prediction_error").is_not_null()).height == bad.height
        told = batch(client, job)
        assert [one["row"] for one in told["bad"]] == bad["index"].to_list()
        assert told["bad_rows"] == bad.height

    def test_end_the_job_otherwise_and_leave_nothing(
        self, client: httpx.Client, drain: Drain, runtime: Runtime
    ) -> None:
        job = order(client, dataset="rows@2")
        failed = ended(drain())
        first = ROWS["hour"].to_list().index(3)
        assert (failed.state, (failed.error or {})["code"]) == ("failed", "unfit_row")
        assert (failed.error or {})["where"] == f"rows[{first}]"
        with runtime.reading() as session:
            assert parts_of(session, batch(client, job)["id"]) == []
        assert client.get("datasets/scored/versions").json()["items"] == []


class CountingContents(Contents):
    """Remembers the parts it took, and breaks off after some of them."""

    taken: int
    most: int

    def add_file(self, path: Any) -> Any:
        if path.name == "part.parquet":
            if self.taken >= self.most:
                raise StoreUnavailable("The store is away.")
            self.taken += 1
        return super().add_file(path)


def counting(runtime: Runtime, most: int) -> CountingContents:
    contents = CountingContents(runtime.data, runtime.database, runtime.clock)
    contents.taken, contents.most = 0, most
    return contents


class TestResume:
    def test_goes_on_behind_what_is_scored(
        self, client: httpx.Client, drain: Drain, tools: Toolbox, clock: SteppingClock
    ) -> None:
        job = order(client)
        first, second = counting(tools.runtime, 2), counting(tools.runtime, 9)
        for contents in (first, second):
            here = replace(tools, runtime=replace(tools.runtime, contents=contents))
            assert run_job(job["id"], tools=here, handlers=HANDLERS, worker="w", stop_work=lambda: None)
            told = batch(client, job)
            clock.advance(60)
            if contents is first:
                assert (told["state"], told["rows_scored"], told["output"]) == ("queued", 200, None)
        assert (first.taken, second.taken, told["state"], told["rows"]) == (2, 1, "succeeded", 250)
        assert table(client).drop("prediction").equals(ROWS)

    @pytest.mark.slow
    def test_of_a_killed_worker_scores_each_chunk_once(
        self, client: httpx.Client, drain: Drain, tools: Toolbox, settings: Settings, clock: SteppingClock
    ) -> None:
        job = order(client)
        killed = multiprocessing.get_context("spawn").Process(target=work_and_die, args=(settings, job["id"]))
        killed.start()
        killed.join(120)
        assert killed.exitcode == -signal.SIGKILL
        told = batch(client, job)
        assert (told["state"], told["rows_scored"]) == ("running", 100)
        clock.advance(60)
        with tools.runtime.transaction() as session:
            assert jobs.reap(session) == [job["id"]]
        contents = counting(tools.runtime, 9)
        here = replace(tools, runtime=replace(tools.runtime, contents=contents))
        assert run_job(job["id"], tools=here, handlers=HANDLERS, worker="w", stop_work=lambda: None)
        assert (contents.taken, batch(client, job)["output"]) == (2, "scored@1")
        assert table(client).drop("prediction").equals(ROWS)


def work_and_die(settings: Settings, job_id: str) -> None:
    """A worker process that SIGKILL meets in its second chunk."""
    from workers.toolbox import open_toolbox  # noqa: PLC0415 - in the process that is started for it

    tools = open_toolbox(settings)

    class Dying(CountingContents):
        def add_file(self, path: Any) -> Any:
            if self.taken:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().add_file(path)

    contents = Dying(tools.runtime.data, tools.runtime.database, tools.runtime.clock)
    contents.taken, contents.most = 0, 9
    run_job(
        job_id, tools=replace(tools, runtime=replace(tools.runtime, contents=contents)), handlers=HANDLERS, worker="w"
    )


class TestCollection:
    def test_leaves_parts_alone_until_their_job_has_ended(
        self, client: httpx.Client, drain: Drain, tools: Toolbox, clock: SteppingClock
    ) -> None:
        job = order(client)
        here = replace(tools, runtime=replace(tools.runtime, contents=counting(tools.runtime, 1)))
        assert run_job(job["id"], tools=here, handlers=HANDLERS, worker="w", stop_work=lambda: None)
        with tools.runtime.reading() as session:
            (part,) = parts_of(session, batch(client, job)["id"])
        clock.advance(timedelta(days=30).total_seconds())
        assert part.md5 not in planned(client, tools)
        assert client.post(f"jobs/{job['id']}/cancel").status_code == 200
        assert part.md5 in planned(client, tools)


def planned(client: httpx.Client, tools: Toolbox) -> set[str]:
    """The contents that a collection would take now."""
    answer = client.post("gc/plans", json={})
    assert answer.status_code == 202, answer.text
    assert run_job(answer.json()["id"], tools=tools, handlers=HANDLERS, worker="w", stop_work=lambda: None)
    plan = answer.json()["subject"]
    return {one["digest"] for one in client.get(f"{plan}/contents", params={"limit": 500}).json()["items"]}


class TestRefusals:
    def test_what_cannot_be_done_is_said_at_once(self, client: httpx.Client, drain: Drain) -> None:
        assert client.put("endpoints/e", json={"model": "m"}).status_code == 201
        make_dataset(client, drain, "short", ROWS.drop("temp"))
        make_dataset(client, drain, "taken", ROWS.with_columns(prediction=1))
        cases: list[tuple[dict[str, Any], int, str, str]] = [
            ({"dataset": "rosw@1"}, 404, "unknown_dataset", "dataset"),
            ({"dataset": "rows@9"}, 404, "unknown_dataset_version", "version"),
            ({"model": "n@1"}, 404, "unknown_model", "model"),
            ({"model": "m@9"}, 404, "unknown_model_version", "number"),
            ({"model": "m"}, 404, "unknown_alias", "model"),
            ({"model": None, "endpoint": "nope"}, 404, "unknown_endpoint", "endpoint"),
            ({"model": None, "endpoint": "e"}, 409, "no_live_version", "endpoint"),
            ({"model": None}, 422, "invalid_request", "body"),
            ({"endpoint": "e"}, 422, "invalid_request", "body"),
            ({"engine": "ray"}, 422, "invalid_request", "body.engine"),
            ({"into": "nope"}, 404, "unknown_dataset", "dataset"),
            ({"into": "rows"}, 422, "into_itself", "into"),
            ({"into": "short"}, 409, "other_schema", "into"),
            ({"keep": ["nota"]}, 422, "unknown_column", "keep"),
            ({"dataset": "short@1"}, 422, "missing_columns", "dataset"),
            ({"dataset": "taken@1"}, 422, "column_taken", "keep"),
        ]
        for changes, status, code, where in cases:
            problem = refused(client.post("batch-predictions", json=ASK | changes), status, code)
            assert (changes, problem["where"]) == (changes, where)
        assert client.get("batch-predictions").json()["items"] == []

    def test_an_archived_version(self, client: httpx.Client) -> None:
        assert client.post("models/m/versions/1/archive").status_code == 200
        refused(client.post("batch-predictions", json=ASK), 409, "model_version_archived")

    def test_a_folder(self, client: httpx.Client) -> None:
        assert client.post("datasets", json={"name": "pictures"}).status_code == 201
        files = [("files", (name, name.encode())) for name in ("a.png", "b.png")]
        assert client.post("datasets/pictures/versions", files=files).status_code == 201
        refused(client.post("batch-predictions", json=ASK | {"dataset": "pictures@1"}), 422, "not_rows")

    def test_an_empty_table_fails_the_job_with_its_reason(self, client: httpx.Client, drain: Drain) -> None:
        assert client.post("datasets", json={"name": "empty"}).status_code == 201
        files = [("files", ("empty.csv", b"hour,temp,holiday,season\n"))]
        assert client.post("datasets/empty/versions", files=files).status_code == 201
        order(client, dataset="empty@1")
        assert (ended(drain()).error or {})["code"] == "empty_table"


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not spark.INSTALLED, reason="PySpark is not installed")
@pytest.mark.skipif(shutil.which("java") is None, reason="there is no Java, which Spark runs on")
def test_spark_answers_as_one_machine_does(client: httpx.Client, drain: Drain) -> None:
    upload(client, "rows", BROKEN)
    drain()
    for engine in ("local", "spark"):
        order(client, dataset="rows@2", on_bad_row="null", engine=engine)
        job = ended(drain())
        assert job.state == "succeeded", job.error
    assert table(client)["prediction_error"].null_count() < 250
    assert table(client, 2).equals(table(client, 1))  # in larger chunks, so that the bytes are others
