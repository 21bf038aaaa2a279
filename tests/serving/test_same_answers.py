"""The same rows by every protocol: the same answers to the last bit, each with ids and version; and every refusal."""

import csv
import io
import json
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import grpc
import httpx
import numpy as np
import orjson
import pytest
import tritonclient.grpc
import tritonclient.http

from adapters.object_store.local import LocalStore
from serving.app import build_serving, standalone
from serving.errors import Problem
from serving.grpc_server import grpc_server, status_code
from serving.protocols import mlflow, plain, v2
from tests.servers import free_port, serving
from tests.serving.plants import classifier_package, expected, regression_package, route

KINDS = {"hour": ("INT64", np.int64), "temp": ("FP64", np.float64), "holiday": ("BOOL", np.bool_)}


def made() -> list[dict[str, Any]]:
    chance = random.Random(5)
    return [
        {
            "hour": chance.randrange(-(2**20), 2**40),
            "temp": None if number % 7 == 0 else chance.gauss(0, 10.0 ** chance.randrange(-8, 8)),
            "holiday": chance.random() < 0.5,
            "season": chance.choice(["winter", "summer"]),
        }
        for number in range(200)
    ]


ROWS = made()
NAMES = list(ROWS[0])
XS = [{"x": random.Random(6).gauss(0, 3) * number} for number in range(50)]


class Answers(NamedTuple):
    values: list[Any]
    ids: list[str]
    version: str
    probabilities: list[list[float]] | None = None


class Planes(NamedTuple):
    """The same process by HTTP and by gRPC."""

    http: httpx.Client
    grpc: str


@pytest.fixture(scope="module")
def planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planes]:
    folder = tmp_path_factory.mktemp("alike")
    store = LocalStore(folder / "models")
    route(store, "bikes", 1, (3, regression_package(store, 3)), visibility="public", requests_per_second=1_000_000)
    route(
        store,
        "signs",
        1,
        (4, classifier_package(store, ["no", "yes"])),
        visibility="public",
        requests_per_second=1_000_000,
    )
    app = build_serving(store, folder / "cache")
    address = f"127.0.0.1:{free_port()}"
    beside = grpc_server(app.router, address, max_message_bytes=10**6)
    with (
        serving(standalone(app, also=beside), lifespan="on") as url,
        httpx.Client(base_url=url) as client,
    ):
        yield Planes(client, address)


def by_plain(planes: Planes, name: str, rows: list[dict[str, Any]]) -> Answers:
    response = planes.http.post(f"/serve/{name}/predict", json={"instances": rows})
    body = response.json()
    assert body["model_version"] == int(response.headers["x-model-version"])
    return Answers(body["predictions"], body["ids"], response.headers["x-model-version"], listed(body))


def listed(body: dict[str, Any]) -> list[list[float]] | None:
    return [list(each.values()) for each in body["probabilities"]] if "probabilities" in body else None


def by_lines(planes: Planes, name: str, rows: list[dict[str, Any]]) -> Answers:
    sent = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    response = planes.http.post(
        f"/serve/{name}/predict", content=sent, headers={"Content-Type": "application/x-ndjson"}
    )
    answers = [json.loads(line) for line in response.text.splitlines()]
    (version,) = {each["model_version"] for each in answers}
    probabilities = [list(each["probabilities"].values()) for each in answers if "probabilities" in each]
    ids = [each["id"] for each in answers]
    return Answers([each["prediction"] for each in answers], ids, str(version), probabilities or None)


def by_mlflow(planes: Planes, name: str, content: bytes, content_type: str) -> Answers:
    response = planes.http.post(f"/serve/{name}/invocations", content=content, headers={"Content-Type": content_type})
    ids = response.headers.get("x-prediction-ids", "").split(",")
    return Answers(response.json()["predictions"], ids, response.headers["x-model-version"])


def by_mlflow_json(planes: Planes, name: str, rows: list[dict[str, Any]]) -> Answers:
    split = {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}
    return by_mlflow(planes, name, json.dumps({"dataframe_split": split}).encode(), "application/json")


def by_mlflow_csv(planes: Planes, name: str, rows: list[dict[str, Any]]) -> Answers:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return by_mlflow(planes, name, out.getvalue().encode(), "text/csv")


def tensors(make: Any, rows: list[dict[str, Any]], **options: Any) -> list[Any]:
    tensors = []
    for name in rows[0]:
        datatype, kind = KINDS.get(name, ("FP64", np.float64) if name == "x" else ("BYTES", np.object_))
        tensor = make(name, [len(rows)], datatype)
        tensor.set_data_from_numpy(np.array([row[name] for row in rows], kind), **options)
        tensors.append(tensor)
    return tensors


def by_v2(planes: Planes, name: str, rows: list[dict[str, Any]], *, binary: bool) -> Answers:
    inputs = tensors(tritonclient.http.InferInput, rows, binary_data=binary)
    outputs = [
        tritonclient.http.InferRequestedOutput(output, binary_data=binary)
        for output in (["prediction", "probabilities"] if name == "signs" else ["prediction"])
    ]
    address = f"{planes.http.base_url.host}:{planes.http.base_url.port}"
    with tritonclient.http.InferenceServerClient(address) as client:
        return triton_answers(client.infer(name, inputs, outputs=outputs))


def triton_answers(result: Any) -> Answers:
    response = result.get_response()
    ids = response["parameters"]["prediction_ids"]
    probabilities = result.as_numpy("probabilities")
    return Answers(
        result.as_numpy("prediction").tolist(),
        ids.split(","),
        response["model_version"],
        None if probabilities is None else probabilities.tolist(),
    )


def by_grpc(planes: Planes, name: str, rows: list[dict[str, Any]]) -> Answers:
    with tritonclient.grpc.InferenceServerClient(planes.grpc) as client:
        result = client.infer(name, tensors(tritonclient.grpc.InferInput, rows))
    response = result.get_response()
    probabilities = result.as_numpy("probabilities")
    return Answers(
        result.as_numpy("prediction").tolist(),
        response.parameters["prediction_ids"].string_param.split(","),
        response.model_version,
        None if probabilities is None else probabilities.tolist(),
    )


WAYS: dict[str, Callable[[Planes, str, list[dict[str, Any]]], Answers]] = {
    "plain JSON": by_plain,
    "NDJSON": by_lines,
    "invocations, JSON": by_mlflow_json,
    "invocations, csv": by_mlflow_csv,
    "v2, JSON": lambda planes, name, rows: by_v2(planes, name, rows, binary=False),
    "v2, binary": lambda planes, name, rows: by_v2(planes, name, rows, binary=True),
    "gRPC": by_grpc,
}


class TestAnswers:
    @pytest.mark.parametrize("way", WAYS)
    def test_are_the_same_numbers(self, planes: Planes, way: str) -> None:
        answers = WAYS[way](planes, "bikes", ROWS)
        assert answers.values == by_plain(planes, "bikes", ROWS).values
        assert answers.values == pytest.approx([expected(row, 3) for row in ROWS], rel=1e-5, abs=0.01)

    @pytest.mark.parametrize("way", WAYS)
    def test_are_the_same_labels_and_probabilities(self, planes: Planes, way: str) -> None:
        answers, plainly = WAYS[way](planes, "signs", XS), by_plain(planes, "signs", XS)
        assert [each.decode() if isinstance(each, bytes) else each for each in answers.values] == plainly.values
        if not way.startswith("invocations"):  # MLflow's protocol gives what the model's `predict` gives
            assert answers.probabilities == plainly.probabilities

    @pytest.mark.parametrize("way", WAYS)
    def test_carry_the_version_and_an_id_for_each_row(self, planes: Planes, way: str) -> None:
        answers = WAYS[way](planes, "bikes", ROWS[:20])
        assert answers.version == "3"
        assert len(set(answers.ids)) == 20
        assert all(len(each) == 36 for each in answers.ids)


REFUSALS = {
    400: ("BAD_REQUEST", grpc.StatusCode.INVALID_ARGUMENT),
    401: ("UNAUTHENTICATED", grpc.StatusCode.UNAUTHENTICATED),
    403: ("PERMISSION_DENIED", grpc.StatusCode.PERMISSION_DENIED),
    404: ("RESOURCE_DOES_NOT_EXIST", grpc.StatusCode.NOT_FOUND),
    405: ("BAD_REQUEST", grpc.StatusCode.INVALID_ARGUMENT),
    408: ("BAD_REQUEST", grpc.StatusCode.DEADLINE_EXCEEDED),
    413: ("BAD_REQUEST", grpc.StatusCode.RESOURCE_EXHAUSTED),
    415: (None, grpc.StatusCode.INVALID_ARGUMENT),
    422: ("BAD_REQUEST", grpc.StatusCode.INVALID_ARGUMENT),
    429: ("REQUEST_LIMIT_EXCEEDED", grpc.StatusCode.RESOURCE_EXHAUSTED),
    500: ("INTERNAL_ERROR", grpc.StatusCode.INTERNAL),
    503: ("TEMPORARILY_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE),
}


class TestRefusals:
    @pytest.mark.parametrize("status", REFUSALS)
    def test_have_the_shape_of_their_protocol(self, status: int) -> None:
        problem = Problem(status, "some_code", "Some code", "It is so.", "here", "Do that.")
        error_code, code = REFUSALS[status]
        told = orjson.loads(plain.refuse(problem, "r-1").body)
        assert (told["status"], told["code"], told["request_id"]) == (status, "some_code", "r-1")

        reply = mlflow.refuse(problem, "r-1")
        assert reply.status == (400 if status == 422 else status)
        if error_code is None:
            assert (reply.content_type, b"It is so." in reply.body) == (b"text/plain; charset=utf-8", True)
        else:
            assert orjson.loads(reply.body) == {"error_code": error_code, "message": "It is so. (at here) Do that."}

        reply = v2.Inference().refuse(problem, "r-1")
        assert reply.status == (400 if status == 422 else status)
        assert cast("str", orjson.loads(reply.body)["error"]).startswith("It is so.")

        assert status_code(problem) == code

    def test_a_deadline_is_one_over_grpc_too(self) -> None:
        problem = Problem(503, "deadline_exceeded", "Deadline exceeded", "Too late.", None, None)
        assert status_code(problem) == grpc.StatusCode.DEADLINE_EXCEEDED
