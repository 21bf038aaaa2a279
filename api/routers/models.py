"""Models: create, policy, versions and their lineage."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps import IfMatch, PageDep, ReadDep, Reader, WriteDep, Writer, check_if_match
from api.documents import DocumentRoute
from api.schemas.models import (
    DataOrigin,
    ModelCreate,
    ModelLineageRead,
    ModelRead,
    ModelVersionCreate,
    ModelVersionRead,
    RunOrigin,
)
from api.schemas.pages import PageRead
from domain.db import AnySession
from domain.experiments.models import Run
from domain.promotions.queries import overridden_by
from domain.promotions.specs import Policy
from domain.registry import queries, service
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.specs import Package

router = APIRouter(prefix="/models", tags=["models"], route_class=DocumentRoute)

Number = Annotated[int, Path(ge=1, lt=2**31)]


def _read(session: AnySession, row: RegisteredModel) -> ModelRead:
    aliases = queries.aliases_of(session, row)
    computed = {"aliases": aliases, "champion": aliases.get("champion"), "challenger": aliases.get("challenger")}
    plain = {name: getattr(row, name) for name in ModelRead.model_fields if name not in computed}
    return ModelRead.model_validate({**plain, **computed})


def _read_version(session: AnySession, row: ModelVersion) -> ModelVersionRead:
    model = session.get_one(RegisteredModel, row.model_id)
    computed = {
        "model": model.name,
        "aliases": [alias for alias, number in queries.aliases_of(session, model).items() if number == row.number],
        "overridden": overridden_by(session, row.id) is not None,
        "package": session.get_one(Run, row.run_id).package,
    }
    plain = {name: getattr(row, name) for name in ModelVersionRead.model_fields if name not in computed}
    return ModelVersionRead.model_validate({**plain, **computed})


@router.post("", status_code=201)
def create_model(body: ModelCreate, session: WriteDep, _: Writer) -> ModelRead:
    """Declare a model before it has versions."""
    model = service.create_model(
        session,
        name=body.name,
        task=body.task,
        target=body.target,
        description=body.description,
        policy=body.policy.as_json(),
    )
    return _read(session, model)


@router.get("")
def list_models(session: ReadDep, page: PageDep, _: Reader) -> PageRead[ModelRead]:
    """Newest first."""
    return PageRead[ModelRead].of(queries.list_models(session, page), lambda row: _read(session, row))


@router.get("/{name}")
def get_model(name: str, session: ReadDep, response: Response, _: Reader) -> ModelRead:
    """One model with its aliases and its policy."""
    model = queries.get_model(session, name)
    response.headers["ETag"] = f'"{model.policy_version}"'
    return _read(session, model)


@router.put("/{name}/policy")
def put_policy(
    name: str, policy: Policy, session: WriteDep, response: Response, _: Writer, if_match: IfMatch = None
) -> Policy:
    """Set what a version must show before it may be champion (JSON, or YAML as `application/yaml`).

    The checks of the newest version run again under it. The ETag is the policy's version.
    """
    model = queries.get_model(session, name, lock=True)
    check_if_match(if_match, model.policy_version, what=f"The policy of {name!r}")
    service.set_policy(session, model=model, policy=policy.as_json())
    response.headers["ETag"] = f'"{model.policy_version}"'
    return policy


@router.post("/{name}/versions", status_code=201)
def add_model_version(name: str, body: ModelVersionCreate, session: WriteDep, _: Writer) -> ModelVersionRead:
    """Make a finished run the next version of the model; its checks start by themselves."""
    model = queries.get_model(session, name)
    return _read_version(session, service.add_version(session, model=model, run_id=body.run_id))


@router.get("/{name}/versions")
def list_model_versions(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[ModelVersionRead]:
    """Newest first."""
    found = queries.list_versions(session, queries.get_model(session, name), page)
    return PageRead[ModelVersionRead].of(found, lambda row: _read_version(session, row))


@router.get("/{name}/versions/{number}")
def get_model_version(name: str, number: Number, session: ReadDep, _: Reader) -> ModelVersionRead:
    """One version; its package says whether ONNX or the Python model answers, and why."""
    return _read_version(session, queries.get_version(session, name, number))


@router.post("/{name}/versions/{number}/archive")
def archive_model_version(name: str, number: Number, session: WriteDep, _: Writer) -> ModelVersionRead:
    """Take a version out of the running for good; 409 while an alias points at it."""
    version = queries.get_version(session, name, number)
    return _read_version(session, service.archive_version(session, version_id=version.id))


@router.get("/{name}/versions/{number}/lineage")
def get_model_lineage(name: str, number: Number, session: ReadDep, _: Reader) -> ModelLineageRead:
    """Run, data, code, environment and package of a version."""
    version = queries.get_version(session, name, number)
    origin = queries.origin_of(session, version)
    run, data = origin.run, origin.data
    named = {"experiment": origin.experiment.name}
    return ModelLineageRead(
        model=name,
        number=number,
        run=RunOrigin.model_validate(
            named | {field: getattr(run, field) for field in RunOrigin.model_fields if field not in named}
        ),
        data=DataOrigin(
            dataset=data.dataset.name, number=data.number, digest=run.dataset_digest, rows=data.rows, state=data.state
        ),
        environment=run.environment,
        environment_digest=run.environment_digest,
        package=Package.model_validate(run.package),
        package_digest=version.package_digest,
    )
