"""Verbs of the registry: models, policies, versions, aliases. The only place that moves a version's state."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from domain.db import AnySession, WriteSession, new_id
from domain.errors import Conflict, Invalid
from domain.events.service import emit
from domain.experiments import queries as experiments
from domain.experiments.models import Run
from domain.experiments.states import RunState
from domain.jobs import service as jobs
from domain.registry.events import (
    AliasMoved,
    ModelChanged,
    ModelCreated,
    ModelVersionArchived,
    ModelVersionChanged,
    ModelVersionCreated,
    ModelVersionRefused,
    PolicyChanged,
)
from domain.registry.jobs import MirrorAlias, MirrorVersion
from domain.registry.metrics import refuse_unfit
from domain.registry.models import ModelAlias, ModelVersion, RegisteredModel
from domain.registry.queries import aliases_of, find_model, get_model, get_version_by_id, version_of_run
from domain.registry.specs import Task
from domain.registry.states import VersionState, may_move

MAX_TAGS = 50
# Shows nothing and so lets nothing pass, until somebody says what a champion must show.
NO_POLICY: dict[str, Any] = {"gates": [], "approval": "automatic"}


class ModelExists(Conflict):
    code = "model_exists"


class ModelMismatch(Conflict):
    """All versions of a model answer the same question: one task, one target."""

    code = "model_mismatch"


class RunNotFinished(Conflict):
    code = "run_not_finished"


class RunRegistered(Conflict):
    code = "run_already_registered"


class TooManyTags(Invalid):
    code = "too_many_tags"


class AliasConflict(Conflict):
    """The alias is not where the caller saw it."""

    code = "alias_moved"


class VersionAliased(Conflict):
    code = "version_has_alias"


class WrongVersionState(Conflict):
    code = "wrong_version_state"


def create_model(
    session: WriteSession,
    *,
    name: str,
    task: Task,
    target: str,
    description: str = "",
    policy: dict[str, Any] = NO_POLICY,
) -> RegisteredModel:
    """A model without versions. `policy` is a validated `Policy` as JSON."""
    if find_model(session, name) is not None:
        raise ModelExists(
            f"A model named {name!r} exists.", where="name", fix="Add a version to it, or choose another name."
        )
    refuse_unfit(policy, task)
    model = RegisteredModel(
        id=new_id(),
        name=name,
        task=task,
        target=target,
        description=description,
        intended_use="",
        limits="",
        tags={},
        outside_changes="revert",
        revision=1,
        policy=policy,
        policy_version=1,
        versions=0,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(model)
    session.flush()
    emit(session, ModelCreated(subject=f"models/{name}", name=name))
    return model


def refuse_mismatch(session: AnySession, *, name: str, task: str, target: str) -> None:
    """Raise `ModelMismatch` when there is a model `name` that predicts something else. A model to come fits."""
    model = find_model(session, name)
    if model is not None and (model.task, model.target) != (task, target):
        raise ModelMismatch(
            f"The model {name!r} is a {model.task} of {model.target!r}, not a {task} of {target!r}.",
            where="model",
            fix="Use another model name.",
        )


def set_policy(session: WriteSession, *, model: RegisteredModel, policy: dict[str, Any]) -> RegisteredModel:
    """Make `policy`, a validated `Policy` as JSON, the one that counts. `model` must be locked.

    The same policy again is no news.
    """
    refuse_unfit(policy, model.task)
    if policy != model.policy:
        model.policy = policy
        model.policy_version += 1
        emit(
            session,
            PolicyChanged(subject=f"models/{model.name}", model=model.name, policy_version=model.policy_version),
        )
    return model


def describe_model(
    session: WriteSession, *, model: RegisteredModel, tags: Mapping[str, str | None], **texts: str
) -> RegisteredModel:
    """Change what people say about a model, which must be locked: `texts` are its columns by name.

    A tag without a value is taken away; those that are not named stay.
    """
    changed = _describe(model, tags, texts)
    if changed:
        model.revision += 1
        emit(session, ModelChanged(subject=f"models/{model.name}", model=model.name, fields=changed))
    return model


def describe_version(
    session: WriteSession, *, version: ModelVersion, tags: Mapping[str, str | None], **texts: str
) -> ModelVersion:
    """Change what people say about a version, as `describe_model` does."""
    changed = _describe(version, tags, texts)
    if changed:
        name = session.get_one(RegisteredModel, version.model_id).name
        subject = f"models/{name}/versions/{version.number}"
        emit(session, ModelVersionChanged(subject=subject, model=name, number=version.number, fields=changed))
    return version


def add_version(session: WriteSession, *, model: RegisteredModel, run_id: str) -> ModelVersion:
    """Make a finished run the next version of `model`.

    Raises `UnknownRun`, `RunNotFinished`, `ModelMismatch`, or `RunRegistered` when it is a version already.
    """
    run = experiments.get_run(session, run_id, lock=True)
    _refuse_run(session, run, model)
    home = get_model(session, model.name, lock=True)  # versions of one model are numbered one after the other
    home.versions += 1
    version = ModelVersion(
        id=new_id(),
        model_id=home.id,
        number=home.versions,
        state=VersionState.REGISTERED,
        run_id=run.id,
        package_digest=run.package_digest,
        flavor=run.package["flavor"],
        metrics=run.metrics,
        description="",
        tags={},
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(version)
    session.flush()
    emit(
        session,
        ModelVersionCreated(
            subject=f"models/{home.name}/versions/{version.number}",
            model=home.name,
            number=version.number,
            version_id=version.id,
            run_id=run.id,
        ),
    )
    return version


def register_run(session: WriteSession, *, run_id: str, name: str) -> ModelVersion | None:
    """What a run asked for when it was started: a version of model `name`, made if it does not exist.

    The run has finished whatever comes of it here: what stands in the way is an event, not an error.
    """
    run = experiments.get_run(session, run_id)
    model = find_model(session, name)
    if model is None:
        model = create_model(session, name=name, task=run.spec["task"], target=run.spec["target"])
    try:
        return add_version(session, model=model, run_id=run_id)
    except Conflict as error:
        emit(session, ModelVersionRefused(subject=f"models/{name}", model=name, run_id=run_id, reason=error.message))
        return None


def archive_version(session: WriteSession, *, version_id: str) -> ModelVersion:
    """Take a version out of the running for good. Raises `VersionAliased` while an alias points at it."""
    version = get_version_by_id(session, version_id, lock=True)
    if version.state == VersionState.ARCHIVED:
        return version
    model = session.get_one(RegisteredModel, version.model_id)
    held = [alias for alias, number in aliases_of(session, model).items() if number == version.number]
    if held:
        what = f"Version {version.number} of {model.name!r} is its {' and '.join(held)}."
        raise VersionAliased(what, where="number", fix="Promote another version first.")
    _move(version, VersionState.ARCHIVED)
    subject = f"models/{model.name}/versions/{version.number}"
    emit(session, ModelVersionArchived(subject=subject, model=model.name, number=version.number))
    return version


def mark_checked(session: WriteSession, *, version_id: str) -> ModelVersion:
    """The model checks have looked at the version, whatever they found."""
    version = get_version_by_id(session, version_id, lock=True)
    if version.state == VersionState.REGISTERED:
        _move(version, VersionState.CHECKED)
    return version


def move_alias(
    session: WriteSession, *, model: RegisteredModel, alias: str, version: ModelVersion, expected: str | None
) -> ModelAlias:
    """Point `alias` at `version` if it points at the version with the id `expected` now (None: if it is not set).

    Raises `AliasConflict` when somebody else was faster, and the caller decided on what is no longer so.
    """
    get_model(session, model.name, lock=True)  # two who set an alias for the first time have no row of it to lock
    standing = session.scalar(
        select(ModelAlias)
        .where(ModelAlias.model_id == model.id, ModelAlias.alias == alias)
        .execution_options(populate_existing=True)
    )
    current = standing.version_id if standing is not None else None
    if current != expected:
        raise AliasConflict(
            f"The alias {alias!r} of {model.name!r} was moved by somebody else meanwhile.",
            where="alias",
            fix="Look at the champion as it is now, and ask again.",
        )
    previous = get_version_by_id(session, current).number if current is not None else None
    now, actor = session.now(), session.actor.name
    if standing is None:
        standing = ModelAlias(
            id=new_id(), model_id=model.id, alias=alias, version_id=version.id, revision=1, moved_at=now, moved_by=actor
        )
        session.add(standing)
    else:
        standing.version_id, standing.moved_at, standing.moved_by = version.id, now, actor
        standing.revision += 1
    session.flush()
    emit(
        session,
        AliasMoved(
            subject=f"models/{model.name}", model=model.name, alias=alias, number=version.number, previous=previous
        ),
    )
    return standing


def mirror_version(session: WriteSession, *, model: str, number: int, version_id: str) -> None:
    """Order the version's mirror in MLflow's registry."""
    spec = MirrorVersion(version_id=version_id)
    jobs.submit(session, spec, subject=f"models/{model}/versions/{number}")


def mirror_alias(session: WriteSession, *, model: str, alias: str) -> None:
    """Order the alias's mirror in MLflow's registry."""
    spec = MirrorAlias(model=model, alias=alias)
    jobs.submit(session, spec, subject=f"models/{model}")


def _describe(
    row: RegisteredModel | ModelVersion, tags: Mapping[str, str | None], texts: Mapping[str, str]
) -> list[str]:
    """Names of the fields that are other than before."""
    merged = {key: value for key, value in {**row.tags, **tags}.items() if value is not None}
    if len(merged) > MAX_TAGS:
        raise TooManyTags(f"That would be {len(merged)} tags, and {MAX_TAGS} are kept.", where="tags")
    fields = {**texts, "tags": merged}
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, fields[name])
    return changed


def _refuse_run(session: AnySession, run: Run, model: RegisteredModel) -> None:
    if run.state != RunState.FINISHED:
        raise RunNotFinished(f"Run {run.id} is {run.state}, not finished.", where="run_id")
    refuse_mismatch(session, name=model.name, task=run.spec["task"], target=run.spec["target"])
    standing = version_of_run(session, run.id)
    if standing is not None:
        name = session.get_one(RegisteredModel, standing.model_id).name
        raise RunRegistered(f"Run {run.id} is version {standing.number} of {name!r} already.", where="run_id")


def _move(version: ModelVersion, state: VersionState) -> None:
    if not may_move(version.state, state):
        raise WrongVersionState(f"A model version cannot go from {version.state} to {state}.", where="state")
    version.state = state
