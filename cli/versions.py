"""How a dataset version looks to a person."""

from typing import Any

from rich.console import RenderableType

from cli.tables import at, facts, number, size, stack, table

LEAKAGE = "Steps learned on these very rows: do not judge a model here that should not know them (fit_on: NAME@n)."


def tell_sent(sent: int, size_in_all: int) -> str:
    return f"Sent {size(sent)} of {size(size_in_all)}; the server had the rest."


def draw_version(version: dict[str, Any]) -> RenderableType:
    columns = {
        "column": "name",
        "type": "type",
        "nulls": "nulls",
        "distinct": "distinct",
        "min": "minimum",
        "median": lambda row: number((row.get("quantiles") or {}).get("0.5")),
        "max": "maximum",
        "mean": "mean",
    }
    profile = version.get("profile")
    source = version.get("source") or {}
    learned = source.get("fitted") or []
    return stack(
        facts(
            {
                "version": f"{version['dataset']}@{version['number']}",
                "state": version["state"],
                "because": version["reasons"],
                "digest": version["digest"],
                "size": size(version["size"]),
                "files": version["files"],
                "rows": version.get("rows"),
                "message": version["message"],
                "made from": _origin(source),
                "learned": [f"{step['place']} {step['step']} on {', '.join(step['learned_on'])}" for step in learned],
                "warning": LEAKAGE if source.get("leakage") else None,
                "created": f"{at('created_at')(version)} by {version['created_by']}",
            }
        ),
        table(profile["columns"], columns) if profile else None,
    )


def _origin(source: dict[str, Any]) -> list[str] | str | None:
    """The versions, or the endpoint, that the rows are from; nothing for an upload."""
    joined = [step["version"] for step in source.get("steps", []) if step["step"] == "join"]
    return [*source.get("concat", []), *joined] or source.get("version") or source.get("endpoint")
