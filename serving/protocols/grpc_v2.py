"""Open Inference v2 over gRPC: tensors as raw bytes or typed lists in, and out in the same form."""

from typing import Any, Final

from domain.registry.specs import Signature
from serving.errors import BadTensor, Problem
from serving.protocols.exchange import Answer, Ask, Reply, ids_header
from serving.protocols.inference_messages import message
from serving.protocols.tensors import Tensor, as_rows, from_bytes, from_lists, named, nulls, output_names, outputs_of

InferRequest: Final = message("ModelInferRequest")
InferResponse: Final = message("ModelInferResponse")

_CONTENTS: Final = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


class Inference:
    """One ModelInfer call. The body it reads is the message it was made with."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._wanted: list[str] = []

    def read(self, body: bytes, content_type: str, signature: Signature) -> Ask:
        request = self._request
        self._wanted = _wanted(request, output_names(signature))
        return Ask(as_rows(_tensors(request), signature), "rows", request.id or None)

    def write(self, answer: Answer) -> Reply:
        response = InferResponse(model_name=answer.endpoint, model_version=str(answer.version), id=answer.ask.id or "")
        response.parameters["prediction_ids"].string_param = ",".join(answer.ids)
        outputs = {output.name: output for output in outputs_of(answer)}
        for output in (outputs[name] for name in self._wanted):
            tensor = response.outputs.add(name=output.name, datatype=output.datatype, shape=output.shape)
            if self._request.raw_input_contents:
                response.raw_output_contents.append(output.raw())
                continue
            values = output.listed()
            if output.datatype == "BYTES":
                values = [str(value).encode() for value in values]
            getattr(tensor.contents, _CONTENTS[output.datatype]).extend(values)
        return Reply(200, response.SerializeToString(), ids_header(answer))

    def refuse(self, problem: Problem, request_id: str) -> Reply:
        """What the status says in words; `serving.grpc_server` gives it a code."""
        return Reply(problem.status, problem.sentence.encode(), [(b"x-request-id", request_id.encode())])


def _tensors(request: Any) -> list[Tensor]:
    raws = request.raw_input_contents
    if raws and len(raws) != len(request.inputs):
        raise BadTensor(
            f"There are {len(request.inputs)} inputs and {len(raws)} raw_input_contents.", where="raw_input_contents"
        )
    tensors = []
    for index, item in enumerate(request.inputs):
        where = f"inputs[{index}]"
        name, shape = named(item.name, where), list(item.shape)
        if "shared_memory_region" in item.parameters:
            raise BadTensor(f"Tensor {name!r} is in shared memory, which is not read here.", where=where)
        if not raws:
            tensors.append(_typed(name, item, shape, where))
        elif item.HasField("contents"):
            raise BadTensor(f"Tensor {name!r} has both contents and raw_input_contents.", where=where)
        else:
            tensors.append(from_bytes(name, item.datatype, shape, memoryview(raws[index]), where))
    return tensors


def _typed(name: str, item: Any, shape: list[int], where: str) -> Tensor:
    field = _CONTENTS.get(item.datatype, "")
    given = [each.name for each, _ in item.contents.ListFields()]
    if item.datatype == "FP16" or given not in ([], [field]):
        place = f"contents.{field}" if field else "raw_input_contents"
        raise BadTensor(f"Tensor {name!r} of datatype {item.datatype} belongs in {place}.", where=f"{where}.contents")
    values = list(getattr(item.contents, field)) if field else []
    if item.datatype == "BYTES":
        try:
            values = [value.decode() for value in values]
        except UnicodeDecodeError:
            raise BadTensor(f"Tensor {name!r} holds text that is not UTF-8.", where=f"{where}.contents") from None
    return from_lists(name, item.datatype, shape, nulls(values), f"{where}.contents")


def _wanted(request: Any, names: list[str]) -> list[str]:
    """The outputs to give, in order: all of them unless some are named."""
    wanted = [item.name for item in request.outputs]
    for index, name in enumerate(wanted):
        if name not in names or name in wanted[:index]:
            what = "is asked for twice" if name in names else "is not given by this model"
            raise BadTensor(f"Output {name!r} {what}; there is {' and '.join(names)}.", where=f"outputs[{index}].name")
        if "classification" in request.outputs[index].parameters:
            raise BadTensor(f"Output {name!r} is given as it is only.", where=f"outputs[{index}].parameters")
    return wanted or names
