"""`POST /serve/{endpoint}/predict`: rows as JSON objects in, predictions with ids and probabilities out."""

from functools import partial
from typing import Any

import msgspec
import orjson

from domain.registry.specs import Signature
from serving.errors import BadRows, Problem, problem_json
from serving.protocols.exchange import Answer, Ask, Reply
from serving.protocols.json_body import load_object, require_json


class _Body(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    instances: msgspec.Raw


_decode = msgspec.json.Decoder(_Body).decode


def read(body: bytes, content_type: str, signature: Signature) -> Ask:
    """`{"instances": [{column: value, …}, …]}`. The encoder looks at the rows themselves."""
    require_json(content_type)
    try:
        instances = _decode(body).instances
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return Ask(_rows(body, signature))
    return Ask(partial(_rows, body, signature), raw=instances)


def _rows(body: bytes, signature: Signature) -> list[dict[str, Any]]:
    payload = load_object(body)
    rows = payload.get("instances")
    if not isinstance(rows, list):
        raise BadRows(
            "`instances` must be a list of rows.",
            where="instances",
            fix=f'Send {{"instances": [{{"{signature.inputs[0].name}": …}}]}}.',
        )
    if len(payload) > 1:
        name = next(key for key in payload if key != "instances")
        raise BadRows(f"The body has a field {name!r} that means nothing here.", where=name)
    return rows


def write(answer: Answer) -> Reply:
    body: dict[str, Any] = {"predictions": answer.predictions, "ids": answer.ids, "model_version": answer.version}
    if answer.probabilities is None:
        return Reply(200, orjson.dumps(body), [])
    classes = answer.classes
    body["probabilities"] = [dict(zip(classes, row, strict=True)) for row in answer.probabilities.tolist()]
    # The option makes text keys dearer as well.
    return Reply(200, orjson.dumps(body, option=None if type(classes[0]) is str else orjson.OPT_NON_STR_KEYS), [])


def refuse(problem: Problem, request_id: str) -> Reply:
    return Reply(problem.status, problem_json(problem, request_id), [], b"application/problem+json")
