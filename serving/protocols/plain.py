"""`POST /serve/{endpoint}/predict`: rows as JSON objects in, predictions with ids and probabilities out."""

import orjson

from domain.registry.specs import Signature
from serving.errors import BadRows, Problem, problem_json
from serving.protocols.exchange import Answer, Ask, Reply
from serving.protocols.json_body import load_object, require_json


def read(body: bytes, content_type: str, signature: Signature) -> Ask:
    """`{"instances": [{column: value, …}, …]}`. The encoder looks at the rows themselves."""
    require_json(content_type)
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
    return Ask(rows)


def write(answer: Answer) -> Reply:
    body = {"predictions": answer.predictions, "ids": answer.ids, "model_version": answer.version}
    if answer.probabilities is not None:
        body["probabilities"] = [dict(zip(answer.classes, row, strict=True)) for row in answer.probabilities.tolist()]
    return Reply(200, orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), [])


def refuse(problem: Problem, request_id: str) -> Reply:
    return Reply(problem.status, problem_json(problem, request_id), [], b"application/problem+json")
