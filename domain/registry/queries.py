"""Reads of the registry: models, versions, aliases, and where a version comes from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from domain.datasets.models import DatasetVersion
from domain.datasets.queries import get_version_by_id as get_dataset_version
from domain.db import AnySession, locked
from domain.errors import NotFound, unknown
from domain.experiments.models import Experiment, Run
from domain.pages import Page, PageRequest, paginate
from domain.registry.models import ModelAlias, ModelVersion, OutsideChange, RegisteredModel
from domain.registry.states import VersionState


class UnknownModel(NotFound):
    code = "unknown_model"


class UnknownModelVersion(NotFound):
    code = "unknown_model_version"


@dataclass(frozen=True)
class Origin:
    """What a version was made from."""

    run: Run
    experiment: Experiment
    data: DatasetVersion


def find_model(session: AnySession, name: str, *, lock: bool = False) -> RegisteredModel | None:
    query = select(RegisteredModel).where(RegisteredModel.name == name)
    return session.scalar(locked(query) if lock else query)


def get_model(session: AnySession, name: str, *, lock: bool = False) -> RegisteredModel:
    """The model; `UnknownModel` with near matches otherwise."""
    model = find_model(session, name, lock=lock)
    if model is None:
        absent = unknown("model", name, session.scalars(select(RegisteredModel.name)))
        raise UnknownModel(absent.message, where=absent.where, fix=absent.fix)
    return model


def find_version(session: AnySession, model_id: str, number: int) -> ModelVersion:
    """Version `number` of the model with this id; `UnknownModelVersion` otherwise."""
    query = select(ModelVersion).where(ModelVersion.model_id == model_id, ModelVersion.number == number)
    version = session.scalar(query)
    if version is None:
        model = session.get_one(RegisteredModel, model_id)
        has = f"It has versions 1 to {model.versions}." if model.versions else "It has no versions yet."
        raise UnknownModelVersion(f"The model {model.name!r} has no version {number}.", where="number", fix=has)
    return version


def get_version(session: AnySession, name: str, number: int) -> ModelVersion:
    """Version `number` of the model of this name."""
    return find_version(session, get_model(session, name).id, number)


def get_version_by_id(session: AnySession, version_id: str, *, lock: bool = False) -> ModelVersion:
    query = select(ModelVersion).where(ModelVersion.id == version_id)
    version = session.scalar(locked(query) if lock else query)
    if version is None:
        raise UnknownModelVersion(f"There is no model version with the id {version_id!r}.", where="version_id")
    return version


def version_of_run(session: AnySession, run_id: str) -> ModelVersion | None:
    return session.scalar(select(ModelVersion).where(ModelVersion.run_id == run_id))


def versions_of_runs(session: AnySession, run_ids: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """By run, the name and number of what was registered from it."""
    query = select(ModelVersion.run_id, RegisteredModel.name, ModelVersion.number)
    query = query.join(RegisteredModel, RegisteredModel.id == ModelVersion.model_id)
    found: dict[str, list[tuple[str, int]]] = {}
    for run_id, name, number in session.execute(query.where(ModelVersion.run_id.in_(run_ids))):
        found.setdefault(run_id, []).append((name, number))
    return found


def newest_version(session: AnySession, model: RegisteredModel) -> ModelVersion | None:
    query = select(ModelVersion).where(ModelVersion.model_id == model.id)
    return session.scalar(query.order_by(ModelVersion.number.desc()).limit(1))


def list_versions(
    session: AnySession, model: RegisteredModel, page: PageRequest, *, archived: bool = False
) -> Page[ModelVersion]:
    """Newest first; archived ones only when asked for, beside the others."""
    query = select(ModelVersion).where(ModelVersion.model_id == model.id)
    if not archived:
        query = query.where(ModelVersion.state != VersionState.ARCHIVED)
    return paginate(session, query, page, key=ModelVersion.number, cast=int)


def resolve_versions(
    session: AnySession, home: RegisteredModel, refs: Sequence[int | str]
) -> list[tuple[RegisteredModel, ModelVersion]]:
    """Versions of `home` by their number, of any model as `model@n`, in the order given; the errors name the place."""
    found = []
    for place, ref in enumerate(refs):
        name, number = (home.name, ref) if isinstance(ref, int) else _split(ref)
        try:
            model = home if name == home.name else get_model(session, name)
            found.append((model, find_version(session, model.id, number)))
        except NotFound as error:
            raise type(error)(error.message, where=f"versions.{place}", fix=error.fix) from error
    return found


def _split(ref: str) -> tuple[str, int]:
    name, _, number = ref.partition("@")
    return name, int(number)


def alias_of(session: AnySession, model: RegisteredModel, alias: str) -> ModelVersion | None:
    """The version the alias points at; None when it was never set."""
    query = select(ModelVersion).join(ModelAlias, ModelAlias.version_id == ModelVersion.id)
    return session.scalar(query.where(ModelAlias.model_id == model.id, ModelAlias.alias == alias))


def aliases_of(session: AnySession, model: RegisteredModel) -> dict[str, int]:
    """Alias -> version number."""
    query = select(ModelAlias.alias, ModelVersion.number).join(ModelVersion, ModelAlias.version_id == ModelVersion.id)
    rows = session.execute(query.where(ModelAlias.model_id == model.id).order_by(ModelAlias.alias))
    return dict(rows.all())


def origin_of(session: AnySession, version: ModelVersion) -> Origin:
    run = session.get_one(Run, version.run_id)
    return Origin(
        run=run,
        experiment=session.get_one(Experiment, run.experiment_id),
        data=get_dataset_version(session, run.dataset_version_id),
    )


def list_outside_changes(session: AnySession, model: RegisteredModel, page: PageRequest) -> Page[OutsideChange]:
    """What others did to the model's mirror in MLflow, newest first."""
    query = select(OutsideChange).where(OutsideChange.model_id == model.id)
    return paginate(session, query, page, key=OutsideChange.id)


def open_outside_changes(session: AnySession, model: RegisteredModel, *, limit: int = 20) -> list[OutsideChange]:
    """The newest of them that are neither gone nor acknowledged."""
    query = select(OutsideChange).where(
        OutsideChange.model_id == model.id,
        OutsideChange.resolved_at.is_(None),
        OutsideChange.acknowledged_at.is_(None),
    )
    return list(session.scalars(query.order_by(OutsideChange.id.desc()).limit(limit)))
