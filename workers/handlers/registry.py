"""Jobs of the registry: keep MLflow's registry a mirror of ours. Best effort: nothing waits for them."""

from sqlalchemy import select

from adapters.mlflow_server import TrackingAway
from adapters.tracking import TrackedRun
from domain.experiments.models import Run
from domain.registry import mirror
from domain.registry.jobs import LookAtMirror, MirrorAlias, MirrorVersion
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import alias_of, get_model, get_version_by_id
from workers.run import RunningJob
from workers.toolbox import Toolbox


def mirror_version(job: RunningJob[MirrorVersion], tools: Toolbox) -> None:
    """Register the version in MLflow, under the same name."""
    with tools.runtime.reading() as session:
        version = get_version_by_id(session, job.spec.version_id)
        model = session.get_one(RegisteredModel, version.model_id)
        run = session.get_one(Run, version.run_id)
    job.stage("register")
    _register(tools, model.name, version, run)


def mirror_alias(job: RunningJob[MirrorAlias], tools: Toolbox) -> dict[str, int | None]:
    """`models:/NAME@alias` in MLflow means what it means here.

    Two of these jobs may race, and the slower one may write the older version last. So each looks again after
    writing, and writes again when the alias has moved on.
    """
    job.stage("mirror")
    name, alias = job.spec.model, job.spec.alias
    while True:
        version, run = _now(tools, name, alias)
        if version is not None and run is not None:
            _register(tools, name, version, run)
        number = version.number if version else None
        tools.tracking.mirror_alias(name, alias, number)
        latest, _ = _now(tools, name, alias)
        if (latest.number if latest else None) == number:
            return {"version": number}


def order_look_at_mirror(tools: Toolbox) -> None:
    """A chore: look at MLflow's registry when the last look is old enough."""
    seconds = tools.runtime.settings.mirror_look_seconds
    if seconds > 0:
        with tools.runtime.transaction() as session:
            mirror.order_look(session, seconds=seconds)


def look_at_mirror(job: RunningJob[LookAtMirror], tools: Toolbox) -> dict[str, object]:
    """What others changed in MLflow is recorded, model by model; what follows is for the reactions.

    A server that does not answer is no failure: the next look comes by itself.
    """
    with tools.runtime.reading() as session:
        names = session.scalars(select(RegisteredModel.name).where(RegisteredModel.versions > 0)).all()
    changes = 0
    for place, name in enumerate(names):
        job.progress(place / len(names), name)
        with tools.runtime.reading() as session:
            standing = mirror.standing_of(session, get_model(session, name))
        if not standing.idle:
            continue
        try:
            seen = tools.tracking.look(name)
        except TrackingAway as error:
            job.log(error.message, level="warning")
            return {"away": True, "changes": changes}
        with job.transaction() as session:
            changes += len(mirror.record_look(session, name=name, standing=standing, seen=seen))
    return {"away": False, "changes": changes}


def _now(tools: Toolbox, name: str, alias: str) -> tuple[ModelVersion | None, Run | None]:
    """The version an alias points at, as of now, with its run."""
    with tools.runtime.reading() as session:
        version = alias_of(session, get_model(session, name), alias)
        return version, session.get_one(Run, version.run_id) if version else None


def _register(tools: Toolbox, name: str, version: ModelVersion, run: Run) -> None:
    tools.tracking.register(name, version.number, TrackedRun(run.mlflow_run_id, run.mlflow_model_uri))
