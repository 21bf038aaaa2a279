"""`lineage_of`: the graph around one thing, for the page that shows it."""

from collections.abc import Collection
from dataclasses import dataclass

from domain.db import AnySession
from domain.lineage import links, predictions, subjects
from domain.lineage.graph import Direction, Edge, Key, Kind, Walk
from domain.lineage.nodes import Node, describe

MOST_NODES = 300


@dataclass(frozen=True)
class Graph:
    """`nodes` with whether their neighbours were looked for, in the order they were met; the first was asked about."""

    nodes: list[tuple[Node, bool]]
    edges: list[tuple[str, str, str]]
    truncated: bool


def lineage_of(session: AnySession, of: str, *, depth: int, direction: Direction, limit: int = MOST_NODES) -> Graph:
    """What `of` came from (up), what came of it (down), or both, `depth` steps far.

    A prediction must have been looked up before. Raises `UnknownSubject`, or the NotFound of the noun.
    """
    start = subjects.find(session, of)
    walk = Walk(limit)
    own: dict[Key, Node] = {}
    first: dict[bool, list[Edge]] = {True: [], False: []}
    if start.kind == Kind.PREDICTION:
        first[True], first[False], own = predictions.around(session, start.id)
    for up in (True, False):
        if direction in {Direction.BOTH, Direction.UP if up else Direction.DOWN}:

            def look(keys: Collection[Key], most: int, up: bool = up) -> list[Edge]:
                return (first[up] if start in keys else []) + links.edges(session, keys, most, up=up)

            walk.from_(start, look, depth=depth, up=up)
    described = own | describe(session, walk.nodes)
    return Graph(
        nodes=[(described[key], followed) for key, followed in walk.nodes.items() if key in described],
        edges=[
            (described[edge.source].id, described[edge.target].id, edge.relation)
            for edge in walk.edges
            if edge.source in described and edge.target in described
        ],
        truncated=walk.truncated,
    )
