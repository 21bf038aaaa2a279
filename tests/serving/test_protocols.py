"""The three protocols over one model: same rows, same answers, each in its own words; and every kind of bad input."""

from typing import Any

import orjson
import pytest
from httpx import Response

from adapters.object_store.local import LocalStore
from tests.serving.conftest import Client, Serve
from tests.serving.plants import ROW, TOKEN, admit, classifier_package, expected, route

ROWS: list[dict[str, Any]] = [ROW, {"hour": 7, "temp": None, "holiday": True, "season": "summer"}]
ANSWERS = [expected(row, 1) for row in ROWS]
PLAIN, MLFLOW, V2 = "/serve/bikes/predict", "/serve/bikes/invocations", "/v2/models/bikes/infer"
DATATYPES = {"hour": "INT64", "temp": "FP64", "holiday": "BOOL", "season": "BYTES"}


def columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def tensors(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "shape": [len(rows)], "datatype": DATATYPES[name], "data": values}
        for name, values in columns(rows).items()
    ]


def split(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"columns": list(rows[0]), "index": [0, 1], "data": [list(row.values()) for row in rows]}


def csv(rows: list[dict[str, Any]]) -> str:
    lines = [",".join("" if value is None else str(value) for value in row.values()) for row in rows]
    return "\n".join([",".join(rows[0]), *lines]) + "\n"


class TestPlain:
    def test_answers_each_row_with_an_id_and_the_version(self, client: Client) -> None:
        response = client.post(PLAIN, json={"instances": ROWS})
        body = response.json()
        assert response.status_code == 200
        assert body["predictions"] == ANSWERS
        assert body["model_version"] == 1
        assert len(set(body["ids"])) == 2
        assert body["ids"] == sorted(body["ids"])
        assert response.headers["x-model-version"] == "1"

    def test_answers_a_batch_that_is_handed_to_a_thread(self, client: Client) -> None:
        response = client.post(PLAIN, json={"instances": ROWS * 600})
        assert response.json()["predictions"] == ANSWERS * 600

    @pytest.mark.parametrize(
        ("classes", "label", "names"),
        [(["no", "yes"], "yes", ["no", "yes"]), ([0, 1], 1, ["0", "1"]), ([False, True], True, ["false", "true"])],
    )
    def test_gives_labels_with_the_probability_of_each_class(
        self, store: LocalStore, serve: Serve, classes: list[Any], label: Any, names: list[str]
    ) -> None:
        admit(store, TOKEN)
        route(store, "signs", 3, (9, classifier_package(store, classes)))
        with serve() as client:
            body = client.post("/serve/signs/predict", json={"instances": [{"x": 3.0}, {"x": -3.0}]}).json()
        assert body["predictions"] == [label, classes[0]]
        assert list(body["probabilities"][0]) == names
        assert body["probabilities"][0][names[1]] == pytest.approx(0.952574, abs=1e-5)


class TestMlflow:
    @pytest.mark.parametrize(
        "body",
        [
            {"dataframe_split": split(ROWS)},
            {"dataframe_records": ROWS},
            {"instances": ROWS},
            {"inputs": columns(ROWS)},
            {"inputs": ROWS},
            {"dataframe_records": ROWS, "params": {}},
        ],
        ids=["split", "records", "instances", "inputs by column", "inputs by row", "with params"],
    )
    def test_answers_every_orientation_alike(self, client: Client, body: dict[str, Any]) -> None:
        response = client.post(MLFLOW, json=body)
        assert response.json() == {"predictions": ANSWERS}
        assert len(response.headers["x-prediction-ids"].split(",")) == 2
        assert response.headers["x-model-version"] == "1"

    def test_answers_csv(self, client: Client) -> None:
        response = client.post(MLFLOW, content=csv(ROWS), headers={"Content-Type": "text/csv; charset=utf-8"})
        assert response.json() == {"predictions": ANSWERS}

    def test_leaves_out_the_ids_header_when_there_are_too_many(self, client: Client) -> None:
        response = client.post(MLFLOW, json={"instances": [ROW] * 101})
        assert response.status_code == 200
        assert "x-prediction-ids" not in response.headers

    @pytest.mark.parametrize(
        ("body", "content_type", "place"),
        [
            ('{"dataframe_split": {"columns": ["hour"]}}', "application/json", "dataframe_split"),
            ('{"dataframe_split": {"columns": ["a"], "data": [[1], [1, 2]]}}', "application/json", "data[1]"),
            ('{"dataframe_split": {"columns": ["a", "a"], "data": []}}', "application/json", "named twice"),
            ('{"inputs": {"hour": [1, 2], "temp": [1]}}', "application/json", "inputs.temp"),
            ('{"instances": [], "inputs": []}', "application/json", "Exactly one"),
            ('{"rows": []}', "application/json", "Exactly one"),
            ('{"dataframe_records": 3}', "application/json", "dataframe_records"),
            ("hour,temp,holiday,season\n5,0.5,False\n", "text/csv", "csv[0]"),
            ("hour,temp,holiday,season\nfive,0.5,False,winter\n", "text/csv", "csv[0].hour"),
            ("hour,temp,holiday,season\n5,inf,False,winter\n", "text/csv", "csv[0].temp"),
            ("hour,temp,holiday,season\nnan,1,False,winter\n", "text/csv", "csv[0].hour"),
            ("hour,hour\n5,5\n", "text/csv", "named twice"),
            ("", "text/csv", "empty"),
        ],
    )
    def test_refuses_what_is_no_table_and_says_where(
        self, client: Client, body: str, content_type: str, place: str
    ) -> None:
        response = client.post(MLFLOW, content=body, headers={"Content-Type": content_type})
        assert response.status_code == 400
        assert response.json()["error_code"] in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE")
        assert place in response.json()["message"]

    @pytest.mark.parametrize("body", [b'hour\n"5', b"hour\n\xff"])
    def test_refuses_unreadable_csv(self, client: Client, body: bytes) -> None:
        response = client.post(MLFLOW, content=body, headers={"Content-Type": "text/csv"})
        assert response.status_code == 400

    def test_refuses_other_content_types(self, client: Client) -> None:
        response = client.post(MLFLOW, content=b"x", headers={"Content-Type": "application/x-protobuf"})
        assert response.status_code == 415

    def test_names_an_unknown_endpoint_as_mlflow_does(self, client: Client) -> None:
        response = client.post("/serve/bike/invocations", json={"instances": ROWS})
        assert response.status_code == 404
        assert response.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
        assert "bikes" in response.json()["message"]


class TestOpenInference:
    def test_answers_tensors_with_tensors(self, client: Client) -> None:
        body = client.post(V2, json={"id": "mine", "inputs": tensors(ROWS)}).json()
        ids = body.pop("parameters")["prediction_ids"].split(",")
        assert len(ids) == 2
        assert body == {
            "id": "mine",
            "model_name": "bikes",
            "model_version": "1",
            "outputs": [{"name": "prediction", "datatype": "FP64", "shape": [2], "data": ANSWERS}],
        }

    def test_takes_columns_of_shape_n_1(self, client: Client) -> None:
        inputs = [
            {**tensor, "shape": [2, 1], "data": [[value] for value in tensor["data"]]} for tensor in tensors(ROWS)
        ]
        assert client.post(V2, json={"inputs": inputs}).json()["outputs"][0]["data"] == ANSWERS

    def test_gives_probabilities_as_a_second_output(self, store: LocalStore, serve: Serve) -> None:
        admit(store, TOKEN)
        route(store, "signs", 1, (2, classifier_package(store, ["no", "yes"])))
        tensor = {"name": "x", "shape": [1], "datatype": "FP32", "data": [0.0]}
        with serve() as client:
            prediction, probabilities = client.post("/v2/models/signs/infer", json={"inputs": [tensor]}).json()[
                "outputs"
            ]
        assert prediction == {"name": "prediction", "datatype": "BYTES", "shape": [1], "data": ["no"]}
        assert probabilities == {"name": "probabilities", "datatype": "FP64", "shape": [1, 2], "data": [0.5, 0.5]}

    def test_describes_the_model(self, client: Client) -> None:
        body = client.get("/v2/models/bikes").json()
        assert body["versions"] == ["1"]
        assert {tensor["name"]: tensor["datatype"] for tensor in body["inputs"]} == DATATYPES

    @pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/bikes/ready", "/v2", "/v2/"])
    def test_is_live_and_ready(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 200

    @pytest.mark.parametrize(
        ("change", "place"),
        [
            ({"shape": [3]}, "inputs[0].shape"),
            ({"shape": [1, 2]}, "inputs[0].shape"),
            ({"datatype": "FP32"}, "inputs[0].datatype"),
            ({"datatype": None}, "inputs[0].datatype"),
            ({"data": "5"}, "inputs[0].data"),
            ({"data": [5], "shape": [1]}, "differ in length"),
            ({"name": 5}, "inputs[0].name"),
            ({"name": "temp", "datatype": "FP64"}, "inputs[1].name"),
            ({"name": "minute"}, "rows[0].hour"),
            ({"data": [5, "six"]}, "rows[1].hour"),
        ],
    )
    def test_refuses_wrong_tensors_and_says_where(self, client: Client, change: dict[str, Any], place: str) -> None:
        first, *others = tensors(ROWS)
        response = client.post(V2, json={"inputs": [{**first, **change}, *others]})
        assert response.status_code == 400
        assert place in response.json()["error"]

    @pytest.mark.parametrize("inputs", [None, [], [5], {}])
    def test_refuses_a_request_without_tensors(self, client: Client, inputs: Any) -> None:
        assert client.post(V2, json={"inputs": inputs}).status_code == 400

    def test_says_when_there_is_nothing(self, client: Client) -> None:
        assert client.get("/v2/nowhere").status_code == 404
        assert client.get("/v2/models/cars").status_code == 404
        assert client.post("/v2/health/live").status_code == 405


class TestBadInput:
    """Over the plain protocol: problem+json, a stable code, the exact place."""

    @pytest.mark.parametrize(
        ("body", "status", "code", "where"),
        [
            (b'{"instances": [', 400, "bad_json", "line 1, column 16"),
            (b"", 400, "bad_json", "line 1, column 1"),
            (b"\xff", 400, "bad_json", "line 1, column 1"),
            (b"[" * 2000, 400, "bad_json", "line 1, column 1026"),
            (b"[]", 400, "bad_json", "line 1, column 1"),
            (b'{"instances": [{"hour": NaN}]}', 422, "not_a_number", "line 1, column 25"),
            (b'{"instances": [{"hour": -Infinity}]}', 422, "not_a_number", "line 1, column 26"),
            (b'{"instances": [{"hour": 1e999}]}', 422, "not_a_number", "line 1, column 25"),
            (b"{}", 422, "bad_rows", "instances"),
            (b'{"instances": {}}', 422, "bad_rows", "instances"),
            (b'{"instances": [], "row": 1}', 422, "bad_rows", "row"),
            (b'{"instances": []}', 422, "no_rows", "instances"),
            (b'{"instances": [5]}', 422, "not_a_row", "instances[0]"),
        ],
    )
    def test_refuses_a_bad_body(self, client: Client, body: bytes, status: int, code: str, where: str) -> None:
        response = client.post(PLAIN, content=body, headers={"Content-Type": "application/json"})
        assert_problem(response, status, code, where)

    @pytest.mark.parametrize(
        ("change", "code", "where"),
        [
            ({"hour": "5"}, "wrong_type", "instances[1].hour"),
            ({"hour": 5.5}, "wrong_type", "instances[1].hour"),
            ({"hour": True}, "wrong_type", "instances[1].hour"),
            ({"hour": 1e300}, "out_of_range", "instances[1].hour"),
            ({"holiday": 1}, "wrong_type", "instances[1].holiday"),
            ({"season": 1}, "wrong_type", "instances[1].season"),
            ({"season": ["winter"]}, "wrong_type", "instances[1].season"),
            ({"temp": {"celsius": 1}}, "wrong_type", "instances[1].temp"),
            ({"season": None}, "null_value", "instances[1].season"),
            ({"minute": 5}, "extra_column", "instances[1].minute"),
        ],
    )
    def test_names_the_row_and_column_that_is_wrong(
        self, client: Client, change: dict[str, Any], code: str, where: str
    ) -> None:
        assert_problem(client.post(PLAIN, json={"instances": [ROW, {**ROW, **change}]}), 422, code, where)

    def test_names_a_missing_column_and_what_was_given_instead(self, client: Client) -> None:
        row = {("seasons" if name == "season" else name): value for name, value in ROW.items()}
        response = client.post(PLAIN, json={"instances": [row]})
        assert_problem(response, 422, "missing_column", "instances[0].season")
        assert "seasons" in response.json()["fix"]

    def test_refuses_too_many_rows(self, store: LocalStore, bikes: str, serve: Serve) -> None:
        route(store, "bikes", 2, (1, bikes), max_rows=3)
        with serve() as client:
            assert client.post(PLAIN, json={"instances": [ROW] * 3}).status_code == 200
            assert_problem(client.post(PLAIN, json={"instances": [ROW] * 4}), 413, "too_many_rows", "instances")

    def test_refuses_a_large_body_before_and_while_it_arrives(self, client: Client) -> None:
        async def stream() -> Any:
            for _ in range(300):
                yield b" " * 1000

        assert_problem(client.post(PLAIN, content=b" " * 300_000), 413, "body_too_large", "body")
        assert_problem(client.post(PLAIN, content=stream()), 413, "body_too_large", "body")

    def test_refuses_another_content_type(self, client: Client) -> None:
        response = client.post(PLAIN, content=b"<row/>", headers={"Content-Type": "text/xml"})
        assert_problem(response, 415, "wrong_content_type", "Content-Type")

    def test_refuses_another_method_and_another_path(self, client: Client) -> None:
        assert_problem(client.get(PLAIN), 405, "method_not_allowed", "method")
        assert_problem(client.post("/serve/bikes/guess"), 404, "unknown_path", "path")

    def test_keeps_the_callers_request_id(self, client: Client) -> None:
        response = client.post(PLAIN, content=b"{", headers={"X-Request-Id": "r-1"})
        assert response.json()["request_id"] == "r-1"
        assert response.headers["x-request-id"] == "r-1"

    def test_records_extra_columns_where_the_endpoint_allows_them(
        self, store: LocalStore, bikes: str, serve: Serve
    ) -> None:
        route(store, "bikes", 2, (1, bikes), extra_columns="record")
        with serve() as client:
            response = client.post(PLAIN, json={"instances": [{**ROW, "at": "2012-07-01"}]})
        assert response.json()["predictions"] == ANSWERS[:1]


class TestAccess:
    @pytest.mark.parametrize("path", [PLAIN, MLFLOW, V2])
    @pytest.mark.parametrize(
        ("header", "status"), [("", 401), ("Basic x", 401), ("Bearer ", 401), ("Bearer nope", 403)]
    )
    def test_private_endpoints_want_a_known_token(self, client: Client, path: str, header: str, status: int) -> None:
        response = client.post(path, json={}, headers={"Authorization": header})
        assert response.status_code == status
        assert ("www-authenticate" in response.headers) == (status == 401)

    def test_public_endpoints_want_none(self, store: LocalStore, bikes: str, serve: Serve) -> None:
        route(store, "bikes", 2, (1, bikes), visibility="public")
        with serve() as client:
            response = client.post(PLAIN, json={"instances": ROWS}, headers={"Authorization": ""})
        assert response.json()["predictions"] == ANSWERS

    def test_strangers_are_not_told_the_names_of_private_endpoints(self, client: Client) -> None:
        known = client.post("/serve/bike/predict", json={})
        stranger = client.post("/serve/bike/predict", json={}, headers={"Authorization": "Bearer nope"})
        nobody = client.post("/serve/bike/predict", json={}, headers={"Authorization": ""})
        assert "bikes" in known.json()["fix"]
        assert "bikes" not in stranger.text
        assert "bikes" not in nobody.text
        assert {known.status_code, stranger.status_code, nobody.status_code} == {404}

    def test_metrics_count_answers_and_refusals_by_version(self, client: Client) -> None:
        client.post(PLAIN, json={"instances": ROWS})
        client.post(PLAIN, json={"instances": []})
        text = client.get("/metrics").text
        assert 'millrace_predictions_total{endpoint="bikes",version="1"} 2.0' in text
        assert 'millrace_predict_requests_total{endpoint="bikes",outcome="no_rows",version="1"} 1.0' in text
        assert 'millrace_predict_seconds_count{endpoint="bikes",version="1"} 1.0' in text


def assert_problem(response: Response, status: int, code: str, where: str) -> None:
    assert response.headers["content-type"] == "application/problem+json"
    problem = orjson.loads(response.content)
    assert (response.status_code, problem["status"], problem["code"], problem["where"]) == (status, status, code, where)
    assert problem["detail"]
    assert problem["request_id"] == response.headers["x-request-id"]
