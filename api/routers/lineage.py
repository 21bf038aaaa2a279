"""Lineage across everything: one graph, from a prediction to its rows, or from rows to what was made of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.deps import Reader, RuntimeDep
from api.routers.predictions import look_up, record_of
from api.schemas.jobs import JobRead
from api.schemas.lineage import LineageGraph
from domain.lineage.graph import Direction, Kind
from domain.lineage.queries import lineage_of
from domain.lineage.subjects import FORMS, parse

router = APIRouter(tags=["lineage"])

_ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": JobRead, "description": "Still looking; ask again."}}


Of = Annotated[
    str,
    Query(
        min_length=1,
        max_length=400,
        description=f"What to ask about: {', '.join(f'`{form}`' for form in FORMS)}.",
        examples=["datasets/bikes/versions/3"],
    ),
]
Depth = Annotated[int, Query(ge=1, le=20, description="How many steps away.")]
Towards = Annotated[Direction, Query(description="`up`: where it came from. `down`: what came of it.")]


@router.get("/lineage", responses=_ACCEPTED)
def get_lineage(
    runtime: RuntimeDep,
    response: Response,
    actor: Reader,
    of: Of,
    *,
    depth: Depth = 6,
    direction: Towards = Direction.BOTH,
) -> LineageGraph | JobRead:
    """What something came from and what came of it, as a graph.

    A prediction is looked up in the recorded segments first: 202 with the job while that takes long.
    """
    kind, given = parse(of)
    if kind == Kind.PREDICTION:
        record = record_of(runtime, look_up(runtime, actor, given["id"]), given["id"], response)
        if isinstance(record, JobRead):
            return record
    with runtime.reading() as session:
        graph = lineage_of(session, of, depth=depth, direction=direction)
    return LineageGraph.from_graph(graph, of=of, direction=direction, depth=depth)
