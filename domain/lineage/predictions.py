"""Where a recorded prediction stands in the graph: predictions are no rows here, but a job has looked this one up."""

from datetime import datetime
from typing import Any

from domain.db import AnySession
from domain.deployments.jobs import LookUpPrediction
from domain.deployments.lineage import rollout_at
from domain.deployments.queries import get_endpoint
from domain.errors import NotFound
from domain.explanations.queries import newest, subject_of
from domain.jobs.models import Job
from domain.jobs.queries import latest_succeeded
from domain.lineage.graph import Edge, Key, Kind
from domain.lineage.nodes import Node
from domain.registry.queries import find_version


class NotLookedUp(NotFound):
    """No job has found this prediction (yet)."""

    code = "unknown_prediction"


def around(session: AnySession, prediction_id: str) -> tuple[list[Edge], list[Edge], dict[Key, Node]]:
    """The edges to what answered, those to what explains it, and the nodes that only this prediction has.

    Raises `NotLookedUp` unless `LookUpPrediction` has found it, and NotFound kinds for names that are gone.
    """
    job = latest_succeeded(session, kind=LookUpPrediction.kind(), subject=f"predictions/{prediction_id}")
    if job is None or job.result is None:
        raise NotLookedUp(f"The prediction {prediction_id!r} has not been looked up.", where="of")
    found: dict[str, Any] = job.result
    mine = Key(Kind.PREDICTION, prediction_id)
    endpoint = get_endpoint(session, found["endpoint"])
    version = find_version(session, endpoint.model_id, found["version"])
    at = datetime.fromisoformat(found["at"])
    rollout = rollout_at(session, endpoint.id, version.id, at)
    up = [
        Edge(Key(Kind.ENDPOINT, endpoint.id), mine, "answered"),
        Edge(Key(Kind.MODEL_VERSION, version.id), mine, "answered"),
    ]
    if rollout is not None:
        up.append(Edge(Key(Kind.ROLLOUT, rollout.id), mine, "put in place"))
    nodes = {mine: _prediction(prediction_id, at, found)}
    explaining = newest(session, prediction_id)
    if explaining is None:
        return up, [], nodes
    explanation = Key(Kind.EXPLANATION, prediction_id)
    nodes[explanation] = _explanation(prediction_id, explaining)
    return up, [Edge(mine, explanation, "was explained")], nodes


def _prediction(prediction_id: str, at: datetime, found: dict[str, Any]) -> Node:
    facts = {name: found.get(name) for name in ("prediction", "inputs", "mode", "latency_us", "endpoint", "version")}
    path = f"predictions/{prediction_id}"
    return Node(path, Kind.PREDICTION, prediction_id[-8:], f"answered {found['prediction']}", None, at, path, facts)


def _explanation(prediction_id: str, job: Job) -> Node:
    path = subject_of(prediction_id)
    facts = {"method": job.result.get("method")} if job.result else {}
    return Node(path, Kind.EXPLANATION, prediction_id[-8:], "explanation", job.state, job.created_at, path, facts)
