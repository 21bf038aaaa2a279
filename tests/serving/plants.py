"""Small real packages on a real store: ONNX models whose answers can be worked out by hand, and routes to them."""

import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any, BinaryIO

import onnx
from onnx import TensorProto, helper

from adapters.object_store.local import LocalStore
from adapters.object_store.protocol import ObjectInfo, ObjectStore, StoreUnavailable
from domain.deployments.specs import AccessEntry, EndpointSettings, Routes, ServingAccess, Target, Trial
from domain.errors import DomainError
from domain.registry.specs import Agreement, InputColumn, Package, PackedFile, Signature

TOKEN = "let-me-predict"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SEASONS = {"winter": 100.0, "summer": 200.0}
COLUMNS = [
    InputColumn(name="hour", type="integer", example=5),
    InputColumn(name="temp", type="number", nullable=True, example=0.5),
    InputColumn(name="holiday", type="boolean", example=False),
    InputColumn(name="season", type="string", example="winter"),
]
ROW: dict[str, Any] = {"hour": 5, "temp": 0.5, "holiday": False, "season": "winter"}
REGRESSION = Signature(task="regression", target="count", inputs=COLUMNS)


class MovableStore(LocalStore):
    """A folder that can be taken away and given back, as a network store can; it may also refuse us."""

    away = False
    refusal: type[DomainError] = StoreUnavailable

    def put(self, key: str, data: bytes) -> None:
        self._reach(key)
        super().put(key, data)

    def open(self, key: str) -> BinaryIO:
        self._reach(key)
        return super().open(key)

    def info(self, key: str) -> ObjectInfo:
        self._reach(key)
        return super().info(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._reach(prefix)
        return super().list(prefix)

    def delete(self, key: str) -> None:
        self._reach(key)
        super().delete(key)

    def _reach(self, key: str) -> None:
        if self.away:
            raise self.refusal("The store is away.", where=key)


def expected(row: dict[str, Any], version: int) -> float:
    """What `regression_package(version)` answers: every number, the season's, and 1000 per version."""
    numbers = row["hour"] + (row["temp"] or 0.0) + row["holiday"]
    return float(numbers + SEASONS[row["season"]] + 1000.0 * version)


def regression_package(store: ObjectStore, version: int) -> str:
    """A model that adds up its inputs. Returns the digest."""
    nodes = [
        helper.make_node("IsNaN", ["numbers"], ["nulls"]),
        helper.make_node("Where", ["nulls", "zero", "numbers"], ["filled"]),
        helper.make_node("ReduceSum", ["filled", "axis"], ["sum"], keepdims=1),
        helper.make_node(
            "LabelEncoder", ["strings"], ["season"], domain="ai.onnx.ml",
            keys_strings=list(SEASONS), values_floats=list(SEASONS.values()), default_float=0.0,
        ),
        helper.make_node("Sum", ["sum", "season", "offset"], ["prediction"]),
    ]  # fmt: skip
    constants = [
        helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
        helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        helper.make_tensor("offset", TensorProto.FLOAT, [1], [1000.0 * version]),
    ]
    inputs = [("numbers", TensorProto.FLOAT, 3), ("strings", TensorProto.STRING, 1)]
    return pack(store, _model(nodes, constants, inputs, "prediction", 1), REGRESSION, run_id=f"run-{version}")


def classifier_package(store: ObjectStore, classes: Sequence[str | int | bool]) -> str:
    """Two classes by the sign of x: the second one's probability is the sigmoid of x."""
    nodes = [
        helper.make_node("Mul", ["numbers", "weights"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    constants = [helper.make_tensor("weights", TensorProto.FLOAT, [1, 2], [0.0, 1.0])]
    model = _model(nodes, constants, [("numbers", TensorProto.FLOAT, 1)], "probabilities", 2)
    columns = [InputColumn(name="x", type="number")]
    signature = Signature(task="classification", target="label", inputs=columns, classes=list(classes))
    return pack(store, model, signature, run_id="run-classes")


def pack(store: ObjectStore, model: bytes, signature: Signature, *, run_id: str) -> str:
    """Files the model and its package.json as the registry lays them out."""
    package = Package(
        flavor="onnx",
        reason="the ONNX export agrees",
        signature=signature,
        agreement=Agreement(rows=10, max_difference=0.0, label_agreement=1.0, tolerance=1e-6, holds=True),
        run_id=run_id,
        files=[PackedFile(path="model.onnx", sha256=sha256(model).hexdigest(), size=len(model))],
    )
    listing = package.model_dump_json().encode()
    digest = sha256(listing).hexdigest()
    store.put(f"packages/{digest}/model.onnx", model)
    store.put(f"packages/{digest}/package.json", listing)
    return digest


def route(
    store: ObjectStore,
    endpoint: str,
    revision: int,
    *live: tuple[int, str],
    standby: Sequence[tuple[int, str]] = (),
    trial: Trial | None = None,
    **settings: object,
) -> Routes:
    """Writes the endpoint's routes: equal shares for the live (version, package) pairs."""
    targets = [Target(version=version, package=digest, role="live", share=1 / len(live)) for version, digest in live]
    targets += [Target(version=version, package=digest, role="standby") for version, digest in standby]
    routes = Routes(
        endpoint=endpoint,
        revision=revision,
        model="bikes",
        targets=targets,
        settings=EndpointSettings.model_validate(settings),
        trial=trial,
    )
    store.put(f"routes/{endpoint}.json", routes.model_dump_json().encode())
    return routes


def admit(store: ObjectStore, *tokens: str, revision: int = 1) -> None:
    """Writes the tokens that may predict."""
    entries = [AccessEntry(token_sha256=sha256(token.encode()).hexdigest(), name=token) for token in tokens]
    store.put("access/tokens.json", ServingAccess(revision=revision, tokens=entries).model_dump_json().encode())


def eventually(holds: Callable[[], object], *, seconds: float = 10.0) -> None:
    """Waits until something holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def _model(
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    inputs: Sequence[tuple[str, int, int]],
    output: str,
    width: int,
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "plant",
        [helper.make_tensor_value_info(name, kind, [None, columns]) for name, kind, columns in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, width])],
        constants,
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content
