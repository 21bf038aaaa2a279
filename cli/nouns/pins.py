"""`millrace models eyeball` and `millrace pins …`: look at answers, and make a mistake a test of the model."""

import json
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.nouns.jobs import follow
from cli.nouns.registry import NameArgument, NumberArgument
from cli.nouns.registry import noun as models
from cli.session import Noun, Session
from cli.tables import at, facts, sentence, stack, table

noun = Noun("Mistakes that became tests.")

PinArgument = Annotated[str, typer.Argument(help="Id of the pin.")]


@models.command("eyeball")
def eyeball(  # noqa: PLR0917  # options of a command
    session: Session,
    name: NameArgument,
    version: NumberArgument,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", help="confident_mistakes, borderline, disagreements, incorrect, correct, random."),
    ] = None,
    where: Annotated[str | None, typer.Option(help="Only this slice, as SQL: \"sex = 'Female'\".")] = None,
    against: Annotated[str, typer.Option(help="The version beside it: a number, or champion.")] = "champion",
    dataset: Annotated[str | None, typer.Option(help="NAME[@n] instead of the frozen test rows.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Rows of each kind.")] = 10,
) -> None:
    """Look at a version's answers to real rows: the surest mistakes, the borderline, the disagreements."""
    beside: str | int = int(against) if against.isdecimal() else against
    body = {"kinds": kinds or None, "where": where, "dataset": dataset, "limit": limit, "against": beside}
    job = session.client.post("models", name, "versions", version, "eyeballs", body=body)
    follow(session, job, wait=True, view=_draw_eyeball)


@models.command("note")
def note(
    session: Session,
    name: NameArgument,
    row: Annotated[str, typer.Argument(help="The row's name, as `eyeball` shows it.")],
    finding: Annotated[str, typer.Argument(help="model_wrong, label_wrong, ambiguous or fine.")],
    text: Annotated[str, typer.Option("-m", "--message", help="In words.")] = "",
) -> None:
    """Say what is the matter with a row; the next who looks at it sees it."""
    body = {"finding": finding, "text": text}
    answer = session.client.put("models", name, "rows", row, "note", body=body)
    session.show(answer, facts)


@noun.command("add")
def add(  # noqa: PLR0917  # options of a command
    session: Session,
    name: NameArgument,
    version: NumberArgument,
    instance: Annotated[str, typer.Argument(help="The row as JSON: '{\"age\": 30, …}'.")],
    expect: Annotated[str, typer.Argument(help="The answer it must get: a label or a number, as JSON or a word.")],
    within: Annotated[float | None, typer.Option(help="How close a number must be.")] = None,
    message: Annotated[str, typer.Option("-m", "--message", help="Why this matters.")] = "",
) -> None:
    """Pin a row: every later version must answer it so."""
    body = {"instance": _json(instance, "INSTANCE"), "expect": _label(expect), "within": within, "note": message}
    session.show(session.client.post("models", name, "versions", version, "pins", body=body), _draw_pin)


@noun.command("list")
def list_pins(
    session: Session,
    name: NameArgument,
    everything: Annotated[bool, typer.Option("--all", help="Also those taken back.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
) -> None:
    """The pinned rows of a model, the newest first."""
    rows = session.client.items("models", name, "pins", limit=limit, standing=str(not everything).lower())
    columns = {
        "id": "id",
        "row": lambda pin: json.dumps(pin["instance"], ensure_ascii=False),
        "must be": "expect",
        "was": "answered",
        "note": "note",
        "pinned": at("created_at"),
        "taken back": lambda pin: pin["reason"] if pin["unpinned_at"] else "",
    }
    session.show(rows, lambda rows: table(rows, columns, empty="Nothing is pinned."))


@noun.command("remove")
def remove(
    session: Session,
    pin: PinArgument,
    reason: Annotated[str, typer.Option("-m", "--message", help="Why; it is kept.")],
) -> None:
    """Take a pin back."""
    session.show(session.client.post("pins", pin, "unpin", body={"reason": reason}), _draw_pin)


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint=name) from error


def _label(text: str) -> Any:
    """A word as it is; a number, true or false as JSON has it."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _draw_pin(pin: dict[str, Any]) -> RenderableType:
    taken = f"by {pin['unpinned_by']}: {pin['reason']}" if pin["unpinned_at"] else None
    return facts(
        {
            "pin": pin["id"],
            "model": pin["model"],
            "row": json.dumps(pin["instance"], ensure_ascii=False),
            "must be": pin["expect"],
            "within": pin["within"],
            "was": pin["answered"],
            "note": pin["note"],
            "taken back": taken,
        }
    )


def _draw_eyeball(eyeball: dict[str, Any]) -> RenderableType:
    columns = {
        "row": "row",
        "truth": "truth",
        "answer": "answer",
        "sure": lambda row: f"{row['confidence']:.0%}" if row["confidence"] is not None else "",
        "off by": lambda row: f"{row['error']:.4g}" if row["error"] is not None else "",
        f"version {eyeball['against_version']}": "other",
        "note": lambda row: row["note"]["finding"] if row["note"] else "",
        "pinned": lambda row: "yes" if row["pin_id"] else "",
        "inputs": lambda row: json.dumps(row["instance"], ensure_ascii=False),
    }
    if eyeball["against_version"] is None:
        columns = {name: value for name, value in columns.items() if value != "other"}
    shown = [
        part
        for kind, rows in (eyeball["kinds"] or {}).items()
        for part in (sentence(kind.replace("_", " ")), table(rows, columns, empty="None."))
    ]
    head = {
        "eyeball": eyeball["id"],
        "model": f"{eyeball['model']} version {eyeball['version']}",
        "rows": eyeball["rows"],
        "mistakes": eyeball["mistakes"],
        "disagreements": eyeball["disagreements"],
        "notes": " ".join(eyeball["notes"]),
    }
    return stack(facts(head), *shown)
