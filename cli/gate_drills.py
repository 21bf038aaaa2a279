"""What a gate drill found, as a person reads it: what got through is red."""

from typing import Any

from rich.console import RenderableType
from rich.text import Text

from cli.tables import number, stack, table

_COLOURS = {"caught": "green", "held": "yellow", "got_through": "red"}


def draw_drill(drill: dict[str, Any]) -> RenderableType:
    """One line per mutant, and what limits what the drill shows."""
    result = drill["result"]
    about = f"{drill['model']} version {drill['version']}, policy {drill['policy_version']}: {drill['state']}"
    if result is None:
        return about
    columns = {
        "of": "of",
        "mutant": "mutant",
        "outcome": lambda one: Text(one["outcome"].replace("_", " "), style=_COLOURS.get(one["outcome"], "")),
        "caught by": lambda one: ", ".join(one["caught_by"]),
        "figures": lambda one: ", ".join(f"{name} {number(value)}" for name, value in one["figures"].items()),
        "why": lambda one: one["message"][:160],
    }
    through = drill["got_through"]
    told = Text(f"{through} got through" if through else "Nothing got through", style="red" if through else "green")
    return stack(about, table(result["mutants"], columns), told, *result["notes"])
