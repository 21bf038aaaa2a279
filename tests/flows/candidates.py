"""Versions whose faults show only on live requests, as real ONNX packages: is x, in [0, 10), above five?"""

from typing import Any, Final

import numpy as np
import onnx
import polars as pl
from onnx import TensorProto, helper

from adapters.runtime import Runtime
from domain.datasets.queries import get_version as data_version
from domain.db import WriteSession, new_id
from domain.registry import service as registry
from domain.registry.models import ModelVersion
from domain.registry.queries import get_model
from domain.registry.specs import InputColumn, Label, Signature
from tests.domain.deployments.versions import ANN, decide, request
from tests.finished_runs import OUTCOME, finished_run, make_data
from tests.serving.plants import pack
from workers.pairing import parquet

CLASSES: Final[list[Label]] = ["no", "yes"]
SIGNATURE: Final = Signature(
    task="classification", target="y", inputs=[InputColumn(name="x", type="number")], classes=CLASSES
)
# Rows that every candidate answers well: what is wrong with some shows elsewhere.
TEST_ROWS: Final = pl.DataFrame({"x": np.linspace(0.1, 9.9, 50)})


def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], **attributes)


# Each makes `score` out of `numbers`: positive says yes.
GOOD: Final = [node("Sub", ["numbers", "five"], "score")]
EQUAL: Final = [node("Sub", ["numbers", "five"], "half"), node("Mul", ["half", "two"], "score")]
SHUFFLED: Final = [
    node("Mul", ["numbers", "many"], "far"),
    node("Sin", ["far"], "score"),
]
CONSTANT: Final = [node("Mul", ["numbers", "zero"], "none"), node("Add", ["none", "five"], "score")]
# A place in a table that ends where the test rows do.
FAILING: Final = [
    node("Cast", ["numbers"], "place", to=TensorProto.INT64),
    node("Gather", ["table", "place"], "looked"),
    node("Squeeze", ["looked", "last"], "flat"),
    node("Mul", ["flat", "zero"], "nothing"),
    node("Sub", ["numbers", "five"], "half"),
    node("Add", ["half", "nothing"], "score"),
]
NOT_A_NUMBER: Final = [
    node("Sub", ["ten", "numbers"], "left"),
    node("Log", ["left"], "nan"),
    node("Mul", ["nan", "zero"], "nothing"),
    node("Sub", ["numbers", "five"], "half"),
    node("Add", ["half", "nothing"], "score"),
]
SLOW: Final = [
    node("Sub", ["numbers", "five"], "half"),
    node("ReduceSum", ["numbers"], "sum", keepdims=1),
    node("Expand", ["sum", "large"], "square"),
    node("MatMul", ["square", "square"], "product"),
    node("ReduceMax", ["product"], "most", keepdims=1),
    node("Mul", ["most", "zero"], "nothing"),
    node("Add", ["half", "nothing"], "score"),
]


def package(runtime: Runtime, nodes: list[onnx.NodeProto], *, run_id: str) -> str:
    """A package in the model store whose probabilities are the softmax of (0, score). Returns the digest."""
    floats = {"five": 5.0, "two": 2.0, "many": 977.0, "zero": 0.0, "ten": 10.0}
    constants = [helper.make_tensor(name, TensorProto.FLOAT, [1, 1], [value]) for name, value in floats.items()]
    constants += [
        helper.make_tensor("table", TensorProto.FLOAT, [10], [1.0] * 10),
        helper.make_tensor("last", TensorProto.INT64, [1], [-1]),
        helper.make_tensor("large", TensorProto.INT64, [2], [400, 400]),
        helper.make_tensor("sides", TensorProto.FLOAT, [1, 2], [0.0, 1.0]),
    ]
    ends = [node("Mul", ["score", "sides"], "scores"), node("Softmax", ["scores"], "probabilities", axis=1)]
    graph = helper.make_graph(
        [*nodes, *ends],
        "candidate",
        [helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return pack(runtime.models, model.SerializeToString(), SIGNATURE, run_id=run_id)


def add_model(session: WriteSession) -> None:
    make_data(session)
    registry.create_model(session, name="m", task="classification", target="y")


def add_candidate(runtime: Runtime, nodes: list[onnx.NodeProto]) -> int:
    """Registers a version of model `m` that answers so. Returns its number."""
    digest = package(runtime, nodes, run_id=new_id())
    rows = runtime.contents.add(parquet(TEST_ROWS)).md5
    with runtime.transaction(ANN) as session:
        version: ModelVersion = registry.add_version(
            session,
            model=get_model(session, "m"),
            run_id=finished_run(
                session,
                data_version(session, "d", 1),
                outcome=OUTCOME.model_copy(
                    update={
                        "package": {"flavor": "onnx", "signature": SIGNATURE.as_json()},
                        "package_digest": digest,
                        "test_rows_md5": rows,
                        "metrics": {},
                    }
                ),
                task="classification",
            ),
        )
        return version.number


def pass_gates(runtime: Runtime, number: int) -> None:
    """Whereupon the version is rolled out as the endpoint says."""
    with runtime.transaction(ANN) as session:
        promotion_id = request(session, number)
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)
