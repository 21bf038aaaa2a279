"""`millrace gc …`, and what of `millrace data …` is about keeping and letting go: delete, pin, unpin, needs."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import ClientError, Status
from cli.completion import DATASET_VERSIONS, names
from cli.nouns.jobs import follow
from cli.nouns.transfers import noun as data
from cli.nouns.transfers import version_of
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, sentence, size, stack, table, when
from cli.versions import draw_version

noun = Noun("Collections: what nothing needs any more leaves the store.")

PlanArgument = Annotated[str, typer.Argument(help="Id of the plan.", autocompletion=names("gc", "plans", key="id"))]
VersionArgument = Annotated[str, typer.Argument(help="One version, as NAME@n.", autocompletion=DATASET_VERSIONS)]
WHAT_IS_SHOWN = 20


@data.command("delete")
def delete(
    session: Session,
    ref: VersionArgument,
    reason: Annotated[str, typer.Option("-m", "--reason", help="Why it goes; kept in the audit trail.")] = "",
) -> None:
    """Delete a version that nothing needs. Its bytes go with the next collection."""
    session.show(session.client.delete(*_version(session, ref), reason=reason or None), draw_version)


@data.command("needs")
def needs(session: Session, ref: VersionArgument) -> None:
    """What needs a version, and so keeps it from being deleted."""
    columns = {"kind": "noun", "which": "what", "why": "why"}
    found = session.client.get(*_version(session, ref), "needs")["items"]
    session.show(found, lambda rows: table(rows, columns, empty="Nothing needs it."))


@data.command("pin")
def pin(
    session: Session,
    ref: VersionArgument,
    reason: Annotated[str, typer.Option("-m", "--reason", help="Why it has to stay.")],
) -> None:
    """Keep a version, whatever else needs it or not."""
    pinned = session.client.put(*_version(session, ref), "pin", body={"reason": reason})
    session.show(pinned, lambda one: facts({"pinned": when(one["pinned_at"]), "because": one["reason"]}))


@data.command("unpin")
def unpin(session: Session, ref: VersionArgument) -> None:
    """Take the pin away."""
    session.client.delete(*_version(session, ref), "pin")
    session.show({"version": ref, "pinned": False}, lambda _: sentence(f"{ref} is not pinned."))


@noun.command("plan")
def plan(session: Session) -> None:
    """List what nothing needs, and why."""
    job = session.client.post("gc", "plans")
    made = follow(session, job, wait=True, view=lambda one: _draw_plan(session, one))
    if made["contents"] or made["orphans"] or made["packs"]:
        session.note(f"Execute it from {when(made['executable_at'])} on: millrace gc run {made['id']}")


@noun.command("show")
def show(session: Session, plan_id: PlanArgument) -> None:
    """A plan: what would go, what keeps the rest, and what came of it."""
    session.show(session.client.get("gc", "plans", plan_id), lambda one: _draw_plan(session, one))


@noun.command("run")
def run(session: Session, plan_id: PlanArgument, wait: WaitOption = False) -> None:
    """Execute a plan whose grace period is over."""
    job = session.client.post("gc", "plans", plan_id, "execute")
    follow(session, job, wait=wait, view=lambda one: _draw_plan(session, one))


@noun.command("cancel")
def cancel(session: Session, plan_id: PlanArgument) -> None:
    """Give up a plan that is not being executed."""
    session.show(session.client.post("gc", "plans", plan_id, "cancel"), lambda one: _draw_plan(session, one))


@noun.command("list")
def list_plans(session: Session, limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20) -> None:
    """Plans, the newest first."""
    columns = {
        "id": "id",
        "state": "state",
        "contents": "contents",
        "frees": lambda row: size(row["freed_bytes"]),
        "freed": lambda row: size(row["receipt"] and row["receipt"]["freed_bytes"]),
        "made": at("created_at"),
        "executable": at("executable_at"),
    }
    session.show(session.client.items("gc", "plans", limit=limit), lambda rows: table(rows, columns))


def _version(session: Session, ref: str) -> tuple[str | int, ...]:
    """The path of `NAME@n`; to delete or to pin, the number has to be said."""
    if "@" not in ref:
        fix = f"Write {ref}@1; `millrace data log {ref}` shows the numbers."
        raise ClientError(f"{ref!r} does not say which version.", fix=fix, status=Status.USAGE)
    name, number = version_of(session, ref)
    return "datasets", name, "versions", number


def _draw_plan(session: Session, plan: dict[str, Any]) -> RenderableType:
    receipt = plan["receipt"]
    contents = session.client.items("gc", "plans", plan["id"], "contents", limit=WHAT_IS_SHOWN)
    waits = datetime.fromisoformat(plan["executable_at"]) > datetime.now(UTC)
    more = plan["contents"] - len(contents)
    return stack(
        facts(
            {
                "plan": plan["id"],
                "state": plan["state"],
                "because": plan["reason"],
                "made": f"{when(plan['created_at'])} by {plan['created_by']}",
                "executable": when(plan["executable_at"]) if waits else "now" if plan["state"] == "ready" else None,
                "contents": f"{plan['contents']:,} ({size(plan['content_bytes'])})",
                "chunks": f"{plan['chunks']:,} in {plan['packs']:,} packs",
                "packs without rows": plan["orphans"] or None,
                "would free": size(plan["freed_bytes"]),
                "executed": plan["executed_at"] and f"{when(plan['executed_at'])} by {plan['executed_by']}",
            }
        ),
        _draw_receipt(receipt) if receipt else None,
        sentence("\nNothing of these needs what would go:"),
        table(
            plan["roots"],
            {"kind": "kind", "looked at": "looked_at", "keep": "keeps", "size": lambda row: size(row["bytes"])},
            empty="Not looked at yet.",
        ),
        table(
            contents,
            {
                "digest": "digest",
                "size": lambda row: size(row["size"]),
                "from": "origin",
                "last needed": at("last_needed_at"),
                "outcome": "outcome",
                "because": "reason",
            },
            empty="Nothing would go.",
        ),
        sentence(f"… and {more:,} more.") if more > 0 else None,
    )


def _draw_receipt(receipt: dict[str, Any]) -> RenderableType:
    contents = f"{receipt['contents']:,} contents ({size(receipt['content_bytes'])})"
    return facts(
        {
            "deleted": f"{contents}, {receipt['chunks']:,} chunks",
            "skipped": receipt["skipped"] or None,
            "packs deleted": receipt["packs"] + receipt["orphans"],
            "packs rewritten": receipt["compacted"] or None,
            "freed": size(receipt["freed_bytes"]),
            "to be freed": size(receipt["later_bytes"]) if receipt["later_bytes"] else None,
        }
    )
