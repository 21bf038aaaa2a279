"""Open Inference Protocol v2 over REST: one input tensor per column, of shape [n] or [n, 1], as JSON."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from domain.datasets.specs import ColumnType
from domain.registry.specs import InputColumn, Label, Package, Signature
from serving.errors import BadRows, Problem
from serving.protocols.exchange import Answer, Ask, Reply, ids_header
from serving.protocols.json_body import load_object, require_json

_INTEGERS: Final = frozenset({"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"})
_ACCEPTED: Final[dict[ColumnType, frozenset[str]]] = {
    "integer": _INTEGERS,
    "number": _INTEGERS | {"FP16", "FP32", "FP64"},
    "string": frozenset({"BYTES"}),
    "boolean": frozenset({"BOOL"}),
    "datetime": frozenset({"BYTES"}),
}
_DATATYPE: Final[dict[ColumnType, str]] = {
    "integer": "INT64",
    "number": "FP64",
    "string": "BYTES",
    "boolean": "BOOL",
    "datetime": "BYTES",
}


def read(body: bytes, content_type: str, signature: Signature) -> Ask:
    """`{"inputs": [{name, shape, datatype, data}, …]}`; the tensors become rows, checked by the encoder."""
    require_json(content_type)
    payload = load_object(body)
    inputs = payload.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise BadRows("`inputs` must be a list of tensors, one per column.", where="inputs")
    known = {column.name: column for column in signature.inputs}
    columns: dict[str, list[Any]] = {}
    for index, tensor in enumerate(inputs):
        name, data = _tensor(tensor, f"inputs[{index}]", known)
        if name in columns:
            raise BadRows(f"Input {name!r} is given twice.", where=f"inputs[{index}].name")
        columns[name] = data
    sizes = {name: len(data) for name, data in columns.items()}
    if len(set(sizes.values())) > 1:
        raise BadRows(f"The inputs differ in length: {sizes}.", where="inputs")
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    identifier = payload.get("id")
    return Ask(rows, "rows", identifier if isinstance(identifier, str) else None)


def write(answer: Answer) -> Reply:
    rows = len(answer.predictions)
    outputs: list[dict[str, Any]] = [
        {"name": "prediction", "datatype": _label_type(answer.classes), "shape": [rows], "data": answer.predictions}
    ]
    if answer.probabilities is not None:
        shape = list(answer.probabilities.shape)
        outputs.append(
            {
                "name": "probabilities",
                "datatype": "FP64",
                "shape": shape,
                "data": answer.probabilities.reshape(-1).tolist(),
            }
        )
    body: dict[str, Any] = {
        "model_name": answer.endpoint,
        "model_version": str(answer.version),
        "outputs": outputs,
        "parameters": {"prediction_ids": answer.ids},
    }
    if answer.ask.id is not None:
        body["id"] = answer.ask.id
    return Reply(200, orjson.dumps(body), ids_header(answer))


def refuse(problem: Problem, request_id: str) -> Reply:
    body = {"error": problem.sentence, "code": problem.code, "request_id": request_id}
    return Reply(problem.status, orjson.dumps(body), [])


def describe(endpoint: str, versions: list[str], package: Package) -> Reply:
    """The metadata of `GET /v2/models/{endpoint}`: shapes are [-1], any number of rows; and why it is served so."""
    signature = package.signature
    inputs = [{"name": column.name, "datatype": _DATATYPE[column.type], "shape": [-1]} for column in signature.inputs]
    outputs: list[dict[str, Any]] = [{"name": "prediction", "datatype": _label_type(signature.classes), "shape": [-1]}]
    if signature.classes:
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": [-1, len(signature.classes)]})
    body = {
        "name": endpoint,
        "versions": versions,
        "platform": "onnx_onnxv1" if package.flavor == "onnx" else "mlflow",
        "inputs": inputs,
        "outputs": outputs,
        "parameters": {"flavor": package.flavor, "reason": package.reason},
    }
    return Reply(200, orjson.dumps(body), [])


def _tensor(tensor: Any, where: str, known: dict[str, InputColumn]) -> tuple[str, list[Any]]:
    if not isinstance(tensor, dict):
        raise BadRows("An input must be an object with name, shape, datatype and data.", where=where)
    name, shape, datatype, data = (tensor.get(field) for field in ("name", "shape", "datatype", "data"))
    if not isinstance(name, str):
        raise BadRows("An input needs a name.", where=f"{where}.name")
    if not isinstance(data, list):
        raise BadRows(f"Input {name!r} needs `data` as a JSON list.", where=f"{where}.data")
    column = known.get(name)
    if column is not None and datatype not in _ACCEPTED[column.type]:
        raise BadRows(
            f"Input {name!r} must have datatype {_DATATYPE[column.type]}, not {datatype!r}.", where=f"{where}.datatype"
        )
    data = [value for row in data for value in (row if isinstance(row, list) else [row])]
    if shape not in ([len(data)], [len(data), 1]):
        raise BadRows(
            f"Input {name!r} has {len(data)} values and shape {shape!r}; one column has shape [n] or [n, 1].",
            where=f"{where}.shape",
        )
    return name, data


def _label_type(classes: Sequence[Label]) -> str:
    """The datatype of the prediction: a number without classes, otherwise what the classes are."""
    kinds = {type(label) for label in classes}
    if not kinds:
        return "FP64"
    return {bool: "BOOL", int: "INT64", float: "FP64"}.get(kinds.pop(), "BYTES") if len(kinds) == 1 else "BYTES"
