"""How a graph is walked: level by level, from one thing to what it came from and to what came of it. Pure."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What stands in the graph."""

    DATASET_VERSION = "dataset_version"
    CODE = "code"
    RUN = "run"
    MODEL_VERSION = "model_version"
    PROMOTION = "promotion"
    ROLLOUT = "rollout"
    ENDPOINT = "endpoint"
    PREDICTION = "prediction"
    EXPLANATION = "explanation"
    BATCH_PREDICTION = "batch_prediction"
    WINDOW = "window"
    ALERT = "alert"
    PIPELINE_RUN = "pipeline_run"


class Direction(StrEnum):
    """`up` is where something comes from, `down` is what came of it."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


class Key(NamedTuple):
    """A thing: its kind and its id within the kind (a commit for code)."""

    kind: Kind
    id: str


class Edge(NamedTuple):
    """`source` came first; what became of it is said by `relation`, a verb: a run `trained` ... by its data."""

    source: Key
    target: Key
    relation: str


# The edges that touch these things on one side, at most so many of each kind.
Look = Callable[[Collection[Key], int], list[Edge]]

# What an endpoint answers with changes: its own past is no part of what it did at some time for somebody else.
_PASSED_BY = frozenset({Kind.ENDPOINT})


@dataclass
class Walk:
    """Things in the order they were met, whether each was followed further, and the edges between them."""

    limit: int
    nodes: dict[Key, bool] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    truncated: bool = False

    def from_(self, start: Key, look: Look, *, depth: int, up: bool) -> None:
        """Go `depth` levels up or down from `start`; what does not fit into the limit is left out, and told."""
        self.nodes.setdefault(start, False)
        frontier = [start]
        seen = {start}
        for _ in range(depth):
            followed = [key for key in frontier if key == start or key.kind not in _PASSED_BY]
            if not followed:
                return
            edges = look(followed, self.limit + 1)
            self.nodes.update(dict.fromkeys(followed, True))
            frontier = []
            for edge in edges:
                found = edge.source if up else edge.target
                if found not in self.nodes and len(self.nodes) >= self.limit:
                    self.truncated = True
                    continue
                self.nodes.setdefault(found, False)
                self.edges[edge] = None
                if found not in seen:
                    seen.add(found)
                    frontier.append(found)
