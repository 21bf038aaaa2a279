"""Open Inference v2 over REST with binary tensors: by the unmodified `tritonclient`, by hand, and damaged at random."""

import random
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from numpy.typing import NDArray
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from adapters.object_store.local import LocalStore
from serving.app import build_serving, standalone
from tests.servers import serving
from tests.serving.plants import (
    BEARER,
    ROW,
    TOKEN,
    admit,
    classifier_package,
    expected,
    numbers_package,
    regression_package,
    route,
)

ROWS: list[dict[str, Any]] = [ROW, {"hour": 7, "temp": None, "holiday": True, "season": "summer"}]
ANSWERS = [expected(row, 1) for row in ROWS]
COLUMNS = {
    "hour": np.array([5, 7], np.int64),
    "temp": np.array([0.5, np.nan]),
    "holiday": np.array([False, True]),
    "season": np.array(["winter", "summer"], object),
}
DATATYPES = {"hour": "INT64", "temp": "FP64", "holiday": "BOOL", "season": "BYTES"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("inference")
    store = LocalStore(folder / "models")
    admit(store, TOKEN)
    bikes = regression_package(store, 1)
    route(store, "bikes", 1, (1, bikes))
    route(store, "halves", 1, (1, bikes), (2, regression_package(store, 2)))
    route(
        store,
        "signs",
        1,
        (4, classifier_package(store, ["no", "yes"])),
        visibility="public",
        requests_per_second=1_000_000,
    )
    route(
        store,
        "flags",
        1,
        (1, classifier_package(store, [False, True])),
        visibility="public",
        requests_per_second=1_000_000,
    )
    route(store, "numbers", 1, (1, numbers_package(store)), visibility="public", requests_per_second=1_000_000)
    route(store, "asleep", 1, standby=[(1, bikes)])
    with serving(standalone(build_serving(store, folder / "cache")), lifespan="on") as url:
        yield url


@pytest.fixture(scope="module")
def triton(url: str) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(url.removeprefix("http://")) as client:
        yield client


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers={**BEARER}) as client:
        yield client


def tensor(name: str, values: NDArray[Any], datatype: str, *, binary: bool = True) -> InferInput:
    made = InferInput(name, list(values.shape), datatype)
    made.set_data_from_numpy(values, binary_data=binary)
    return made


def tensors(*, binary: bool = True, times: int = 1) -> list[InferInput]:
    columns = {name: np.tile(values, times) for name, values in COLUMNS.items()}
    return [tensor(name, values, DATATYPES[name], binary=binary) for name, values in columns.items()]


def framed(inputs: list[dict[str, Any]], binary: bytes = b"", **fields: Any) -> dict[str, Any]:
    """A request with bytes behind its JSON."""
    json = orjson.dumps({"inputs": inputs, **fields})
    return {"content": json + binary, "headers": {"Inference-Header-Content-Length": str(len(json))}}


class TestTritonClient:
    def test_sees_a_server_and_a_model_that_are_ready(self, triton: InferenceServerClient) -> None:
        assert triton.is_server_live()
        assert triton.is_server_ready()
        assert triton.is_model_ready("bikes", headers={**BEARER})
        assert triton.is_model_ready("bikes", "1", headers={**BEARER})
        assert not triton.is_model_ready("bikes", "7", headers={**BEARER})
        assert not triton.is_model_ready("asleep", headers={**BEARER})
        assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data"]

    @pytest.mark.parametrize("version", ["", "1"])
    def test_reads_what_the_model_takes_and_gives(self, triton: InferenceServerClient, version: str) -> None:
        metadata = triton.get_model_metadata("bikes", version, headers={**BEARER})
        assert {each["name"]: each["datatype"] for each in metadata["inputs"]} == DATATYPES
        assert metadata["versions"] == ["1"]

    @pytest.mark.parametrize("binary", [True, False])
    def test_infers_from_tensors(self, triton: InferenceServerClient, binary: bool) -> None:
        result = triton.infer("bikes", tensors(binary=binary), request_id="mine", headers={**BEARER})
        assert result.as_numpy("prediction").tolist() == ANSWERS
        response = result.get_response()
        assert (response["id"], response["model_version"]) == ("mine", "1")
        assert len(response["parameters"]["prediction_ids"].split(",")) == 2

    @pytest.mark.parametrize("binary", [True, False])
    def test_gets_the_outputs_it_asks_for(self, triton: InferenceServerClient, binary: bool) -> None:
        outputs = [InferRequestedOutput(name, binary_data=binary) for name in ("probabilities", "prediction")]
        result = triton.infer("signs", [tensor("x", np.array([0.0, 3.0]), "FP64")], outputs=outputs)
        assert result.as_numpy("probabilities").round(3).tolist() == [[0.5, 0.5], [0.047, 0.953]]
        words = [word.decode() if binary else word for word in result.as_numpy("prediction").tolist()]
        assert words == ["no", "yes"]

    def test_gets_boolean_labels_as_bytes(self, triton: InferenceServerClient) -> None:
        result = triton.infer("flags", [tensor("x", np.array([-3.0, 3.0]), "FP64")])
        assert result.as_numpy("prediction").tolist() == [False, True]

    @pytest.mark.parametrize("coding", ["gzip", "deflate"])
    def test_gets_compressed_answers(self, triton: InferenceServerClient, coding: str) -> None:
        result = triton.infer("bikes", tensors(times=300), headers={**BEARER}, response_compression_algorithm=coding)
        assert result.as_numpy("prediction").tolist() == ANSWERS * 300

    @pytest.mark.parametrize("coding", ["gzip", "deflate"])
    def test_sends_compressed_requests(self, triton: InferenceServerClient, coding: str) -> None:
        result = triton.infer("bikes", tensors(times=300), headers={**BEARER}, request_compression_algorithm=coding)
        assert result.as_numpy("prediction").tolist() == ANSWERS * 300

    def test_reads_errors(self, triton: InferenceServerClient) -> None:
        with pytest.raises(InferenceServerException, match="Tensor 'hour' must have datatype INT64, not FP32") as error:
            triton.infer(
                "bikes", [tensor("hour", np.array([5.0], np.float32), "FP32"), *tensors()[1:]], headers={**BEARER}
            )
        assert error.value.status() == "400"
        with pytest.raises(InferenceServerException, match="private"):
            triton.infer("bikes", tensors())
        with pytest.raises(InferenceServerException, match="no live version"):
            triton.get_model_metadata("asleep", headers={**BEARER})


class TestDatatypes:
    @pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
    def test_whole_numbers_of_every_size(self, triton: InferenceServerClient, kind: str) -> None:
        inputs = [tensor(name, np.array([3], kind), kind.upper()) for name in ("a", "b", "c")]
        assert triton.infer("numbers", inputs).as_numpy("prediction").tolist() == [333.0]

    @pytest.mark.parametrize(("kind", "datatype"), [("float16", "FP16"), ("float32", "FP32"), ("float64", "FP64")])
    def test_floats_of_every_size(self, triton: InferenceServerClient, kind: str, datatype: str) -> None:
        inputs = [tensor(name, np.array([[0.5], [-2.0]], kind), datatype) for name in ("a", "b")]
        inputs.append(tensor("c", np.array([[1], [2]], np.int64), "INT64"))
        assert triton.infer("numbers", inputs).as_numpy("prediction").tolist() == [105.5, 178.0]

    def test_one_tensor_of_all_columns_in_their_order(self, triton: InferenceServerClient) -> None:
        table = np.array([[1, 2, 3], [np.nan, 0, 1]], np.float32)
        result = triton.infer("numbers", [tensor("table", table, "FP32")]).as_numpy("prediction")
        assert result[0] == 321.0
        assert np.isnan(result[1])

    def test_one_tensor_of_all_columns_as_nested_json(self, client: httpx.Client) -> None:
        table = {"name": "input-0", "shape": [2, 3], "datatype": "FP64", "data": [[1, 2, 3], [4, 5, 6]]}
        for data in (table["data"], [1, 2, 3, 4, 5, 6]):
            response = client.post("/v2/models/numbers/infer", json={"inputs": [{**table, "data": data}]})
            assert response.json()["outputs"][0]["data"] == [321.0, 654.0]


class TestVersions:
    def test_a_named_version_answers(self, client: httpx.Client) -> None:
        body = {"inputs": [each._get_tensor() for each in tensors(binary=False)]}
        body["inputs"][1]["data"] = [0.5, None]
        for version in (1, 2):
            response = client.post(f"/v2/models/halves/versions/{version}/infer", json=body)
            assert response.headers["x-model-version"] == str(version)
            assert response.json()["outputs"][0]["data"] == [expected(row, version) for row in ROWS]

    @pytest.mark.parametrize("path", ["", "/ready", "/infer"])
    def test_says_which_versions_there_are(self, client: httpx.Client, path: str) -> None:
        method = "POST" if path == "/infer" else "GET"
        response = client.request(method, f"/v2/models/halves/versions/9{path}", json={})
        assert response.status_code == 404
        assert "but by 1, 2" in response.json()["error"]


HOUR = {"name": "hour", "shape": [1], "datatype": "INT64"}
TEXT = {"name": "season", "shape": [1], "datatype": "BYTES"}


def sized(described: dict[str, Any], size: object, **change: Any) -> dict[str, Any]:
    return {**described, "parameters": {"binary_data_size": size}, **change}


class TestBadTensors:
    @pytest.mark.parametrize(
        ("described", "binary", "said"),
        [
            (sized(HOUR, 8), b"1234567", "8; 7 bytes are left"),
            (sized(HOUR, 7), b"1234567", "takes 8 bytes, not 7"),
            (sized(HOUR, 8), b"123456789", "Behind the last tensor, 'hour', are 1 bytes more"),
            (sized(HOUR, -1), b"12345678", "binary_data_size of -1"),
            (sized(HOUR, "8"), b"12345678", "binary_data_size of '8'"),
            (sized(HOUR, True), b"1", "binary_data_size of True"),
            (sized(HOUR, 8, data=[1]), b"12345678", "'hour' has both"),
            (sized(HOUR, 8, shape=[-1]), b"12345678", "'hour' has shape [-1]"),
            (sized(HOUR, 8, shape=[2**62, 2**62]), b"12345678", "'hour' of shape"),
            (sized(HOUR, 8, shape=[2**62]), b"12345678", "'hour' of shape"),
            (sized(HOUR, 0, shape=[]), b"", "'hour' has shape []"),
            (sized(HOUR, 8, shape=[1, 1, 1]), b"12345678", "'hour' has shape [1, 1, 1]"),
            (sized(HOUR, 8, shape=[1.0]), b"12345678", "'hour' has shape [1.0]"),
            (sized(HOUR, 8, shape=1), b"12345678", "'hour' has shape 1"),
            (sized(HOUR, 8, datatype="INT65"), b"12345678", "'hour' has datatype 'INT65'"),
            (sized(HOUR, 8, datatype=None), b"12345678", "'hour' has datatype None"),
            (sized(HOUR, 8, name=""), b"12345678", "needs a name"),
            (sized(HOUR, 1, name="holiday", datatype="BOOL"), b"\x02", "'holiday' holds a byte that is neither"),
            (sized(TEXT, 8), b"\x05\0\0\0wint", "'season' ends within element 0 of 1"),
            (sized(TEXT, 8), b"\xff\xff\xff\xffwint", "'season' ends within element 0 of 1"),
            (sized(TEXT, 2), b"\x05\0", "'season' ends within element 0 of 1"),
            (sized(TEXT, 9), b"\x04\0\0\0wint.", "'season' has 1 bytes beyond"),
            (sized(TEXT, 5), b"\x01\0\0\0\xff", "'season' holds text that is not UTF-8 in element 0"),
            (sized(TEXT, 0, shape=[2**62]), b"", "'season' ends within element 0"),
            ({**HOUR, "data": [1, 2]}, b"", "'hour' has 2 values; its shape [1] has 1"),
            ({**HOUR, "data": [[1]]}, b"", "'hour' has data that is not nested as its shape"),
            ({**HOUR, "datatype": "INT8", "data": [128]}, b"", "'hour' holds 128, which is no INT8"),
            ({**HOUR, "shape": [1, 2], "data": [1, 2]}, b"", "'hour' has shape [1, 2]; a column"),
            (HOUR, b"", "'hour' needs `data`"),
            ({**HOUR, "parameters": []}, b"", "`parameters` must be an object"),
            ({**HOUR, "parameters": {"shared_memory_region": "x"}}, b"", "'hour' is in shared memory"),
        ],
    )
    def test_are_refused_by_name(
        self, client: httpx.Client, described: dict[str, Any], binary: bytes, said: str
    ) -> None:
        response = client.post("/v2/models/bikes/infer", **framed([described], binary))
        assert response.status_code == 400
        assert said in response.json()["error"]

    @pytest.mark.parametrize(
        ("inputs", "said"),
        [
            (
                [{"name": "t", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}],
                "'t' has 2 columns; the",
            ),
            ([{"name": "t", "shape": [1, 3], "datatype": "BYTES", "data": ["a", "b", "c"]}], "'t' must be of numbers"),
            (
                [{"name": "t", "shape": [2, 2], "datatype": "FP64", "data": [[1, 2, 3], [4]]}],
                "'t' has data that is",
            ),
            ([{"name": "a", "shape": [1], "datatype": "FP64", "data": [1]}] * 2, "'a' is given twice"),
            ([{"name": "t", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 0.5]}], "'c' must be a whole number"),
            ([{"name": "t", "shape": [0, 3], "datatype": "FP64", "data": []}], "no rows"),
        ],
    )
    def test_of_whole_tables_are_refused_by_name(
        self, client: httpx.Client, inputs: list[dict[str, Any]], said: str
    ) -> None:
        response = client.post("/v2/models/numbers/infer", json={"inputs": inputs})
        assert response.status_code == 400
        assert said in response.json()["error"]

    @pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999", "9" * 5000, "٣"])
    def test_a_header_length_that_the_body_has_not(self, client: httpx.Client, length: str) -> None:
        headers = {b"Inference-Header-Content-Length": length.encode()}
        response = client.post("/v2/models/bikes/infer", content=b'{"inputs": []}', headers=headers)
        assert response.status_code == 400
        assert "Inference-Header-Content-Length" in response.json()["error"]

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"outputs": "prediction"}, "`outputs` must be a list"),
            ({"outputs": ["prediction"]}, "needs a name"),
            ({"outputs": [{"name": "logits"}]}, "'logits' is not given by this model"),
            ({"outputs": [{"name": "prediction"}] * 2}, "'prediction' is asked for twice"),
            ({"outputs": [{"name": "prediction", "parameters": {"binary_data": 1}}]}, "`binary_data` must be true"),
            ({"outputs": [{"name": "prediction", "parameters": {"classification": 2}}]}, "JSON or as bytes only"),
            ({"parameters": {"binary_data_output": "yes"}}, "`binary_data_output` must be true"),
            ({"parameters": [1]}, "`parameters` must be an object"),
            ({"id": 5}, "`id` must be a text"),
        ],
    )
    def test_what_is_asked_for_beside_the_tensors(
        self, client: httpx.Client, fields: dict[str, Any], said: str
    ) -> None:
        response = client.post("/v2/models/bikes/infer", **framed([{**HOUR, "data": [5]}], **fields))
        assert response.status_code == 400
        assert said in response.json()["error"]

    def test_another_content_type(self, client: httpx.Client) -> None:
        request = framed([HOUR])
        request["headers"]["Content-Type"] = "text/csv"
        assert client.post("/v2/models/bikes/infer", **request).status_code == 415


@pytest.mark.parametrize("seed", range(4))
def test_damage_at_random_is_never_a_fault_of_the_server(client: httpx.Client, seed: int) -> None:
    chance = random.Random(seed)
    body, length = InferenceServerClient.generate_request_body(tensors(times=3), request_id="x")
    assert client.post("/v2/models/bikes/infer", **damaged(body, length)).status_code == 200
    statuses = set()
    for _ in range(150):
        broken = bytearray(body)
        for _ in range(chance.choice([1, 1, 2, 8])):
            at = chance.randrange(len(broken))
            match chance.randrange(4):
                case 0:
                    broken[at] = chance.randrange(256)
                case 1:
                    broken[at] ^= 1 << chance.randrange(8)
                case 2:
                    del broken[at : at + chance.randrange(1, 9)]
                case _:
                    broken[at:at] = chance.randbytes(chance.randrange(1, 9))
        response = client.post(
            "/v2/models/bikes/infer", **damaged(bytes(broken), length + chance.choice([0, 0, 0, -1, 1, 7]))
        )
        statuses.add(response.status_code)
        assert response.status_code in (200, 400), (response.status_code, response.text, bytes(broken))
        assert response.status_code == 200 or response.json()["error"]
    assert 400 in statuses


def damaged(body: bytes, length: int) -> dict[str, Any]:
    return {"content": body, "headers": {"Inference-Header-Content-Length": str(length)}}
