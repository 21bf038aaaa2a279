"""Open Inference Protocol v2 over REST: tensors as JSON, or as bytes behind the JSON (the binary data extension)."""

import gzip
import zlib
from typing import Any, Final

import orjson

from domain.registry.specs import Package, Signature
from serving.errors import BadTensor, Problem, WrongContentType
from serving.protocols.exchange import Answer, Ask, Reply, ids_header
from serving.protocols.json_body import load_json_with_nan, load_object, media_type, require_json
from serving.protocols.tensors import (
    DATATYPES,
    Output,
    Tensor,
    as_rows,
    from_bytes,
    from_lists,
    label_type,
    named,
    output_names,
    outputs_of,
)

SERVER: Final = {"name": "millrace", "version": "2", "extensions": ["binary_tensor_data"]}
# Compressing less than this saves no packet.
_COMPRESS_BYTES: Final = 1024


class Inference:
    """One request to `.../infer` and its answer: the request says which outputs it wants, and in which form."""

    def __init__(self, header_length: str = "", accept_encoding: str = "") -> None:
        self._header_length = header_length
        self._accept_encoding = accept_encoding
        self._wanted: dict[str, bool] = {}  # outputs by name: whether as bytes

    def read(self, body: bytes, content_type: str, signature: Signature) -> Ask:
        """`{"inputs": [{name, shape, datatype, data}, …]}`, bytes behind it if the header has its length."""
        if not self._header_length:
            require_json(content_type)
        elif media_type(content_type) not in ("application/octet-stream", "application/json", ""):
            raise WrongContentType(
                f"The body is {content_type!r}.", where="Content-Type", fix="Send application/octet-stream."
            )
        json, binary = _parts(body, self._header_length)
        payload = load_object(json, load_json_with_nan)
        inputs, identifier = payload.get("inputs"), payload.get("id", "")
        if not isinstance(inputs, list) or not inputs:
            raise BadTensor("`inputs` must be a list of tensors, one per column.", where="inputs")
        if not isinstance(identifier, str):
            raise BadTensor("`id` must be a text.", where="id")
        self._wanted = _wanted(payload, output_names(signature))
        return Ask(as_rows(_tensors(inputs, binary), signature), "rows", identifier or None)

    def write(self, answer: Answer) -> Reply:
        outputs = {output.name: output for output in outputs_of(answer)}
        described, binary = [], []
        for name, as_bytes in self._wanted.items():
            output = outputs[name]
            described.append(_described(output))
            if as_bytes:
                binary.append(output.raw())
                described[-1]["parameters"] = {"binary_data_size": len(binary[-1])}
            else:
                described[-1]["data"] = output.listed()
        body: dict[str, Any] = {
            "model_name": answer.endpoint,
            "model_version": str(answer.version),
            "outputs": described,
            "parameters": {"prediction_ids": ",".join(answer.ids)},
        }
        if answer.ask.id is not None:
            body["id"] = answer.ask.id
        json = orjson.dumps(body)
        headers = ids_header(answer)
        if not binary:
            return self._compressed(Reply(200, json, headers))
        headers.append((b"inference-header-content-length", b"%d" % len(json)))
        return self._compressed(Reply(200, b"".join((json, *binary)), headers, b"application/octet-stream"))

    def refuse(self, problem: Problem, request_id: str) -> Reply:
        return refuse(problem, request_id)

    def _compressed(self, reply: Reply) -> Reply:
        """The reply as the client asked to have it."""
        if len(reply.body) < _COMPRESS_BYTES or not self._accept_encoding:
            return reply
        accepted = {part.strip() for part in self._accept_encoding.lower().split(",")}
        if "gzip" in accepted:
            reply.headers.append((b"content-encoding", b"gzip"))
            return reply._replace(body=gzip.compress(reply.body, compresslevel=1, mtime=0))
        if "deflate" in accepted:
            reply.headers.append((b"content-encoding", b"deflate"))
            return reply._replace(body=zlib.compress(reply.body, level=1))
        return reply


def refuse(problem: Problem, request_id: str) -> Reply:
    """`{"error": …}`. The protocol knows 400 for whatever is wrong with a request's tensors."""
    status = 400 if problem.status == 422 else problem.status
    body = {"error": problem.sentence, "code": problem.code, "request_id": request_id}
    return Reply(status, orjson.dumps(body), [])


def metadata(endpoint: str, versions: list[str], package: Package) -> dict[str, Any]:
    """What `GET /v2/models/{endpoint}` says: shapes are [-1], any number of rows; and why it is served as it is."""
    signature = package.signature
    inputs = [{"name": column.name, "datatype": DATATYPES[column.type], "shape": [-1]} for column in signature.inputs]
    outputs: list[dict[str, Any]] = [{"name": "prediction", "datatype": label_type(signature.classes), "shape": [-1]}]
    if signature.classes:
        outputs.append({"name": "probabilities", "datatype": "FP64", "shape": [-1, len(signature.classes)]})
    return {
        "name": endpoint,
        "versions": versions,
        "platform": "onnx_onnxv1" if package.flavor == "onnx" else "mlflow",
        "inputs": inputs,
        "outputs": outputs,
        "parameters": {"flavor": package.flavor, "reason": package.reason},
    }


def _parts(body: bytes, header_length: str) -> tuple[bytes, memoryview]:
    """The JSON and the bytes behind it."""
    if not header_length:
        return body, memoryview(b"")
    digits = header_length.isascii() and header_length.isdecimal() and len(header_length) < 20
    length = int(header_length) if digits else -1
    if not 0 <= length <= len(body):
        raise BadTensor(
            f"Inference-Header-Content-Length is {header_length[:40]!r}; the body has {len(body)} bytes.",
            where="Inference-Header-Content-Length",
            fix="Send the length of the JSON before the tensors.",
        )
    return body[:length], memoryview(body)[length:]


def _tensors(inputs: list[Any], binary: memoryview) -> list[Tensor]:
    tensors = []
    for index, item in enumerate(inputs):
        where = f"inputs[{index}]"
        if not isinstance(item, dict):
            raise BadTensor("An input must be an object with name, shape, datatype and data.", where=where)
        name = named(item.get("name"), where)
        parameters = _parameters(item, where)
        if "shared_memory_region" in parameters:
            raise BadTensor(f"Tensor {name!r} is in shared memory, which is not read here.", where=where)
        shape, datatype, size = item.get("shape"), item.get("datatype"), parameters.get("binary_data_size")
        if size is None:
            tensors.append(from_lists(name, datatype, shape, item.get("data"), where))
            continue
        if type(size) is not int or not 0 <= size <= len(binary):
            raise BadTensor(
                f"Tensor {name!r} has a binary_data_size of {size!r}; {len(binary)} bytes are left behind the JSON.",
                where=f"{where}.parameters.binary_data_size",
            )
        if "data" in item:
            raise BadTensor(f"Tensor {name!r} has both `data` and a binary_data_size.", where=where)
        tensors.append(from_bytes(name, datatype, shape, binary[:size], where))
        binary = binary[size:]
    if len(binary):
        raise BadTensor(f"Behind the last tensor, {inputs[-1]['name']!r}, are {len(binary)} bytes more.", where="body")
    return tensors


def _wanted(payload: dict[str, Any], names: list[str]) -> dict[str, bool]:
    """The outputs to give, in order: all of them unless some are named; as bytes where that is asked for."""
    binary = _flag(_parameters(payload, "body"), "binary_data_output", "parameters", default=False)
    outputs = payload.get("outputs")
    if outputs is None or outputs == []:
        return dict.fromkeys(names, binary)
    if not isinstance(outputs, list):
        raise BadTensor("`outputs` must be a list of the outputs wanted.", where="outputs")
    wanted: dict[str, bool] = {}
    for index, item in enumerate(outputs):
        where = f"outputs[{index}]"
        name = named(item.get("name") if isinstance(item, dict) else None, where)
        if name not in names or name in wanted:
            what = "is asked for twice" if name in wanted else "is not given by this model"
            raise BadTensor(f"Output {name!r} {what}; there is {' and '.join(names)}.", where=f"{where}.name")
        parameters = _parameters(item, where)
        if "classification" in parameters or "shared_memory_region" in parameters:
            raise BadTensor(f"Output {name!r} can be given as JSON or as bytes only.", where=f"{where}.parameters")
        wanted[name] = _flag(parameters, "binary_data", f"{where}.parameters", default=binary)
    return wanted


def _parameters(item: dict[str, Any], where: str) -> dict[str, Any]:
    parameters = item.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise BadTensor("`parameters` must be an object.", where=f"{where}.parameters")
    return parameters


def _flag(parameters: dict[str, Any], name: str, where: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise BadTensor(f"`{name}` must be true or false.", where=f"{where}.{name}")
    return value


def _described(output: Output) -> dict[str, Any]:
    return {"name": output.name, "datatype": output.datatype, "shape": output.shape}
