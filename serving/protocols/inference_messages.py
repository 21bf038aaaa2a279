"""The messages of Open Inference v2 over gRPC, by the published names and numbers: a table, made into classes.

They live in a pool of their own, so that another copy of the protocol in the same process does no harm.
"""

from typing import Any, Final

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE: Final = "inference"
SERVICE: Final = "GRPCInferenceService"

# Fields are numbered in the order they stand in; `*` marks a list, `%` a map from text, `|` one of several.
_MESSAGES: Final = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "live bool",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "ready bool",
    "ModelReadyRequest": "name string, version string",
    "ModelReadyResponse": "ready bool",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "name string, version string, extensions *string",
    "ModelMetadataRequest": "name string, version string",
    "ModelMetadataResponse": "name string, versions *string, platform string,"
    " inputs *ModelMetadataResponse.TensorMetadata, outputs *ModelMetadataResponse.TensorMetadata",
    "ModelMetadataResponse.TensorMetadata": "name string, datatype string, shape *int64",
    "InferParameter": "bool_param |bool, int64_param |int64, string_param |string, double_param |double,"
    " uint64_param |uint64",
    "InferTensorContents": "bool_contents *bool, int_contents *int32, int64_contents *int64, uint_contents *uint32,"
    " uint64_contents *uint64, fp32_contents *float, fp64_contents *double, bytes_contents *bytes",
    "ModelInferRequest": "model_name string, model_version string, id string, parameters %InferParameter,"
    " inputs *ModelInferRequest.InferInputTensor, outputs *ModelInferRequest.InferRequestedOutputTensor,"
    " raw_input_contents *bytes",
    "ModelInferRequest.InferInputTensor": "name string, datatype string, shape *int64, parameters %InferParameter,"
    " contents InferTensorContents",
    "ModelInferRequest.InferRequestedOutputTensor": "name string, parameters %InferParameter",
    "ModelInferResponse": "model_name string, model_version string, id string, parameters %InferParameter,"
    " outputs *ModelInferResponse.InferOutputTensor, raw_output_contents *bytes",
    "ModelInferResponse.InferOutputTensor": "name string, datatype string, shape *int64, parameters %InferParameter,"
    " contents InferTensorContents",
}


def _descriptor() -> FileDescriptorProto:
    file = FileDescriptorProto(name="millrace/inference.proto", package=PACKAGE, syntax="proto3")
    for path, fields in _MESSAGES.items():
        outer, _, inner = path.partition(".")
        place = (
            next(each for each in file.message_type if each.name == outer).nested_type if inner else file.message_type
        )
        message = place.add(name=inner or outer)
        for number, field in enumerate(filter(None, fields.split(", ")), start=1):
            _add_field(message, f".{PACKAGE}.{path}", number, field)
    return file


def _add_field(message: DescriptorProto, path: str, number: int, text: str) -> None:
    name, kind = text.split()
    mark, kind = (kind[0], kind[1:]) if kind[0] in "*%|" else ("", kind)
    field = message.field.add(name=name, number=number)
    field.label = FieldDescriptorProto.LABEL_REPEATED if mark in ("*", "%") else FieldDescriptorProto.LABEL_OPTIONAL
    if mark == "%":
        entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _add_field(entry, path, 1, "key string")
        _add_field(entry, path, 2, f"value {kind}")
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f"{path}.{entry.name}"
    elif kind[0].isupper():
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
    if mark == "|":
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0


_POOL: Final = DescriptorPool()
_POOL.Add(_descriptor())


def message(name: str) -> Any:
    """The class of a message, by its name in the package."""
    return GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))
