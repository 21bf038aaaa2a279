"""Open Inference v2 over gRPC: by the unmodified `tritonclient`, and by messages made by hand."""

import logging
import random
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput, service_pb2
from tritonclient.utils import InferenceServerException

from adapters.object_store.local import LocalStore
from adapters.settings import Settings
from serving.app import build_serving, standalone
from serving.grpc_server import grpc_server
from serving.main import grpc_beside
from serving.protocols.inference_messages import message
from tests.servers import free_port, serving
from tests.serving.plants import (
    ROW,
    TOKEN,
    admit,
    classifier_package,
    expected,
    numbers_package,
    regression_package,
    route,
)

METADATA = {"authorization": f"Bearer {TOKEN}"}
ROWS: list[dict[str, Any]] = [ROW, {"hour": 7, "temp": None, "holiday": True, "season": "summer"}]
ANSWERS = [expected(row, 1) for row in ROWS]
COLUMNS = {
    "hour": (np.array([5, 7], np.int64), "INT64"),
    "temp": (np.array([0.5, np.nan]), "FP64"),
    "holiday": (np.array([False, True]), "BOOL"),
    "season": (np.array(["winter", "summer"], object), "BYTES"),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("grpc")
    store = LocalStore(folder / "models")
    admit(store, TOKEN)
    bikes = regression_package(store, 1)
    route(store, "bikes", 1, (1, bikes))
    route(store, "narrow", 1, (1, bikes), visibility="public", requests_per_second=1_000_000, max_rows=1)
    route(
        store,
        "signs",
        1,
        (4, classifier_package(store, ["no", "yes"])),
        visibility="public",
        requests_per_second=1_000_000,
    )
    route(store, "numbers", 1, (1, numbers_package(store)), visibility="public", requests_per_second=1_000_000)
    route(store, "asleep", 1, standby=[(1, bikes)])
    app = build_serving(store, folder / "cache")
    address = f"127.0.0.1:{free_port()}"
    beside = grpc_server(app.router, address, max_message_bytes=100_000)
    with serving(standalone(app, also=beside), lifespan="on"):
        yield address


@pytest.fixture(scope="module")
def triton(address: str) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(address) as client:
        yield client


@pytest.fixture(scope="module")
def infer(address: str) -> Iterator[Any]:
    """The call as bytes of any kind."""
    with grpc.insecure_channel(address) as channel:
        yield channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")


def tensor(name: str, values: NDArray[Any], datatype: str) -> InferInput:
    made = InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values)
    return made


def tensors() -> list[InferInput]:
    return [tensor(name, values, datatype) for name, (values, datatype) in COLUMNS.items()]


def typed(model: str = "numbers", **contents: dict[str, Any]) -> Any:
    """A request with typed contents: name -> datatype, shape and values by field."""
    request = service_pb2.ModelInferRequest(model_name=model)
    for name, given in contents.items():
        request.inputs.add(
            name=name,
            datatype=given.pop("datatype"),
            shape=given.pop("shape", [1]),
            contents=service_pb2.InferTensorContents(**given),
        )
    return request


def raw_numbers() -> Any:
    request = service_pb2.ModelInferRequest(model_name="numbers")
    for name, values in {"a": np.arange(3.0), "b": np.arange(3.0), "c": np.arange(3)}.items():
        request.inputs.add(name=name, datatype="INT64" if name == "c" else "FP64", shape=[3])
        request.raw_input_contents.append(values.tobytes())
    return request


class TestMessages:
    def test_are_those_of_the_published_protocol(self) -> None:
        for name, theirs in service_pb2.DESCRIPTOR.message_types_by_name.items():
            if name.startswith(("Server", "ModelReady", "ModelMetadata", "ModelInfer", "InferP", "InferT")):
                assert described(message(name).DESCRIPTOR) == described(theirs), name


def described(descriptor: Any) -> Any:
    fields = [
        (each.number, each.name, each.type, each.is_repeated, each.containing_oneof and each.containing_oneof.name)
        for each in descriptor.fields
    ]
    return fields, {each.name: described(each) for each in descriptor.nested_types}


class TestAbout:
    def test_is_live_and_ready(self, triton: InferenceServerClient) -> None:
        assert triton.is_server_live()
        assert triton.is_server_ready()
        assert triton.is_model_ready("bikes", headers=METADATA)
        assert triton.is_model_ready("bikes", "1", headers=METADATA)
        assert not triton.is_model_ready("bikes", "2", headers=METADATA)
        assert not triton.is_model_ready("asleep", headers=METADATA)

    def test_describes_the_server_and_the_model(self, triton: InferenceServerClient) -> None:
        assert triton.get_server_metadata().name == "millrace"
        metadata = triton.get_model_metadata("bikes", headers=METADATA)
        assert {each.name: each.datatype for each in metadata.inputs} == {n: kind for n, (_, kind) in COLUMNS.items()}
        assert [list(each.shape) for each in triton.get_model_metadata("signs").outputs] == [[-1], [-1, 2]]


class TestInfer:
    @pytest.mark.parametrize("coding", [None, "gzip"])
    def test_answers_raw_tensors(self, triton: InferenceServerClient, coding: str | None) -> None:
        result = triton.infer("bikes", tensors(), request_id="mine", headers=METADATA, compression_algorithm=coding)
        assert result.as_numpy("prediction").tolist() == ANSWERS
        response = result.get_response()
        assert (response.id, response.model_name, response.model_version) == ("mine", "bikes", "1")
        assert len(response.parameters["prediction_ids"].string_param.split(",")) == 2

    def test_answers_typed_tensors_in_kind(self, infer: Any) -> None:
        request = typed(
            a={"datatype": "FP32", "shape": [2, 1], "fp32_contents": [0.5, 1.5]},
            b={"datatype": "UINT8", "shape": [2], "uint_contents": [2, 3]},
            c={"datatype": "INT16", "shape": [2], "int_contents": [3, -3]},
        )
        answer = service_pb2.ModelInferResponse.FromString(infer(request.SerializeToString()))
        assert list(answer.outputs[0].contents.fp64_contents) == [320.5, -268.5]
        assert list(answer.raw_output_contents) == []

    def test_answers_labels_as_bytes(self, infer: Any, triton: InferenceServerClient) -> None:
        request = typed("signs", x={"datatype": "FP64", "fp64_contents": [3.0]})
        answer = service_pb2.ModelInferResponse.FromString(infer(request.SerializeToString()))
        assert list(answer.outputs[0].contents.bytes_contents) == [b"yes"]
        inputs = [tensor("x", np.array([3.0], np.float16), "FP16")]
        result = triton.infer("signs", inputs, outputs=[InferRequestedOutput("prediction")])
        assert result.as_numpy("prediction").tolist() == [b"yes"]
        assert result.as_numpy("probabilities") is None

    def test_says_version_and_ids_in_the_trailing_metadata(self, infer: Any) -> None:
        request = typed("signs", x={"datatype": "FP64", "fp64_contents": [3.0]})
        body, call = infer.with_call(request.SerializeToString())
        trailing = dict(call.trailing_metadata())
        answer = service_pb2.ModelInferResponse.FromString(body)
        assert trailing["x-model-version"] == "4"
        assert trailing["x-prediction-ids"] == answer.parameters["prediction_ids"].string_param


class TestRefusals:
    @pytest.mark.parametrize(
        ("request_", "code", "said"),
        [
            (typed("bikes"), grpc.StatusCode.UNAUTHENTICATED, "private"),
            (typed("nowhere"), grpc.StatusCode.NOT_FOUND, "nowhere"),
            (typed(""), grpc.StatusCode.NOT_FOUND, "endpoint"),
            (typed(), grpc.StatusCode.INVALID_ARGUMENT, "no input tensors"),
            (typed(a={"datatype": "FP32", "fp32_contents": [1.0]}), grpc.StatusCode.INVALID_ARGUMENT, "'b' is missing"),
            (typed(a={"datatype": "FP32"}), grpc.StatusCode.INVALID_ARGUMENT, "'a' has 0 values"),
            (
                typed(a={"datatype": "FP33", "fp32_contents": [1.0]}),
                grpc.StatusCode.INVALID_ARGUMENT,
                "'a' of datatype",
            ),
            (typed(a={"datatype": "FP33"}), grpc.StatusCode.INVALID_ARGUMENT, "'a' has datatype 'FP33'"),
            (typed(a={"datatype": "FP16"}), grpc.StatusCode.INVALID_ARGUMENT, "raw_input_contents"),
            (typed(a={"datatype": "INT8", "int_contents": [999]}), grpc.StatusCode.INVALID_ARGUMENT, "no INT8"),
            (typed(a={"datatype": "FP32", "int_contents": [1]}), grpc.StatusCode.INVALID_ARGUMENT, "fp32_contents"),
            (
                typed(a={"datatype": "FP32", "shape": [-1], "fp32_contents": [1.0]}),
                grpc.StatusCode.INVALID_ARGUMENT,
                "'a' has shape [-1]",
            ),
            (
                typed("narrow", hour={"datatype": "BYTES", "bytes_contents": [b"\xff"]}),
                grpc.StatusCode.INVALID_ARGUMENT,
                "'hour' holds text that is not UTF-8",
            ),
        ],
    )
    def test_have_a_code_and_name_the_tensor(self, infer: Any, request_: Any, code: grpc.StatusCode, said: str) -> None:
        with pytest.raises(grpc.RpcError) as refused:
            infer(request_.SerializeToString())
        assert refused.value.code() == code
        assert said in refused.value.details()
        assert dict(refused.value.trailing_metadata())["x-request-id"]

    def test_keep_the_calls_request_id_and_our_code(self, infer: Any) -> None:
        with pytest.raises(grpc.RpcError) as refused:
            infer(typed("nowhere").SerializeToString(), metadata=[("x-request-id", "r-1")])
        trailing = dict(refused.value.trailing_metadata())
        assert (trailing["x-request-id"], trailing["code"]) == ("r-1", "not_found")

    def test_a_message_that_is_none(self, infer: Any) -> None:
        with pytest.raises(grpc.RpcError) as refused:
            infer(b"\xff\xff\xff")
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT

    def test_a_message_that_is_too_large(self, infer: Any) -> None:
        with pytest.raises(grpc.RpcError) as refused:
            infer(b"\0" * 200_000)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    def test_more_rows_than_the_endpoint_takes(self, triton: InferenceServerClient) -> None:
        with pytest.raises(InferenceServerException, match="2 rows are more than the 1") as refused:
            triton.infer("narrow", tensors())
        assert refused.value.status() == "StatusCode.RESOURCE_EXHAUSTED"

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ("short", "'a' of shape [3] and datatype FP64 takes 24 bytes, not 23"),
            ("long", "'a' of shape [3] and datatype FP64 takes 24 bytes, not 25"),
            ("few", "3 inputs and 2 raw_input_contents"),
            ("both", "'a' has both"),
            ("twice", "'prediction' is asked for twice"),
            ("unknown", "'logits' is not given"),
        ],
    )
    def test_raw_contents_that_contradict_the_inputs(self, infer: Any, change: str, said: str) -> None:
        request = raw_numbers()
        raw = list(request.raw_input_contents)
        del request.raw_input_contents[:]
        match change:
            case "short":
                raw[0] = raw[0][:-1]
            case "long":
                raw[0] += b"\0"
            case "few":
                raw.pop()
            case "both":
                request.inputs[0].contents.fp64_contents.append(1.0)
            case "twice":
                request.outputs.add(name="prediction")
                request.outputs.add(name="prediction")
            case _:
                request.outputs.add(name="logits")
        request.raw_input_contents.extend(raw)
        with pytest.raises(grpc.RpcError) as refused:
            infer(request.SerializeToString())
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert said in refused.value.details()


@pytest.mark.parametrize("seed", range(3))
def test_damage_at_random_is_never_a_fault_of_the_server(infer: Any, seed: int) -> None:
    chance = random.Random(seed)
    body = raw_numbers().SerializeToString()
    codes = set()
    infer(body)
    for _ in range(100):
        broken = bytearray(body)
        for _ in range(chance.choice([1, 1, 2, 8])):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            infer(bytes(broken))
        except grpc.RpcError as error:
            codes.add(error.code())
    assert codes <= {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
    assert codes


class TestStarting:
    def test_without_the_extra_http_is_answered_and_the_log_says_what_to_do(
        self, store: LocalStore, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setitem(sys.modules, "grpc", None)
        monkeypatch.delitem(sys.modules, "serving.grpc_server", raising=False)
        app = build_serving(store, tmp_path / "cache")
        settings = Settings(home=tmp_path, serving_grpc_address="127.0.0.1:1")
        with caplog.at_level(logging.ERROR), serving(standalone(app, also=grpc_beside(app, settings)), lifespan="on"):
            assert app.table.ready
        assert "pip install 'millrace[grpc]'" in caplog.text

    def test_nothing_listens_where_no_address_is_set(self, store: LocalStore, tmp_path: Any) -> None:
        app = build_serving(store, tmp_path / "cache")
        with serving(standalone(app, also=grpc_beside(app, Settings(home=tmp_path))), lifespan="on"):
            assert app.table.ready
