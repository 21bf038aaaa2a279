"""`/invocations` beside a real `mlflow models serve` of the same model: the same answers, the same kinds of errors."""

import json
import os
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pytest

from adapters.model_files import save_python_model
from adapters.object_store.local import LocalStore
from domain.training.specs import TrainSpec
from ml.packaging import package, package_digest
from ml.trainers.train import train
from serving.app import build_serving, standalone
from tests.servers import free_port, running, serving
from tests.serving.plants import route

pytestmark = [
    pytest.mark.slow,
    # MLflow, while it is imported and while it writes an input example.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range:pandas.errors.Pandas4Warning"),
]

JSON, CSV = "application/json", "text/csv"
ROW: dict[str, Any] = {"hour": 5, "temp": 0.5, "holiday": False, "season": "winter"}
ROWS = [ROW, {"hour": 7, "temp": None, "holiday": True, "season": "summer"}]
NAMES = list(ROW)
LISTS = [list(row.values()) for row in ROWS]
COLUMNS = {name: [row[name] for row in ROWS] for name in NAMES}
HEAD = "hour,temp,holiday,season\n"


def record(**change: Any) -> str:
    return json.dumps({"dataframe_records": [{**ROW, **change}]})


def split(data: list[list[Any]], **parts: Any) -> str:
    return json.dumps({"dataframe_split": {"columns": NAMES, "data": data, **parts}})


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ROW.items() if key != name}


ALIKE: dict[str, tuple[str | bytes, str]] = {
    "split": (split(LISTS), JSON),
    "split with an index": (split(LISTS, index=[5, 9]), JSON),
    "split with a short index": (split(LISTS, index=[5]), JSON),
    "split with an unknown part": (split(LISTS, types=[]), JSON),
    "split without columns": (json.dumps({"dataframe_split": {"data": LISTS}}), JSON),
    "split in another order": (split([LISTS[0][::-1]], columns=NAMES[::-1]), JSON),
    "split with a short row": (split([[5, 0.5, False]]), JSON),
    "split with a long row": (split([[*LISTS[0], 3]]), JSON),
    "split with a column twice": (split([[*LISTS[0], 3]], columns=[*NAMES, "hour"]), JSON),
    "split that is a list": ('{"dataframe_split": [1]}', JSON),
    "records": (json.dumps({"dataframe_records": ROWS}), JSON),
    "no records": ('{"dataframe_records": []}', JSON),
    "records that are one row": (json.dumps({"dataframe_records": ROW}), JSON),
    "records that are a number": ('{"dataframe_records": 3}', JSON),
    "records that are lists": (json.dumps({"dataframe_records": LISTS}), JSON),
    "instances": (json.dumps({"instances": ROWS}), JSON),
    "instances by column": (json.dumps({"instances": COLUMNS}), JSON),
    "no instances": ('{"instances": []}', JSON),
    "instances that are a number": ('{"instances": 5}', JSON),
    "inputs by column": (json.dumps({"inputs": COLUMNS}), JSON),
    "inputs by row": (json.dumps({"inputs": ROWS}), JSON),
    "inputs that are one row": (json.dumps({"inputs": ROW}), JSON),
    "inputs of different lengths": (json.dumps({"inputs": {**COLUMNS, "temp": [1]}}), JSON),
    "no inputs": ('{"inputs": {}}', JSON),
    "params": (json.dumps({"dataframe_records": ROWS, "params": {"depth": 3}}), JSON),
    "params that are null": (json.dumps({"dataframe_records": ROWS, "params": None}), JSON),
    "an unknown key beside": (json.dumps({"dataframe_records": ROWS, "more": 1}), JSON),
    "an unknown key alone": (json.dumps({"rows": ROWS}), JSON),
    "two orientations": (json.dumps({"dataframe_records": ROWS, "inputs": ROWS}), JSON),
    "a list": (json.dumps(ROWS), JSON),
    "a text": ('"row"', JSON),
    "null": ("null", JSON),
    "nothing": ("", JSON),
    "broken JSON": ('{"instances":', JSON),
    "no UTF-8": (b'\xff{"instances": []}', JSON),
    "NaN as Python writes it": (record(temp=float("nan")), JSON),
    "infinity as Python writes it": (record(temp=float("inf")), JSON),
    "a null number": (record(temp=None), JSON),
    "an integer for a float": (record(temp=1), JSON),
    "a whole float for an integer": (record(hour=5.0), JSON),
    "a category never seen": (record(season="autumn"), JSON),
    "a number beyond 64 bits": (record(hour=10**30), JSON),
    "a number beyond a float": (record(temp=1e300), JSON),
    "a word for a number": (record(hour="five"), JSON),
    "a word for a boolean": (record(holiday="true"), JSON),
    "an object for a number": (record(temp={"celsius": 1}), JSON),
    "a list for a text": (record(season=["winter"]), JSON),
    "a column missing": (json.dumps({"dataframe_records": [without("temp")]}), JSON),
    "JSON with a charset": (record(), f"{JSON}; charset=utf-8"),
    "JSON with a loud charset": (record(), f"{JSON}; charset=UTF-8"),
    "JSON in Latin-1": (record(), f"{JSON}; charset=latin-1"),
    "JSON of the old protocol": (record(), f"{JSON}; format=pandas-split"),
    "plain text": (record(), "text/plain"),
    "XML": ("<row/>", "text/xml"),
    "csv": (f"{HEAD}5,0.5,False,winter\n7,,True,summer\n", CSV),
    "csv with a charset": (f"{HEAD}5,0.5,False,winter\n", f"{CSV}; charset=utf-8"),
    "csv in Latin-1": (f"{HEAD}5,0.5,False,winter\n", f"{CSV}; charset=latin-1"),
    "csv with quotes": (f'{HEAD}5,0.5,0,"a,b"\n"5","0.5","1","winter"\n', CSV),
    "csv with booleans": (f"{HEAD}5,0.5,true,winter\n5,0.5,false,winter\n", CSV),
    "csv with missing numbers": (f"{HEAD}5,NaN,0,winter\n5,nan,0,winter\n5,NA,0,winter\n5,null,0,winter\n", CSV),
    "csv with other numbers": (f"{HEAD}5.0,5e-1,0,winter\n 5 , 0.5 ,0,summer\n", CSV),
    "csv in another order": ("season,holiday,hour,temp\nsummer,1,5,0.5\n", CSV),
    "csv of Windows": ("\ufeff" + f"{HEAD}5,0.5,0,winter\n".replace("\n", "\r\n"), CSV),
    "csv with empty lines": (f"{HEAD}\n5,0.5,0,winter\n\n", CSV),
    "csv with the index of pandas": (f",{HEAD}0,5,0.5,0,winter\n1,7,,1,summer\n", CSV),
    "csv with a word for a number": (f"{HEAD}five,0.5,0,winter\n", CSV),
    "csv with infinity": (f"{HEAD}5,inf,0,winter\n", CSV),
    "csv with a long row": (f"{HEAD}5,0.5,0,winter\n5,0.5,0,winter,9\n", CSV),
    "csv with a column missing": ("hour,temp,holiday\n5,0.5,0\n", CSV),
    "csv with an open quote": (f'{HEAD}5,0.5,0,"winter\n', CSV),
    "csv that is no UTF-8": (HEAD.encode() + b"5,0.5,0,w\xffinter\n", CSV),
    "empty csv": ("", CSV),
}


class Kept(NamedTuple):
    """A difference from MLflow's server that is meant."""

    body: str | bytes
    content_type: str
    status: int
    why: str


COERCED = "MLflow casts it to its column's type and answers; a wrong value is told, not guessed at."
NULLS = "MLflow knows no nulls that are not allowed; the model was trained on rows without."
EXTRA = "MLflow drops what it does not know; an endpoint may allow it by `extra_columns`."
CODE = "Both refuse it with 400; which of the two codes MLflow gives follows how far pandas got with it."
KEPT = {
    "a null where none was trained on": Kept(record(hour=None), JSON, 400, NULLS),
    "a null category": Kept(record(season=None), JSON, 400, NULLS),
    "csv with an empty cell": Kept(f"{HEAD},0.5,0,winter\n", CSV, 400, NULLS),
    "a fraction for an integer": Kept(record(hour=5.5), JSON, 400, COERCED),
    "a number as text": Kept(record(hour="5"), JSON, 400, COERCED),
    "a number for a boolean": Kept(record(holiday=1), JSON, 400, COERCED),
    "a boolean for a number": Kept(record(temp=True), JSON, 400, COERCED),
    "a number for a category": Kept(record(season=5), JSON, 400, COERCED),
    "csv with a fraction for an integer": Kept(f"{HEAD}5.5,0.5,0,winter\n", CSV, 400, COERCED),
    "csv with a short row": Kept(f"{HEAD}5,0.5,0\n", CSV, 400, COERCED),
    "a column missing in one row": Kept(json.dumps({"instances": [ROW, without("temp")]}), JSON, 400, COERCED),
    "an extra column": Kept(record(minute=1), JSON, 400, EXTRA),
    "an extra column in a split": Kept(split([[*LISTS[0], 1]], columns=[*NAMES, "minute"]), JSON, 400, EXTRA),
    "an extra column in csv": Kept("hour,temp,holiday,season,z\n5,0.5,0,winter,1\n", CSV, 400, EXTRA),
    "a column twice in csv": Kept("hour,hour,temp,holiday,season\n5,6,0.5,0,winter\n", CSV, 400, EXTRA),
    "rows without names": Kept(json.dumps({"instances": LISTS}), JSON, 400, CODE),
    "columns of lists": Kept(json.dumps({"inputs": {n: [[v] for v in COLUMNS[n]] for n in NAMES}}), JSON, 400, CODE),
    "a split without rows": Kept(split([]), JSON, 400, CODE),
    "csv without rows": Kept(HEAD, CSV, 400, CODE),
    "a chat": Kept('{"messages": [{"role": "user", "content": "hi"}]}', JSON, 400, "These models are not for chats."),
    "JSON in capitals": Kept(record(), "Application/JSON", 200, "Media types have no case."),
    "Parquet": Kept(b"PAR1", "application/vnd.apache.parquet", 415, "A small file may unpack to any size."),
}


class Servers(NamedTuple):
    mlflow: httpx.Client
    ours: httpx.Client


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """One trained model: as MLflow serves it, and as ONNX at the public endpoint `bikes`."""
    folder = tmp_path_factory.mktemp("conformance")
    random = np.random.default_rng(1)
    hours, holidays, temps = random.integers(0, 24, 200), random.random(200) < 0.3, random.normal(size=200)
    seasons = random.choice(["winter", "summer", "a,b"], 200)
    frame = pl.DataFrame({"hour": hours, "temp": temps, "holiday": holidays, "season": seasons}).with_columns(
        temp=pl.when(pl.Series(random.random(200) < 0.1)).then(None).otherwise(pl.col("temp")),
        count=pl.Series(hours * 2.0 + temps * 10 + holidays * 100 + (seasons == "summer") * 1000),
    )
    spec = TrainSpec(
        dataset="toy", trainer="gradient_boosting", task="regression", target="count", params={"n_estimators": 20}
    )
    model = train(frame, spec, lambda step, metrics: None, lambda fraction, message: None)
    packed = package(model, folder / "package", run_id="run", save_python=save_python_model)
    assert packed.flavor == "onnx", packed.reason
    save_python_model(model, folder / "mlflow")
    store = LocalStore(folder / "models")
    for path in (folder / "package").iterdir():
        store.upload(path, f"packages/{package_digest(packed)}/{path.name}")
    route(store, "bikes", 1, (1, package_digest(packed)), visibility="public", requests_per_second=1_000_000)

    port = free_port()
    argv = ["-m", "mlflow", "models", "serve", "-m", str(folder / "mlflow"), "--env-manager", "local", "-p", str(port)]
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    with (
        running([sys.executable, *argv], env={**os.environ, "PATH": programs, "MLFLOW_DISABLE_TELEMETRY": "true"}),
        serving(standalone(build_serving(store, folder / "cache")), lifespan="on") as url,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as mlflow,
        httpx.Client(base_url=f"{url}/serve/bikes", timeout=20) as ours,
    ):
        _wait_for(mlflow)
        yield Servers(mlflow, ours)


def _wait_for(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            client.get("/ping").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("MLflow's server did not start.")


def ask(client: httpx.Client, body: str | bytes, content_type: str) -> httpx.Response:
    return client.post("/invocations", content=body, headers={"Content-Type": content_type})


def class_of(response: httpx.Response) -> tuple[int, str, str | None]:
    """The status, the media type, and MLflow's code where there is one."""
    kind = response.headers["content-type"]
    return response.status_code, kind, response.json().get("error_code") if kind == JSON else None


class TestInvocations:
    @pytest.mark.parametrize("case", ALIKE)
    def test_answers_as_mlflow_does(self, servers: Servers, case: str) -> None:
        theirs, ours = (ask(client, *ALIKE[case]) for client in servers)
        assert class_of(ours) == class_of(theirs), (ours.text, theirs.text)
        if ours.status_code == 200:
            assert list(ours.json()) == list(theirs.json()) == ["predictions"]
            assert ours.json()["predictions"] == pytest.approx(theirs.json()["predictions"], rel=1e-5)

    @pytest.mark.parametrize("case", KEPT)
    def test_differs_on_purpose(self, servers: Servers, case: str) -> None:
        body, content_type, status, why = KEPT[case]
        theirs, ours = (ask(client, body, content_type) for client in servers)
        assert ours.status_code == status, ours.text
        assert class_of(ours) != class_of(theirs), f"No longer a difference: {why}"

    def test_takes_a_body_without_a_content_type_where_mlflow_fails(self, servers: Servers) -> None:
        with httpx.Client(base_url=servers.mlflow.base_url) as alone:  # MLflow drops the connection after it
            assert alone.post("/invocations", content=record()).status_code == 500
        assert servers.ours.post("/invocations", content=record()).status_code == 200


class TestProbes:
    @pytest.mark.parametrize("path", ["/ping", "/health", "/version"])
    def test_answers_as_mlflow_does(self, servers: Servers, path: str) -> None:
        theirs, ours = (client.get(path) for client in servers)
        assert (ours.content, class_of_probe(ours)) == (theirs.content, class_of_probe(theirs))

    @pytest.mark.parametrize(("method", "path"), [("POST", "/ping"), ("GET", "/invocations"), ("PUT", "/version")])
    def test_refuses_the_same_methods(self, servers: Servers, method: str, path: str) -> None:
        assert [client.request(method, path).status_code for client in servers] == [405, 405]


def class_of_probe(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.headers["content-type"]


class TestClients:
    def test_the_scoring_client_works_unmodified(self, servers: Servers) -> None:
        frame = pd.DataFrame(ROWS)
        url, theirs = servers.ours.base_url, servers.mlflow.base_url
        clients = import_module("mlflow.pyfunc.scoring_server.client")  # here, where its warnings are known
        client = clients.ScoringServerClient(url.host, f"{url.port}{url.path.rstrip('/')}")
        client.wait_server_ready()
        assert client.get_version() == servers.mlflow.get("/version").text
        expected = clients.ScoringServerClient(theirs.host, theirs.port).invoke(frame).get_predictions("ndarray")
        assert client.invoke(frame).get_predictions("ndarray") == pytest.approx(expected, rel=1e-5)
        assert client.invoke(ROWS, params={"depth": 3})["predictions"] == pytest.approx(expected.tolist(), rel=1e-5)

    def test_the_deployments_client_works_unmodified(self, servers: Servers) -> None:
        url = str(servers.ours.base_url).removesuffix("/bikes/")
        client = import_module("mlflow.deployments").get_deploy_client(url)
        answer = client.predict(endpoint="bikes", inputs={"dataframe_records": ROWS})
        assert answer["predictions"] == ask(servers.ours, *ALIKE["records"]).json()["predictions"]
