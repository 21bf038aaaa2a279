"""`millrace predictions`, `lineage` and `explain`: the newest answers, where one comes from, and why it is as it is."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.tree import Tree

from cli.completion import ENDPOINTS
from cli.session import Noun, Session
from cli.tables import at, facts, sentence, stack, table, when

verbs = Noun()
COLUMNS = {
    "id": "id",
    "at": at("at"),
    "version": "version",
    "mode": "mode",
    "prediction": "prediction",
    "truth": "ground_truth",
    "ms": lambda one: f"{one['latency_us'] / 1000:.2f}",
}


@verbs.command("predictions")
def predictions(
    session: Session,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.", autocompletion=ENDPOINTS)],
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
) -> None:
    """The newest recorded answers of an endpoint. Those of the last second or so are not written yet."""
    session.show(session.ask("endpoints", endpoint, "predictions", limit=limit), draw_recent)


@verbs.command("lineage")
def lineage(
    session: Session, prediction_id: Annotated[str, typer.Argument(help="Id that came with the prediction.")]
) -> None:
    """Which model, run, data, code and decision a prediction comes from."""
    session.show(session.ask("predictions", prediction_id, "lineage"), draw_chain)


@verbs.command("prediction")
def prediction(
    session: Session, prediction_id: Annotated[str, typer.Argument(help="Id that came with the prediction.")]
) -> None:
    """One prediction: its inputs, the answer, which version gave it, and the truth if it is known."""
    session.show(session.ask("predictions", prediction_id), facts)


@verbs.command("explain")
def explain(
    session: Session, prediction_id: Annotated[str, typer.Argument(help="Id that came with the prediction.")]
) -> None:
    """What each input of a prediction contributed to it."""
    job = session.client.post("predictions", prediction_id, "explanation")
    session.wait(job["id"])
    session.show(session.client.get("predictions", prediction_id, "explanation"), draw_explanation)


def draw_recent(found: dict[str, Any]) -> RenderableType:
    about = {"as of": when(found["as_of"]), "note": found["reason"]}
    return stack(facts(about), table(found["predictions"], COLUMNS, empty=""))


def draw_explanation(found: dict[str, Any]) -> RenderableType:
    """The largest contributions first."""
    columns = {
        "input": "feature",
        "value": "value",
        "contribution": lambda one: f"{one['contribution']:+.4g}",
        "± standard error": lambda one: "" if one["standard_error"] is None else f"{one['standard_error']:.2g}",
    }
    about = {
        "version": f"{found['model']}@{found['version']}",
        "explains": found["explains"],
        "prediction": f"{found['prediction']:.6g}",
        "base value": f"{found['base_value']:.6g}",
        "method": found["method"].replace("_", ", "),
    }
    return stack(facts(about), table(found["contributions"], columns))


def draw_chain(chain: dict[str, Any]) -> RenderableType:
    """Each link hangs below the one that rests on it."""
    first, *rest = chain["links"]
    root = branch = _link(first)
    for link in rest:
        below = _link(link)
        branch.children.append(below)
        branch = below
    return root


def _link(link: dict[str, Any]) -> Tree:
    return Tree(stack(sentence(f"{link['noun']}: {link['headline']}"), facts(link["facts"])))
