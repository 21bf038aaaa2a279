"""What happens to rows that people look at. The subject is the model."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class RowNoted(Event):
    """Somebody wrote down what is the matter with a row."""

    model: str
    row: str
    finding: str
    text: str
