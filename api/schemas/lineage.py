"""Lineage across everything, as a graph."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from domain.lineage.graph import Direction, Kind
from domain.lineage.queries import Graph


class LineageNode(BaseModel):
    """Something that stands in the graph: a data version, a run, a decision, a prediction."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(
        description="Its address, such as `runs/{id}`. Edges name it; `of` takes it, but for code and explanations."
    )
    kind: Kind
    name: str = Field(description="Short, for a label: `bikes@3`.")
    title: str
    state: str | None
    at: datetime | None = Field(description="When it came to be what it is.")
    path: str | None = Field(description="Below `/api/v1/`, where it can be read; null where it has no address there.")
    facts: dict[str, Any]
    followed: bool = Field(description="Whether its neighbours were looked for. If not, ask for the lineage of it.")


class LineageEdge(BaseModel):
    """From what was there to what came of it; `relation` is a verb: the source *trained* the target."""

    source: str
    target: str
    relation: str


class LineageGraph(BaseModel):
    """What something came from and what came of it; the first node is what was asked about."""

    of: str
    direction: Direction
    depth: int
    nodes: list[LineageNode]
    edges: list[LineageEdge]
    truncated: bool = Field(description="Whether there is more than was shown, for the number of nodes.")

    @classmethod
    def from_graph(cls, graph: Graph, *, of: str, direction: Direction, depth: int) -> "LineageGraph":
        return cls(
            of=of,
            direction=direction,
            depth=depth,
            nodes=[LineageNode.model_validate({**vars(node), "followed": followed}) for node, followed in graph.nodes],
            edges=[LineageEdge(source=a, target=b, relation=verb) for a, b, verb in graph.edges],
            truncated=graph.truncated,
        )
