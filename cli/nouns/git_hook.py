"""`millrace git-hook …`: hooks in your clone that tell the server when you commit and push."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal

import typer

from cli.client import ClientError, Status
from cli.home import DEFAULT_HOME, Home
from cli.hooks import Clone, pushed, same_address
from cli.session import HomeOption, TokenOption, UrlOption, open_client, reported

app = typer.Typer(help="Hooks in your clone that tell the server of commits and pushes.", no_args_is_help=True)

# No commit or push waits longer for a server that is away.
_SECONDS = 3.0
_REFS_TOLD = 10


@app.command("install")
def install(
    repo: Annotated[
        str | None, typer.Option("--repo", help="Its name on the server; found by address if absent.")
    ] = None,
    url: UrlOption = None,
    token: TokenOption = None,
    home: HomeOption = None,
) -> None:
    """Put the hooks into the clone you are in. Hooks that are there are kept, and run first."""
    with reported(as_json=False):
        clone = Clone(Path.cwd())
        with open_client(url, token, home) as client:
            found = (
                client.get("repositories", repo) if repo else _find(client.items("repositories", limit=1_000), clone)
            )
            address = client.url
        notes = clone.install()
    place = Home((home or DEFAULT_HOME).absolute())
    known = place.path if place.address() == address else None
    clone.keep(
        repository=found["name"],
        # A server that reads this very clone sees commits; any other place has them after the push.
        reads="clone" if same_address(found["address"], {str(clone.top)}) else "remote",
        # A home may get another address at its next start; a server that was logged in to keeps its own.
        url=url or (None if known else address),
        home=str(known) if known else None,
    )
    for note in notes:
        typer.echo(note, err=True)
    typer.echo(f"Commits and pushes of {clone.top} are told to {found['name']}.")


@app.command("uninstall")
def uninstall() -> None:
    """Take the hooks out of the clone you are in, and put back what was there before."""
    with reported(as_json=False):
        count = Clone(Path.cwd()).uninstall()
    typer.echo("The hooks are out." if count else "There were no hooks of ours.")


@app.command("run", hidden=True)
def run(
    hook: Annotated[Literal["post-commit", "pre-push"], typer.Argument()],
    url: UrlOption = None,
    token: TokenOption = None,
    home: HomeOption = None,
) -> None:
    """What the hooks call: tell the server, or warn; never keep git from going on."""
    signal.signal(signal.SIGALRM, _too_late)
    signal.setitimer(signal.ITIMER_REAL, 2 * _SECONDS)
    try:
        _tell(hook, url, token, home)
    except ClientError as error:
        typer.echo(f"millrace was not told: {error.message} It looks again at the next push.", err=True)
    except Exception as error:  # noqa: BLE001 - a hook that fails would stop the person's push
        typer.echo(f"millrace was not told: {type(error).__name__}: {error}", err=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _tell(hook: str, url: str | None, token: str | None, home: Path | None) -> None:
    lines = sys.stdin.read().splitlines() if hook == "pre-push" else []
    clone = Clone(Path.cwd())
    name, local = clone.setting("repository"), clone.setting("reads") == "clone"
    if name is None or (hook == "post-commit" and not local):
        return  # the remote does not have the commit before it is pushed
    kept = clone.setting("home")
    if kept is not None and Home(home or DEFAULT_HOME).address() is None:
        home = Path(kept)
    moved = pushed(lines)[:_REFS_TOLD]
    with open_client(url or clone.setting("url"), token, home, seconds=_SECONDS) as client:
        if local:
            client.post("repositories", name, "sync", body={})
        for ref in () if local else moved:
            client.post("repositories", name, "sync", body={"branch": ref.branch, "commit": ref.commit})


def _find(repositories: list[dict[str, Any]], clone: Clone) -> dict[str, Any]:
    addresses = clone.addresses()
    found = [one for one in repositories if same_address(one["address"], addresses)]
    if len(found) == 1:
        return found[0]
    what = "knows no repository" if not found else f"knows {len(found)} repositories"
    raise ClientError(
        f"The server {what} with an address of this clone: {', '.join(sorted(addresses))}.",
        fix="Register it with `millrace repos add NAME ADDRESS`, or name it with --repo.",
        status=Status.NOT_FOUND,
    )


def _too_late(_: int, __: FrameType | None) -> None:
    raise ClientError("The server takes too long.")
