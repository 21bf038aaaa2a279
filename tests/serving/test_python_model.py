"""Models that stay in Python answer from processes of their own, and nobody else pays for what they do there."""

import asyncio
import gc
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow.sklearn
import pandas as pd
import polars as pl
import pytest
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from sklearn.linear_model import LinearRegression

from adapters.model_files import load_python_model, save_python_model
from adapters.object_store.local import LocalStore
from adapters.skops_files import load_skops_model
from domain.errors import Invalid
from domain.registry.specs import InputColumn, Package, Signature
from domain.training.specs import TrainSpec
from ml.models import BadPackage, PickleRefused, read_package
from ml.packaging import listing, package, package_bytes, package_digest
from ml.trainers.train import train
from serving.app import ServingApp, build_serving, running
from serving.batcher import Batching
from serving.engine import Engine
from serving.errors import ModelFailed
from serving.limits import Limits
from serving.packages import PackageCache
from serving.python_model import PythonModel, start_python_model
from serving.supervisor import ProcessLimits, Supervisor
from tests.serving.conftest import Client
from tests.serving.plants import ODD, TOKEN, admit, eventually, route

pytestmark = [
    pytest.mark.slow,
    # MLflow, while it is imported and while it writes an input example.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range:pandas.errors.Pandas4Warning"),
]

ROWS = [{"x": 0.5, "kind": "a"}, {"x": -1.0, "kind": "b"}]
MEMORY = 512 << 20


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of a trainer that has no ONNX form."""
    directory = tmp_path_factory.mktemp("python") / "package"
    rows = [{"x": number / 50 - 2, "kind": "ab"[number % 2], "y": ["no", "yes"][number > 90]} for number in range(200)]
    spec = TrainSpec(
        dataset="toy", trainer="hist_gradient_boosting", task="classification", target="y", params={"max_iter": 5}
    )
    model = train(pl.DataFrame(rows), spec, lambda step, metrics: None, lambda fraction, message: None)
    packed = package(model, directory, run_id="run", save_python=save_python_model)
    assert packed.flavor == "python"
    return directory.rename(directory.with_name(package_digest(packed)))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, trained: Path) -> LocalStore:
    store = LocalStore(tmp_path_factory.mktemp("models"))
    for path in trained.rglob("*"):
        if path.is_file():
            store.upload(path, f"packages/{trained.name}/{path.relative_to(trained).as_posix()}")
    admit(store, TOKEN)
    route(store, "toy", 1, (1, trained.name), max_rows=1_000_000, max_batch=16)
    return store


@pytest.fixture(scope="module")
def app(store: LocalStore, tmp_path_factory: pytest.TempPathFactory) -> ServingApp:
    return build_serving(store, tmp_path_factory.mktemp("cache"), limits=Limits(max_body_bytes=20_000_000))


@pytest.fixture(scope="module")
def client(app: ServingApp) -> Iterator[Client]:
    """Asks the toy model, which is served."""
    with asyncio.Runner() as runner:
        plane = running(app)
        runner.run(plane.__aenter__())
        yield Client(app, runner)
        runner.run(plane.__aexit__(None, None, None))


def start_odd(directory: Path, *, processes: int = 1, timeout_seconds: float = 20.0) -> PythonModel:
    """The model of `tests.serving.odd_process`."""
    limits = ProcessLimits(processes, MEMORY, timeout_seconds)
    supervisors = [
        Supervisor("0" * 64, "tests.serving.odd_process", lambda: directory, limits) for _ in range(processes)
    ]
    for supervisor in supervisors:
        supervisor.start()
    described = Package(flavor="python", reason="odd", signature=ODD, agreement=None, run_id="run", files=[])
    return PythonModel(described, supervisors, limits)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> PythonModel:
    return start_odd(tmp_path_factory.mktemp("odd"))


def does(*deeds: str) -> list[dict[str, Any]]:
    return [{"number": float(index), "does": deed} for index, deed in enumerate(deeds)]


def ask_together(model: PythonModel, *deeds: str, seconds: float = 30.0) -> list[Any]:
    """What callers are told whose rows come at once, one row each. The first one alone, so that the rest meet."""

    async def play() -> list[Any]:
        questions = [model.encode([row]) for row in does("", *deeds)]
        deadline = time.monotonic() + seconds
        asked = [model.answer(question, Batching(64, 0.01), deadline) for question in questions]
        return (await asyncio.gather(*asked, return_exceptions=True))[1:]

    return asyncio.run(play())


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class TestAnswers:
    def test_answers_as_the_pipeline_does(self, client: Client, trained: Path) -> None:
        here = load_python_model(trained).predict(ROWS)
        assert here.probabilities is not None
        answer = client.post("/serve/toy/predict", json={"instances": ROWS}).json()
        assert answer["predictions"] == here.values
        assert [row["yes"] for row in answer["probabilities"]] == here.probabilities[:, 1].tolist()
        described = client.get("/v2/models/toy").json()
        assert described["platform"] == "mlflow"
        assert described["parameters"]["flavor"] == "python"
        assert described["parameters"]["reason"].startswith("hist_gradient_boosting does not convert to ONNX")

    def test_more_rows_than_a_batch_holds_are_answered_whole(self, client: Client, trained: Path) -> None:
        rows = [{"x": number / 400 - 2, "kind": "ab"[number % 3 == 0]} for number in range(1000)]
        here = load_python_model(trained).predict(rows)
        answer = client.post("/serve/toy/predict", json={"instances": rows}).json()
        assert answer["predictions"] == here.values
        assert here.probabilities is not None
        assert [row["no"] for row in answer["probabilities"]] == here.probabilities[:, 0].tolist()

    @pytest.mark.parametrize(
        ("instance", "code", "where"),
        [
            ({"x": "a", "kind": "a"}, "wrong_type", "instances[0].x"),
            ({"x": {"y": [1]}, "kind": "a"}, "wrong_type", "instances[0].x"),
            ({"x": 1, "kind": ["a"]}, "wrong_type", "instances[0].kind"),
            ({"x": True, "kind": "a"}, "wrong_type", "instances[0].x"),
            ({"x": None, "kind": "a"}, "null_value", "instances[0].x"),
            ({"x": 1e300, "kind": "a"}, "out_of_range", "instances[0].x"),
            ({"x": 1}, "missing_column", "instances[0].kind"),
            ({"x": 1, "kind": "a", "more": 1}, "extra_column", "instances[0].more"),
            ([1, "a"], "not_a_row", "instances[0]"),
        ],
    )
    def test_a_bad_row_is_refused_with_its_place(self, client: Client, instance: object, code: str, where: str) -> None:
        refused = client.post("/serve/toy/predict", json={"instances": [instance]})
        assert (refused.status_code, refused.json()["code"], refused.json()["where"]) == (422, code, where)

    def test_a_huge_text_is_a_category_like_any_other(self, client: Client) -> None:
        unknown = client.post("/serve/toy/predict", json={"instances": [{"x": 1, "kind": "z"}]}).json()
        huge = client.post("/serve/toy/predict", json={"instances": [{"x": 1, "kind": "z" * 5_000_000}]}).json()
        assert huge["probabilities"] == unknown["probabilities"]

    def test_nan_is_refused_and_so_are_too_many_rows(self, client: Client) -> None:
        nan = client.post("/serve/toy/predict", content=b'{"instances": [{"x": NaN, "kind": "a"}]}')
        assert (nan.status_code, nan.json()["code"]) == (422, "not_a_number")
        many = client.post("/serve/toy/predict", content=b'{"instances":[' + b"{}," * 1_000_000 + b"{}]}")
        assert (many.status_code, many.json()["code"]) == (413, "too_many_rows")
        assert client.post("/serve/toy/predict", json={"instances": ROWS}).status_code == 200


class TestOddModels:
    """Each does it in the real loop of the real process; the next row is answered by the same process."""

    @pytest.mark.parametrize(
        ("deed", "says"),
        [
            ("exit", "it raised SystemExit."),
            ("interrupt", "it raised KeyboardInterrupt."),
            ("raise", "it raised FileNotFoundError."),
            ("fewer", "it gave 1 answers to 2 rows."),
            ("eat", "it needs more memory than its process may have."),
        ],
    )
    def test_what_the_model_raises_is_told_without_its_words(self, odd: PythonModel, deed: str, says: str) -> None:
        before = odd.pids
        with pytest.raises(ModelFailed) as failed:
            odd.predict(does("", deed))
        assert failed.value.message == f"The model failed: {says}"
        assert odd.predict(does("")).values == [0.0]
        assert odd.pids == before

    @pytest.mark.parametrize("deed", ["print", "fork"])
    def test_what_it_does_beside_its_answer_changes_none(self, odd: PythonModel, deed: str) -> None:
        before = odd.pids
        assert odd.predict(does("", deed)).values == [0.0, 1.0]
        assert odd.predict(does("", "", "")).values == [0.0, 1.0, 2.0]
        assert odd.pids == before

    def test_nan_is_an_answer(self, odd: PythonModel) -> None:
        first, second = odd.predict(does("", "nan")).values
        assert first == 0.0
        assert math.isnan(float(second))

    def test_only_the_guilty_request_of_a_batch_fails(self, odd: PythonModel) -> None:
        answers = ask_together(odd, "", "raise", "", "fewer", "", "exit")
        assert [type(answer).__name__ for answer in answers[1::2]] == ["ModelFailed"] * 3
        assert [answer.values for answer in answers[::2]] == [[1.0], [3.0], [5.0]]

    def test_only_the_request_that_kills_the_process_fails(self, odd: PythonModel) -> None:
        first, deadly, third = ask_together(odd, "", "die", "")
        assert isinstance(deadly, ModelFailed)
        assert deadly.message == "The model's process died."
        assert (first.values, third.values) == ([1.0], [3.0])

    def test_garbage_on_the_link_is_no_answer(self, odd: PythonModel) -> None:
        eventually(lambda: odd.pids, seconds=60)
        with pytest.raises(ModelFailed):
            odd.predict(does("garble"))


class TestProcesses:
    def test_one_that_hangs_is_killed_and_the_other_goes_on(self, tmp_path: Path) -> None:
        model = start_odd(tmp_path, processes=2, timeout_seconds=2.0)
        before = set(model.pids)
        assert len(before) == 2

        async def play() -> tuple[BaseException, float]:
            batching, deadline = Batching(1, 0.0), time.monotonic() + 20
            hung = asyncio.create_task(model.answer(model.encode(does("hang")), batching, deadline))
            await asyncio.sleep(0.05)
            started = time.monotonic()
            for _ in range(20):
                assert (await model.answer(model.encode(does("")), batching, deadline)).values == [0.0]
            took = time.monotonic() - started
            (error,) = await asyncio.gather(hung, return_exceptions=True)
            assert isinstance(error, BaseException)
            return error, took

        error, took = asyncio.run(play())
        assert str(error) == "The model's process did not answer within 2 s."
        assert took < 1.8
        (gone,) = before - set(model.pids)
        assert not alive(gone)
        eventually(lambda: len(model.pids) == 2, seconds=60)

    @pytest.mark.parametrize("killed", [False, True])
    def test_what_a_process_has_started_ends_with_it(self, tmp_path: Path, killed: bool) -> None:
        model = start_odd(tmp_path)
        grandchild, pid = int(model.predict(does("child")).values[0]), model.pids[0]
        assert alive(grandchild)
        if killed:
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: not alive(grandchild))
        del model
        gc.collect()
        eventually(lambda: not alive(pid) and not alive(grandchild))

    def test_none_is_asked_while_the_only_one_is_restarted(self, tmp_path: Path) -> None:
        model = start_odd(tmp_path)
        (tmp_path / "die").touch()
        os.kill(model.pids[0], signal.SIGKILL)
        with pytest.raises(ModelFailed):
            model.predict(does(""))
        with pytest.raises(ModelFailed, match="being restarted"):
            model.predict(does(""))
        (tmp_path / "die").unlink()
        eventually(lambda: model.pids, seconds=60)
        assert model.predict(does("")).values == [0.0]

    def test_one_that_dies_while_it_loads_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "die").touch()
        with pytest.raises(ModelFailed, match="ended or hung while it was loading"):
            start_odd(tmp_path)

    def test_a_caller_is_told_to_come_again(self, client: Client, app: ServingApp, trained: Path) -> None:
        model = app.engine.load(trained.name).batched
        assert model is not None
        (pid,) = model.pids
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not alive(pid))
        failed = client.post("/serve/toy/predict", json={"instances": ROWS})
        assert (failed.status_code, failed.json()["code"]) == (503, "model_failed")
        assert failed.headers["retry-after"] == "1"

    def test_it_is_given_no_secret_of_serving(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MILLRACE_S3_SECRET_ACCESS_KEY", "keep-this")
        model = start_odd(tmp_path)
        given = Path(f"/proc/{model.pids[0]}/environ").read_bytes()
        assert b"OMP_NUM_THREADS=1" in given
        assert b"keep-this" not in given


class TestLoading:
    def test_a_model_from_outside_is_asked_by_rows(self, tmp_path: Path) -> None:
        rows = [{"x": float(number), "n": number} for number in range(20)]
        table = pd.DataFrame(rows)
        fitted = LinearRegression().fit(table, table["x"] * 2 + table["n"] + 1)
        mlflow.sklearn.save_model(
            fitted, tmp_path / "outside", serialization_format="skops", pip_requirements=[],
            signature=ModelSignature(Schema([ColSpec(DataType.double, "x"), ColSpec(DataType.long, "n")])),
        )  # fmt: skip
        columns = [InputColumn(name="x", type="number"), InputColumn(name="n", type="integer")]
        described = Package(
            flavor="python", reason="made outside", signature=Signature(task="regression", target="y", inputs=columns),
            agreement=None, run_id="run", files=listing(tmp_path),
        )  # fmt: skip
        (tmp_path / "package.json").write_bytes(package_bytes(described))
        model = start_python_model(package_digest(described), described, lambda: tmp_path, ProcessLimits())
        assert model.predict(rows[:3]).values == pytest.approx([1.0, 4.0, 7.0])
        with pytest.raises(Invalid) as refusal:
            model.predict([{"x": 1.0, "n": 0.5}])
        assert (refusal.value.code, refusal.value.where) == ("wrong_type", "instances[0].n")

    def test_a_pickle_is_not_loaded(self, tmp_path: Path, trained: Path) -> None:
        copy = shutil.copytree(trained, tmp_path / "copy")
        text = (copy / "mlflow" / "MLmodel").read_text()
        (copy / "mlflow" / "MLmodel").write_text(text.replace("format: skops", "format: pickle"))
        (copy / "package.json").unlink()
        described = read_package(trained).model_copy(update={"files": listing(copy)})
        (copy / "package.json").write_bytes(package_bytes(described))
        with pytest.raises(PickleRefused, match="kept as pickle, which runs what it says"):
            load_skops_model(copy)

    def test_a_package_that_does_not_load_says_why(self, store: LocalStore, tmp_path: Path, trained: Path) -> None:
        damaged = LocalStore(tmp_path / "models")
        for info in store.list(f"packages/{trained.name}"):
            damaged.put(info.key, b"damaged" if info.key.endswith("MLmodel") else store.get(info.key))
        engine = Engine(PackageCache(damaged, tmp_path / "cache"))
        with pytest.raises(BadPackage, match="MLmodel is damaged"):
            engine.load(trained.name)
        engine.close()

    def test_a_process_that_does_not_start_says_what_it_was_refused_for(self, tmp_path: Path, trained: Path) -> None:
        described = read_package(trained)
        with pytest.raises(BadPackage, match=r"package\.json cannot be read"):
            start_python_model("0" * 64, described, lambda: tmp_path, ProcessLimits())

    def test_the_process_dies_with_its_parent(self, tmp_path: Path) -> None:
        """Killed without warning, the parent can tell nobody; the closed link does."""
        parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None
        with parent, parent.stdout:
            child = int(parent.stdout.readline())
            assert alive(child)
            parent.kill()
        eventually(lambda: not alive(child))


PARENT = """
import sys, time
from pathlib import Path
from serving.supervisor import ProcessLimits, Supervisor
supervisor = Supervisor("0" * 64, "tests.serving.odd_process", lambda: Path(sys.argv[1]), ProcessLimits())
supervisor.start()
print(supervisor.pid, flush=True)
time.sleep(60)
"""
