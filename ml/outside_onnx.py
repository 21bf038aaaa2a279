"""ONNX files that others have made, behind the feeds of our encoder. Called by the import of a model."""

from typing import Any, Final

import onnx
from onnx import TensorProto, helper

from domain.errors import Invalid
from domain.registry.specs import Label, Signature
from ml.encoding import NUMBERS, STRINGS, Encoder

_FLOATS: Final = (TensorProto.FLOAT, TensorProto.DOUBLE)


class UnfitOnnx(Invalid):
    code = "unfit_onnx"


def classes_of(content: bytes) -> list[Label]:
    """The labels that a classifier's nodes name, in the order of its probabilities; none when they name none."""
    for node in reversed(_read(content).graph.node):
        for attribute in node.attribute:
            if attribute.name.startswith("classlabels_"):
                found = helper.get_attribute_value(attribute)
                return [value.decode() if isinstance(value, bytes) else value for value in found]
    return []


def behind_encoder(content: bytes, signature: Signature) -> bytes:
    """The same model with `numbers` and `strings` as inputs, and its number or probabilities as the only output.

    Its own inputs are either the table as a whole, or one for each column by its name. Raises `UnfitOnnx`.
    """
    model = _read(content)
    graph, encoder = model.graph, Encoder(signature)
    constants = {one.name for one in graph.initializer}
    given = [one for one in graph.input if one.name not in constants]
    nodes: list[Any] = []
    if len(given) == 1 and len(signature.inputs) > 1:
        nodes += _whole(given[0], encoder)
    else:
        for one in given:
            nodes += _column(one, encoder)
    answer = _answer(graph, signature)
    del graph.input[:], graph.output[:]
    if encoder.number_names:
        shape = [None, len(encoder.number_names)]
        graph.input.append(helper.make_tensor_value_info(NUMBERS, TensorProto.FLOAT, shape))
    if encoder.string_names:
        shape = [None, len(encoder.string_names)]
        graph.input.append(helper.make_tensor_value_info(STRINGS, TensorProto.STRING, shape))
    graph.output.append(answer)
    for place, node in enumerate(nodes):
        graph.node.insert(place, node)
    done: bytes = model.SerializeToString(deterministic=True)
    return done


def _read(content: bytes) -> Any:
    try:
        model = onnx.ModelProto()
        model.ParseFromString(content)
    except Exception as error:  # protobuf has its own
        raise UnfitOnnx("The file is not ONNX.", where="mlflow") from error
    return model


def _whole(given: Any, encoder: Encoder) -> list[Any]:
    if encoder.number_names and encoder.string_names:
        raise UnfitOnnx("One input cannot take numbers and text.", where="mlflow")
    source = NUMBERS if encoder.number_names else STRINGS
    return [_cast(source, given, source == STRINGS)]


def _column(given: Any, encoder: Encoder) -> list[Any]:
    """Nodes that cut the column of this name out of the feeds."""
    texts = given.name in encoder.string_names
    names, source = (encoder.string_names, STRINGS) if texts else (encoder.number_names, NUMBERS)
    if len(names) == 1 and not texts and given.name not in names:
        return [_cast(source, given, texts)]  # one column, and the input is called otherwise
    if given.name not in names:
        raise UnfitOnnx(f"The ONNX input {given.name!r} is no column of the signature.", where="mlflow")
    place, cut = f"millrace_at_{given.name}", f"millrace_cut_{given.name}"
    at = helper.make_tensor(place, TensorProto.INT64, [1], [names.index(given.name)])
    return [
        helper.make_node("Constant", [], [place], value=at),
        helper.make_node("Gather", [source, place], [cut], axis=1),
        _cast(cut, given, texts),
    ]


def _cast(source: str, given: Any, texts: bool) -> Any:
    kind = given.type.tensor_type.elem_type
    if (kind == TensorProto.STRING) != texts:
        raise UnfitOnnx(f"The ONNX input {given.name!r} is not of the type of its column.", where="mlflow")
    if texts:
        return helper.make_node("Identity", [source], [given.name])
    return helper.make_node("Cast", [source], [given.name], to=kind)


def _answer(graph: Any, signature: Signature) -> Any:
    """The output that answers; a map of probabilities is taken apart."""
    if signature.task == "regression":
        return graph.output[-1]
    for node in graph.node:
        if node.op_type == "ZipMap":
            shape = [None, len(signature.classes)]
            answer = helper.make_tensor_value_info(node.input[0], TensorProto.FLOAT, shape)
            graph.node.remove(node)
            return answer
    floats = [one for one in graph.output if one.type.tensor_type.elem_type in _FLOATS]
    if not floats:
        raise UnfitOnnx(
            "The ONNX model gives labels and no probabilities.", where="mlflow", fix="Export it with its probabilities."
        )
    return floats[-1]
