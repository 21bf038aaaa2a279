"""Models that stay in Python answer from a process of their own: errors pass through; it may die, hang or not start."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from adapters.model_files import load_python_model, save_python_model
from adapters.object_store.local import LocalStore
from domain.errors import Invalid
from domain.training.specs import TrainSpec
from ml.models import BadPackage
from ml.packaging import package, package_digest
from ml.trainers.train import train
from serving import wire
from serving.engine import Engine
from serving.errors import ModelFailed
from serving.packages import PackageCache
from serving.python_model import PythonModel, Supervisor
from tests.serving.conftest import Serve
from tests.serving.plants import TOKEN, admit, eventually, route

pytestmark = [
    pytest.mark.slow,
    # MLflow, while it is imported and while it writes an input example.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
    pytest.mark.filterwarnings("ignore:Operation with range:pandas.errors.Pandas4Warning"),
]

ROWS = [{"x": 0.5, "kind": "a"}, {"x": -1.0, "kind": "b"}]


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


@pytest.fixture
def digest(store: LocalStore, trained: Path) -> str:
    for path in trained.rglob("*"):
        if path.is_file():
            store.upload(path, f"packages/{trained.name}/{path.relative_to(trained).as_posix()}")
    return trained.name


@pytest.fixture
def engine(store: LocalStore, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine(PackageCache(store, tmp_path / "cache"), python_timeout_seconds=5)
    yield engine
    engine.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def python_model(engine: Engine, digest: str) -> PythonModel:
    model = engine.load(digest).model
    assert isinstance(model, PythonModel)
    return model


def pid_of(model: PythonModel) -> int:
    pid = model.pid
    assert pid is not None
    return pid


class TestAnswers:
    def test_answers_as_the_pipeline_does_and_refuses_bad_rows(
        self, store: LocalStore, digest: str, trained: Path, serve: Serve
    ) -> None:
        admit(store, TOKEN)
        route(store, "toy", 1, (1, digest))
        here = load_python_model(trained).predict(ROWS)
        assert here.probabilities is not None
        with serve() as client:
            answer = client.post("/serve/toy/predict", json={"instances": ROWS}).json()
            refused = client.post("/serve/toy/predict", json={"instances": [{"x": "a", "kind": "a"}]})
            platform = client.get("/v2/models/toy").json()["platform"]
        assert answer["predictions"] == here.values
        assert [row["yes"] for row in answer["probabilities"]] == here.probabilities[:, 1].tolist()
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong_type")
        assert refused.json()["where"] == "instances[0].x"
        assert platform == "mlflow"

    def test_the_process_outlives_bad_rows_and_ends_with_the_last_reference(self, engine: Engine, digest: str) -> None:
        model = python_model(engine, digest)
        pid = pid_of(model)
        with pytest.raises(Invalid) as refusal:
            model.predict([{"x": 1.0, "kind": "a", "more": 1}])
        assert refusal.value.code == "extra_column"
        assert model.pid == pid
        del model, refusal
        gc.collect()
        eventually(lambda: not alive(pid))
        assert engine.loaded == frozenset()


class TestFailure:
    def test_a_killed_process_is_replaced(self, engine: Engine, digest: str) -> None:
        model = python_model(engine, digest)
        first = pid_of(model)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(ModelFailed):
            model.predict(ROWS)
        eventually(lambda: model.pid not in (None, first), seconds=60)
        assert len(model.predict(ROWS).values) == 2

    def test_a_hanging_process_is_given_up_and_killed(self, store: LocalStore, tmp_path: Path, digest: str) -> None:
        engine = Engine(PackageCache(store, tmp_path / "cache"), python_timeout_seconds=0.3)
        model = python_model(engine, digest)
        first = pid_of(model)
        os.kill(first, signal.SIGSTOP)
        with pytest.raises(ModelFailed, match="did not answer within"):
            model.predict(ROWS)
        assert not alive(first)
        with pytest.raises(ModelFailed, match="being restarted"):
            model.predict(ROWS)
        engine.close()

    def test_a_package_that_does_not_load_says_why(self, store: LocalStore, engine: Engine, digest: str) -> None:
        broken = tuple(info.key for info in store.list(f"packages/{digest}/mlflow") if info.key.endswith("MLmodel"))
        store.put(broken[0], b"damaged")
        with pytest.raises(BadPackage, match="MLmodel is damaged"):
            engine.load(digest)

    def test_a_process_that_does_not_start_says_what_it_was_refused_for(self, tmp_path: Path) -> None:
        supervisor = Supervisor("0" * 64, lambda: tmp_path, timeout_seconds=1)
        with pytest.raises(BadPackage, match=r"package\.json cannot be read"):
            supervisor.start()
        assert supervisor.pid is None

    def test_the_process_dies_with_its_parent(self, tmp_path: Path, trained: Path) -> None:
        """Killed without warning, the parent can tell nobody; the closed link does."""
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(trained), trained.name], stdout=subprocess.PIPE, text=True
        )
        assert parent.stdout is not None
        with parent, parent.stdout:
            child = int(parent.stdout.readline())
            assert alive(child)
            parent.kill()
        eventually(lambda: not alive(child))


PARENT = """
import sys, time
from pathlib import Path
from serving.python_model import Supervisor
supervisor = Supervisor(sys.argv[2], lambda: Path(sys.argv[1]), timeout_seconds=5)
supervisor.start()
print(supervisor.pid, flush=True)
time.sleep(60)
"""


class TestWire:
    def test_carries_messages_whole(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            message = {"rows": ["x" * 1000] * 2000}
            sender = threading.Thread(target=wire.send, args=(ours, message))
            sender.start()
            assert wire.receive(theirs, seconds=5) == message
            sender.join()

    def test_says_when_the_other_side_is_gone_or_silent(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                wire.receive(theirs, seconds=0.05)
            assert time.monotonic() - started < 1
            ours.sendall(b"\0\0\0\5ab")
            ours.close()
            with pytest.raises(wire.Closed):
                wire.receive(theirs)
