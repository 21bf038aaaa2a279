"""`millrace`: the command line. Commands that talk to a server, and commands that run one."""

from gc import freeze
from importlib.metadata import version
from typing import Annotated

import typer

from cli.demo.command import demo
from cli.examples import dress
from cli.nouns import (
    access,
    batch_predictions,
    browse,
    data_checks,
    dataset_records,  # noqa: F401  # its commands belong to `data`
    datasets,
    deployments,
    doctor,
    env,
    events,
    gc,
    git_hook,
    health,
    jobs,
    logins,
    model_records,  # noqa: F401  # its commands belong to `models`
    monitoring,
    pins,
    pipelines,
    predictions,
    promotions,
    recipes,
    registry,
    repositories,
    rollouts,
    sweeps,
    training,
    verifications,  # noqa: F401  # its command belongs to `data`
    webhooks,
)
from cli.program import Program, read_settings
from cli.run import run

EPILOG = (
    "Exit status: 0 done · 1 refused, or a job that was waited for failed · 2 wrong usage or an unreadable file · "
    "3 no server answers · 4 no such thing · 5 no token, or one without the needed role · 130 interrupted."
)

app = typer.Typer(
    cls=Program,
    help="Version data, train, check, promote, serve, watch, retrain.",
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,
)
datasets.noun.app.add_typer(recipes.noun.app, name="recipe")
app.add_typer(run)
app.add_typer(demo)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"millrace {version('millrace')}")
        raise typer.Exit


@app.callback()
def begin(
    *,
    _: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    # Before any option looks for its variable.
    read_settings()


app.add_typer(logins.verbs)
app.add_typer(doctor.verbs)
for verbs in (
    health,
    access,
    browse,
    training,
    promotions,
    deployments,
    batch_predictions,
    predictions,
    monitoring,
    events,
    env,
):
    app.add_typer(verbs.verbs.app)
for name, noun in {
    "data": datasets,
    "gc": gc,
    "checks": data_checks,
    "runs": training,
    "sweep": sweeps,
    "models": registry,
    "pins": pins,
    "promotions": promotions,
    "endpoints": deployments,
    "batches": batch_predictions,
    "rollout": rollouts,
    "alerts": monitoring,
    "pipelines": pipelines,
    "repos": repositories,
    "jobs": jobs,
    "tokens": access,
    "webhooks": webhooks,
}.items():
    app.add_typer(noun.noun.app, name=name)

app.add_typer(logins.servers, name="servers")
app.add_typer(git_hook.app, name="git-hook")

dress(app)
freeze()  # what was imported is never garbage, and is not to be looked through for it

if __name__ == "__main__":
    app()
