"""`millrace promote` and `millrace promotions …`: ask for a promotion, follow the decision, approve it."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import Status
from cli.nouns.jobs import follow
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, stack, table, when

noun = Noun("Promotions and their decisions.")
verbs = Noun()

GATES = {"gate": "gate", "verdict": "verdict", "finding": "message"}
REFUSED = {"failed", "inconclusive", "rejected"}
IdArgument = Annotated[str, typer.Argument(help="Id of the promotion.")]


@verbs.command("promote")
def promote(
    session: Session,
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    version: Annotated[int, typer.Argument(help="Number of the version.")],
    wait: WaitOption = False,
) -> None:
    """Ask for a version to become champion; the policy's gates decide. Endpoints of the model follow."""
    job = session.client.post("models", model, "versions", version, "promotions")
    promotion = follow(session, job, wait=wait, view=draw_promotion)
    if wait and promotion["state"] in REFUSED:
        raise typer.Exit(Status.REFUSED)


@noun.command("list")
def list_promotions(
    session: Session,
    model: Annotated[str | None, typer.Option(help="Only those of this model.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """Promotions, the newest first."""
    columns = {
        "id": "id",
        "model": "model",
        "version": "version",
        "state": "state",
        "reason": "reason",
        "asked": at("requested_at"),
        "by": "requested_by",
    }
    rows = session.client.items("promotions", limit=limit, model=model)
    session.show(rows, lambda rows: table(rows, columns))


@noun.command("show")
def show(session: Session, promotion_id: IdArgument) -> None:
    """One promotion: every gate with its numbers, and the decision."""
    session.show(session.client.get("promotions", promotion_id), draw_promotion)


@noun.command("approve")
def approve(session: Session, promotion_id: IdArgument) -> None:
    """Let a promotion that waits for approval go on; not for who asked for it."""
    session.show(session.client.post("promotions", promotion_id, "approve"), draw_promotion)


@noun.command("reject")
def reject(
    session: Session,
    promotion_id: IdArgument,
    reason: Annotated[str, typer.Option("-m", "--message", help="Why; it is kept.")],
) -> None:
    """End a promotion that waits for approval."""
    session.show(session.client.post("promotions", promotion_id, "reject", body={"reason": reason}), draw_promotion)


def draw_promotion(promotion: dict[str, Any]) -> RenderableType:
    decision = promotion["decision"] or {"gates": []}
    missing = (promotion["evidence"] or {}).get("missing")
    return stack(
        facts(
            {
                "promotion": promotion["id"],
                "model": f"{promotion['model']} version {promotion['version']}",
                "champion": promotion["champion_version"],
                "state": promotion["state"],
                "because": promotion["reason"],
                "missing": missing,
                "asked": f"{when(promotion['requested_at'])} by {promotion['requested_by']}",
                "approved by": promotion["approver"],
                "job": promotion["job_id"],
            }
        ),
        table(decision["gates"], GATES, empty="No gate has spoken yet."),
    )
