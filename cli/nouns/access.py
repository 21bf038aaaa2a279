"""`millrace whoami` and `millrace tokens …`: who may do what."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import typer
from rich.console import RenderableType

from cli.completion import names
from cli.session import Noun, Session
from cli.tables import at, facts, stack, table

noun = Noun("Tokens of people and programs.")
verbs = Noun()

NameArgument = Annotated[str, typer.Argument(help="Name of the token.", autocompletion=names("tokens"))]
Role = Literal["viewer", "developer", "approver", "admin"]


@verbs.command("whoami")
def whoami(session: Session) -> None:
    """Whom the server takes you for."""
    session.show(session.client.get("whoami"), lambda who: facts(who | {"server": session.client.url}))


@noun.command("create")
def create(
    session: Session,
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="What it may do.")],
    owner: Annotated[str | None, typer.Option(help="The name in the audit trail; the token's if absent.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="It is good for so many days; for ever if absent.")] = None,
) -> None:
    """Make a token. Its secret is printed now and never again."""
    body = {"name": name, "role": role} | ({"owner": owner} if owner else {})
    if days:
        body |= {"expires_at": (datetime.now(UTC) + timedelta(days=days)).isoformat()}
    session.show(session.client.post("tokens", body=body), _draw_new)


@noun.command("list")
def list_tokens(session: Session) -> None:
    """All tokens, without their secrets."""
    columns = {
        "name": "name",
        "owner": "owner",
        "role": "role",
        "created": at("created_at"),
        "by": "created_by",
        "expires": at("expires_at"),
        "revoked": at("revoked_at"),
    }
    session.show(session.client.items("tokens", limit=1000), lambda rows: table(rows, columns))


@noun.command("revoke")
def revoke(session: Session, name: NameArgument) -> None:
    """Make a token worthless at once."""
    session.show(session.client.delete("tokens", name), lambda token: facts({"revoked": token["name"]}))


def _draw_new(token: dict[str, Any]) -> RenderableType:
    return stack(facts({"name": token["name"], "owner": token["owner"], "role": token["role"]}), token["token"])
