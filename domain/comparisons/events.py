"""What comparisons come to. The subject is `comparisons/{id}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class VersionsCompared(Event):
    """`problems` counts the cells without a value."""

    model: str
    comparison_id: str
    cells: int
    problems: int
