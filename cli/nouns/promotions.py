"""`millrace promote` and `millrace promotions …`: ask for a promotion, follow the decision, approve or override it."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from cli.client import ClientError, Status
from cli.completion import MODELS, names
from cli.evidence import NoPack, verify
from cli.nouns.jobs import follow
from cli.session import Noun, Session, WaitOption
from cli.tables import at, facts, stack, table, when

noun = Noun("Promotions and their decisions.")
verbs = Noun()

GATES = {"gate": "gate", "verdict": "verdict", "finding": "message"}
REFUSED = {"failed", "inconclusive", "rejected", "superseded"}
IdArgument = Annotated[str, typer.Argument(help="Id of the promotion.", autocompletion=names("promotions", key="id"))]


@verbs.command("promote")
def promote(
    session: Session,
    model: Annotated[str, typer.Argument(help="Name of the model.", autocompletion=MODELS)],
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
        "overridden": _overridden,
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


@noun.command("override")
def override(
    session: Session,
    promotion_id: IdArgument,
    reason: Annotated[str, typer.Option("-m", "--message", help="Why; it is kept, and shown for ever.")],
) -> None:
    """In an emergency, as an admin: let a promotion through that failed or was inconclusive."""
    session.show(session.client.post("promotions", promotion_id, "override", body={"reason": reason}), draw_promotion)


@noun.command("replay")
def replay(session: Session, promotion_id: IdArgument) -> None:
    """Compute the decision again from what was kept of it, and say what is different; exit 1 unless it is the same."""
    job = session.client.post("promotions", promotion_id, "replay")
    session.wait(job["id"])
    newest = session.client.get("promotions", promotion_id, "replays")[0]
    session.show(newest, _draw_replay)
    if not newest["same"]:
        raise typer.Exit(Status.REFUSED)


@noun.command("export")
def export(
    session: Session,
    promotion_id: IdArgument,
    out: Annotated[Path | None, typer.Option(help="The file to write; absent, evidence-ID.zip here.")] = None,
) -> None:
    """Write the signed evidence pack of a promotion: JSON, a page with plots, signatures."""
    path = out or Path(f"evidence-{promotion_id}.zip")
    path.write_bytes(b"".join(session.client.download("promotions", promotion_id, "evidence-pack")))
    session.show({"written": str(path)}, facts)


@noun.command("key")
def show_key(session: Session) -> None:
    """The public key, in PEM, that this server signs evidence packs with: keep it where you verify them."""
    session.show(session.client.get("evidence-key"), lambda found: found["public_key"].strip())


@noun.command("verify")
def verify_pack(
    session: Session,
    pack: Annotated[Path, typer.Argument(help="An evidence pack.")],
    key: Annotated[Path | None, typer.Option(help="The key you trust, from `promotions key`.")] = None,
) -> None:
    """Say whether an evidence pack is as it was signed. Asks no server; exit 1 when something was changed."""
    try:
        found = verify(pack, key.read_text() if key else None)
    except (NoPack, OSError, ValueError) as error:
        raise ClientError(str(error), where=str(pack), status=Status.USAGE) from error
    session.show(found, lambda found: facts(found | {"problems": " ".join(found["problems"]) or "none"}))
    if found["problems"]:
        raise typer.Exit(Status.REFUSED)


@noun.command("alpha-budget")
def alpha_budget(
    session: Session, model: Annotated[str, typer.Argument(help="Name of the model.", autocompletion=MODELS)]
) -> None:
    """What the comparisons of a model have spent of their alpha, holdout by holdout."""
    session.show(session.client.get("models", model, "alpha-budget"), _draw_budget)


def _draw_budget(budget: dict[str, Any]) -> RenderableType:
    columns: dict[str, object] = {
        "holdout": "id",
        "comparisons": lambda holdout: len(holdout["comparisons"]),
        "spent": lambda holdout: sum(one["share"] for one in holdout["comparisons"]),
        "next": lambda holdout: holdout["next"]["message"],
    }
    rule = budget["rule"] or {}
    return stack(
        facts({"model": budget["model"], "rule": rule.get("rule", "no champion gate"), "alpha": budget["alpha"]}),
        table(budget["holdouts"], columns, empty="Nothing has been compared yet."),
    )


def _draw_replay(replay: dict[str, Any]) -> RenderableType:
    told = {True: "the same decision", False: "ANOTHER decision", None: "could not be computed"}[replay["same"]]
    columns: dict[str, object] = {"what": "what", "recorded": "recorded", "replayed": "replayed"}
    return stack(
        facts(
            {
                "replay": told,
                "verdict": replay["verdict"],
                "missing": " ".join(replay["missing"]),
                "as recorded": ", ".join(replay["as_recorded"]),
                "when": f"{when(replay['replayed_at'])} by {replay['replayed_by']}",
            }
        ),
        table(replay["differences"], columns, empty="Every figure is the same."),
    )


def _overridden(promotion: dict[str, Any]) -> Text:
    by = promotion.get("overridden_by")
    return Text(f"OVERRIDDEN by {by}", style="bold red") if promotion.get("overridden") else Text("")


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
                "OVERRIDDEN": Text(f"by {promotion['overridden_by']}: {promotion['override_reason']}", style="bold red")
                if promotion.get("overridden")
                else None,
                "because": promotion["reason"],
                "alpha": ((promotion["evidence"] or {}).get("alpha") or {}).get("message"),
                "missing": missing,
                "asked": f"{when(promotion['requested_at'])} by {promotion['requested_by']}",
                "approved by": promotion["approver"],
                "job": promotion["job_id"],
            }
        ),
        table(decision["gates"], GATES, empty="No gate has spoken yet."),
    )
