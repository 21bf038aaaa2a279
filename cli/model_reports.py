"""Suites and check reports of models as a person sees them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from cli.tables import facts, stack, table, when


def draw_suite(suite: dict[str, Any]) -> RenderableType:
    """The document as it was given, below what it is."""
    made = f"{when(suite['created_at'])} by {suite['created_by']}"
    about = {"suite": suite["name"], "version": suite["number"], "digest": suite["digest"], "set": made}
    return stack(facts(about), Text(suite["document"].rstrip()))


def draw_report(report: dict[str, Any], *, examples: bool) -> RenderableType:
    """The policy's own results, those of each suite, and the pins; with `examples` the failing rows below them."""
    parts: list[RenderableType] = [
        facts(
            {
                "verdict": report["verdict"],
                "policy": report["policy_version"],
                "only suite": report["suite"],
                "rows of": report["dataset"],
                "metrics": report["metrics"],
            }
        )
    ]
    groups: list[tuple[str, Sequence[dict[str, Any]]]] = [("policy", report["results"])]
    groups += [(f"suite {one['suite']} {one['version']}: {one['verdict']}", one["results"]) for one in report["suites"]]
    groups += [("pins", [report["pins"]])] if report["pins"] else []
    for title, results in groups:
        parts += [Text(f"\n{title}", style="bold"), table(results, _COLUMNS, empty="No checks.")]
        parts += [_examples(one) for one in results if examples and one["examples"]]
    return stack(*parts)


def _verdict(result: Mapping[str, Any]) -> str:
    """What it came to; what shows nothing says so instead."""
    return "vacuous" if result["vacuous"] else str(result["verdict"])


_COLUMNS: Mapping[str, object] = {
    "check": "name",
    "verdict": _verdict,
    "value": "value",
    "threshold": "threshold",
    "finding": "message",
    "again": lambda result: "found earlier" if result["cached"] else "",
}


def _examples(result: Mapping[str, Any]) -> RenderableType:
    lines = [json.dumps(example, ensure_ascii=False, sort_keys=True) for example in result["examples"]]
    return Text("\n".join([f"{result['name']}:", *(f"  {line}" for line in lines)]))
