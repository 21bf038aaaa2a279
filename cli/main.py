"""`millrace`: the command line. Commands that talk to a server, and commands that run one."""

from gc import freeze

from cli.demo.command import demo
from cli.examples import dress
from cli.nouns import (
    access,
    batch_predictions,
    browse,
    data_checks,
    dataset_records,  # noqa: F401  # its commands belong to `data`
    datasets,  # noqa: F401  # its commands belong to `data`
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
    transfers,
    verifications,  # noqa: F401  # its command belongs to `data`
    webhooks,
)
from cli.program import new_program
from cli.run import run

app = new_program()
transfers.noun.app.add_typer(recipes.noun.app, name="recipe")
app.add_typer(run)
app.add_typer(demo)
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
    "data": transfers,
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
