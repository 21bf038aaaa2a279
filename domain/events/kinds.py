"""Every type of event there is, and what it means: read from the classes themselves."""

from typing import NamedTuple

from domain.events.spec import Event


class EventKind(NamedTuple):
    """`noun` is the folder of `domain` it is declared in; `fields` are those of its payload."""

    type: str
    noun: str
    meaning: str
    fields: list[str]


def event_kinds() -> list[EventKind]:
    """By noun and name. Those that the running process has imported, which is all that it can emit."""
    kinds = [
        EventKind(
            one.__name__,
            one.__module__.split(".")[1],
            (one.__doc__ or "").strip().splitlines()[0],
            [name for name in one.__dataclass_fields__ if name != "subject"],
        )
        for one in _descendants(Event)
        if one.__module__.startswith("domain.")
    ]
    return sorted(kinds, key=lambda kind: (kind.noun, kind.type))


def _descendants(base: type[Event]) -> list[type[Event]]:
    return [one for child in base.__subclasses__() for one in (child, *_descendants(child))]
