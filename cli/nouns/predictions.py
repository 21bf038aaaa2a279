"""`millrace lineage`: where one prediction comes from."""

from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.tree import Tree

from cli.session import Noun, Session
from cli.tables import facts, sentence, stack

verbs = Noun()


@verbs.command("lineage")
def lineage(
    session: Session, prediction_id: Annotated[str, typer.Argument(help="Id that came with the prediction.")]
) -> None:
    """Which model, run, data, code and decision a prediction comes from."""
    session.show(session.ask("predictions", prediction_id, "lineage"), draw_chain)


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
