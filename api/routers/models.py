"""Models: create, policy, versions and their lineage."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import StringConstraints

from api.deps import IdempotencyKey, IfMatch, PageDep, ReadDep, Reader, WriteDep, Writer, check_if_match
from api.documents import DocumentRoute
from api.schemas.jobs import JobRead
from api.schemas.models import (
    DataOrigin,
    ModelCreate,
    ModelImport,
    ModelLineageRead,
    ModelRead,
    ModelUpdate,
    ModelVersionRead,
    NewVersion,
    OutsideChangeRead,
    RunOrigin,
    VersionUpdate,
)
from api.schemas.pages import PageRead
from domain.db import AnySession
from domain.experiments.models import Run
from domain.promotions.policies import refuse_unknown_suites
from domain.promotions.queries import overridden_by
from domain.promotions.specs import Policy
from domain.registry import mirror, queries, search, service
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.search import ModelSort, VersionSort
from domain.registry.specs import Package, Task
from domain.registry.states import VersionState
from domain.training.imports import request_import

router = APIRouter(prefix="/models", tags=["models"], route_class=DocumentRoute)
versions = APIRouter(prefix="/model-versions", tags=["models"])

Number = Annotated[int, Path(ge=1, lt=2**31)]
Words = Annotated[str | None, Query(max_length=200)]
Filters = Annotated[Sequence[Annotated[str, StringConstraints(max_length=300)]], Query(max_length=20)]


def _read(session: AnySession, row: RegisteredModel) -> ModelRead:
    aliases = queries.aliases_of(session, row)
    computed = {
        "aliases": aliases,
        "champion": aliases.get("champion"),
        "challenger": aliases.get("challenger"),
        "changed_outside": list(map(OutsideChangeRead.model_validate, queries.open_outside_changes(session, row))),
    }
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
    refuse_unknown_suites(session, body.policy, model_id=None)
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
def list_models(
    *,
    session: ReadDep,
    page: PageDep,
    _: Reader,
    q: Words = None,
    tag: Filters = (),
    task: Task | None = None,
    owner: Words = None,
    sort: ModelSort = ModelSort.NEWEST,
) -> PageRead[ModelRead]:
    """Models for which every filter holds; `q` looks into names, descriptions and targets, `tag` is `key:value`."""
    found = search.search_models(session, page, q=q, tags=tag, task=task, owner=owner, sort=sort)
    return PageRead[ModelRead].of(found, lambda row: _read(session, row))


@router.get("/{name}")
def get_model(name: str, session: ReadDep, response: Response, _: Reader) -> ModelRead:
    """One model with its aliases and its policy."""
    model = queries.get_model(session, name)
    response.headers["ETag"] = f'"{model.policy_version}"'
    return _read(session, model)


@router.patch("/{name}")
def update_model(
    name: str, body: ModelUpdate, session: WriteDep, response: Response, _: Writer, if_match: IfMatch = None
) -> ModelRead:
    """Change what people say about a model. The ETag here is its `revision`."""
    model = queries.get_model(session, name, lock=True)
    check_if_match(if_match, model.revision, what=f"The model {name!r}")
    service.describe_model(session, model=model, **body.model_dump(exclude_none=True, exclude={"tags"}), tags=body.tags)
    response.headers["ETag"] = f'"{model.revision}"'
    return _read(session, model)


@router.get("/{name}/outside-changes")
def list_outside_changes(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[OutsideChangeRead]:
    """What others did to the model's mirror in MLflow, newest first: the open ones, and those that are over."""
    found = queries.list_outside_changes(session, queries.get_model(session, name), page)
    return PageRead[OutsideChangeRead].of(found, OutsideChangeRead.model_validate)


@router.post("/{name}/outside-changes/{change_id}/acknowledge")
def acknowledge_outside_change(name: str, change_id: str, session: WriteDep, _: Writer) -> OutsideChangeRead:
    """Say that you have seen it: the model shows it no longer."""
    model = queries.get_model(session, name)
    return OutsideChangeRead.model_validate(mirror.acknowledge(session, model=model, change_id=change_id))


@router.put("/{name}/policy")
def put_policy(
    name: str, policy: Policy, session: WriteDep, response: Response, _: Writer, if_match: IfMatch = None
) -> Policy:
    """Set what a version must show before it may be champion (JSON, or YAML as `application/yaml`).

    The checks of the newest version run again under it. The ETag is the policy's version.
    """
    model = queries.get_model(session, name, lock=True)
    check_if_match(if_match, model.policy_version, what=f"The policy of {name!r}")
    refuse_unknown_suites(session, policy, model_id=model.id)
    service.set_policy(session, model=model, policy=policy.as_json())
    response.headers["ETag"] = f'"{model.policy_version}"'
    return policy


@router.post("/{name}/versions", status_code=201, responses={202: {"model": JobRead}})
def add_model_version(
    name: str, body: NewVersion, session: WriteDep, response: Response, _: Writer, key: IdempotencyKey
) -> ModelVersionRead | JobRead:
    """Make a finished run the next version of the model (201), or import an MLflow model as one (202).

    Its checks start by themselves.
    """
    model = queries.get_model(session, name)
    if isinstance(body, ModelImport):
        job = request_import(session, model=model, key=key, **body.model_dump())
        response.status_code, response.headers["Location"] = 202, f"/api/v1/jobs/{job.id}"
        return JobRead.model_validate(job)
    return _read_version(session, service.add_version(session, model=model, run_id=body.run_id))


@router.get("/{name}/versions")
def list_model_versions(
    name: str, session: ReadDep, page: PageDep, _: Reader, archived: bool = False
) -> PageRead[ModelVersionRead]:
    """Newest first; with `archived=true` the archived ones too."""
    found = queries.list_versions(session, queries.get_model(session, name), page, archived=archived)
    return PageRead[ModelVersionRead].of(found, lambda row: _read_version(session, row))


@router.get("/{name}/versions/{number}")
def get_model_version(name: str, number: Number, session: ReadDep, _: Reader) -> ModelVersionRead:
    """One version; its package says whether ONNX or the Python model answers, and why."""
    return _read_version(session, queries.get_version(session, name, number))


@router.patch("/{name}/versions/{number}")
def update_model_version(
    name: str, number: Number, body: VersionUpdate, session: WriteDep, _: Writer
) -> ModelVersionRead:
    """Change what people say about a version."""
    version = queries.get_version_by_id(session, queries.get_version(session, name, number).id, lock=True)
    texts = body.model_dump(exclude_none=True, exclude={"tags"})
    return _read_version(session, service.describe_version(session, version=version, **texts, tags=body.tags))


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


@versions.get("")
def search_model_versions(
    *,
    session: ReadDep,
    page: PageDep,
    _: Reader,
    q: Words = None,
    tag: Filters = (),
    state: VersionState | None = None,
    alias: Words = None,
    metric: Filters = (),
    dataset: Words = None,
    trainer: Words = None,
    archived: bool = False,
    sort: VersionSort = VersionSort.NEWEST,
) -> PageRead[ModelVersionRead]:
    """Versions of all models for which every filter holds; `metric` is `mae<40`, `dataset` is `bikes` or `bikes@3`."""
    found = search.search_versions(
        session,
        page,
        q=q,
        tags=tag,
        state=state,
        alias=alias,
        metrics=metric,
        dataset=dataset,
        trainer=trainer,
        archived=archived,
        sort=sort,
    )
    return PageRead[ModelVersionRead].of(found, lambda row: _read_version(session, row))
