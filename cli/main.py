"""`millrace`: the command line. Commands that talk to a server, and commands that run one."""

from gc import freeze

import typer
from dotenv import load_dotenv

from cli.demo.command import demo
from cli.nouns import (
    access,
    batch_predictions,
    data_checks,
    datasets,
    deployments,
    events,
    gc,
    git_hook,
    health,
    jobs,
    monitoring,
    pins,
    pipelines,
    predictions,
    promotions,
    recipes,
    registry,
    repositories,
    rollouts,
    training,
    verifications,  # noqa: F401  # its command belongs to `data`
    webhooks,
)
from cli.run import run

EPILOG = (
    "Exit status: 0 done · 1 refused, or a job that was waited for failed · 2 wrong usage or an unreadable file · "
    "3 no server answers · 4 no such thing · 5 no token, or one without the needed role · 130 interrupted."
)

app = typer.Typer(
    help="Version data, train, check, promote, serve, watch, retrain.",
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_show_locals=False,
)
datasets.noun.app.add_typer(recipes.noun.app, name="recipe")
app.add_typer(run)
app.add_typer(demo)


@app.callback()
def read_settings() -> None:
    # Before any option looks for its variable; what the environment has already, wins.
    load_dotenv(".env")


for verbs in (health, access, training, promotions, deployments, batch_predictions, predictions, monitoring, events):
    app.add_typer(verbs.verbs.app)
for name, noun in {
    "data": datasets,
    "gc": gc,
    "checks": data_checks,
    "runs": training,
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

app.add_typer(git_hook.app, name="git-hook")

freeze()  # what was imported is never garbage, and is not to be looked through for it

if __name__ == "__main__":
    app()
