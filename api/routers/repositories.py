"""Git repositories: register, follow, look; and the door for their forges' webhooks."""

from functools import partial
from typing import Any
from urllib.parse import parse_qs

import orjson
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from adapters.git_access import GitAccess
from adapters.runtime import Runtime
from api.deps import IfMatch, PageDep, ReadDep, Reader, RuntimeDep, WriteDep, Writer, check_if_match
from api.documents import DocumentRoute
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from api.schemas.repositories import (
    CodeVersionRead,
    HookAnswer,
    RepositoryCreate,
    RepositoryCreated,
    RepositoryRead,
    RepositoryUpdate,
    SecretRead,
    SyncRequest,
    WaitingRead,
)
from domain.access.actor import SCOPES, Actor, Role
from domain.db import AnySession
from domain.errors import NotFound
from domain.repositories import queries, service
from domain.repositories.addresses import parse_address
from domain.repositories.hooks import BadDelivery, Delivery, Provider, keys_of, refuse_unsigned, verify
from domain.repositories.models import Repository
from domain.repositories.specs import Expectation

router = APIRouter(prefix="/repositories", tags=["repositories"], route_class=DocumentRoute)
hooks = APIRouter(prefix="/hooks", tags=["repositories"])


class UnknownHook(NotFound):
    """The delivery is about a repository that is not registered. What is registered is not told."""

    code = "unknown_repository"


@router.post("", status_code=201)
def create_repository(
    body: RepositoryCreate, runtime: RuntimeDep, session: WriteDep, response: Response, _: Writer
) -> RepositoryCreated:
    """Follow a repository. The answer has the secret for its webhook, this once; a first sync is queued."""
    address = parse_address(body.address, where="body.address")
    GitAccess.of(runtime.settings).refuse(address)
    repository, secret = service.register(
        session, name=body.name, address=address, branches=body.branches, pointers=body.pointers
    )
    response.headers["Location"] = f"/api/v1/repositories/{repository.name}"
    return RepositoryCreated(**_read(session, repository).model_dump(), secret=secret)


@router.get("")
def list_repositories(session: ReadDep, page: PageDep, _: Reader) -> PageRead[RepositoryRead]:
    """Repositories that are followed, newest first."""
    return PageRead[RepositoryRead].of(queries.list_repositories(session, page), partial(_read, session))


@router.get("/{name}")
def get_repository(name: str, session: ReadDep, response: Response, _: Reader) -> RepositoryRead:
    """A repository: its branches as last read, and how many pointers wait."""
    return _tagged(response, _read(session, queries.get_repository(session, name)))


@router.patch("/{name}")
def update_repository(
    name: str, body: RepositoryUpdate, session: WriteDep, response: Response, _: Writer, if_match: IfMatch = None
) -> RepositoryRead:
    """Follow other branches, or map pointers elsewhere; every pointer is looked at again."""
    repository = queries.get_repository(session, name, lock=True)
    check_if_match(if_match, repository.revision, what=f"The repository {name!r}")
    changed = service.change(session, repository=repository, branches=body.branches, pointers=body.pointers)
    return _tagged(response, _read(session, changed))


@router.delete("/{name}", status_code=204)
def delete_repository(name: str, session: WriteDep, _: Writer) -> None:
    """Follow it no longer. The versions that came from it stay."""
    service.remove(session, name=name)


@router.post("/{name}/sync", status_code=202)
def sync_repository(
    name: str, session: WriteDep, response: Response, _: Writer, body: SyncRequest | None = None
) -> JobRead:
    """Look what moved. However often this is asked, at most one sync runs and one more follows it."""
    asked = body or SyncRequest()
    expect = None
    if asked.branch is not None:
        expect = Expectation(branch=asked.branch, commit=asked.commit, asked_at=session.now().timestamp())
    job = service.request_sync(session, name=name, expect=expect, rescan=asked.rescan)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.post("/{name}/secret", status_code=201)
def renew_secret(name: str, session: WriteDep, _: Writer) -> SecretRead:
    """Another secret for the webhook; the old one is good no longer. It is in this answer and nowhere else."""
    secret = service.renew_secret(session, name=name)
    return SecretRead(name=name, secret=secret)


@router.get("/{name}/commits")
def list_code_versions(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[CodeVersionRead]:
    """Commits that changed code, newest first."""
    found = queries.list_code(session, page, repository_id=queries.get_repository(session, name).id)
    return PageRead[CodeVersionRead].of(found, CodeVersionRead.model_validate)


@router.get("/{name}/waiting")
def list_waiting_pointers(name: str, session: ReadDep, page: PageDep, _: Reader) -> PageRead[WaitingRead]:
    """Pointers whose objects have not (all) been pushed yet, newest first."""
    found = queries.list_waiting(session, page, repository_id=queries.get_repository(session, name).id)
    return PageRead[WaitingRead].of(found, WaitingRead.model_validate)


@hooks.post(
    "/git/{provider}",
    status_code=202,
    responses={200: {"model": HookAnswer, "description": "Not a push, or taken before: nothing is done."}},
)
async def receive_git_hook(provider: Provider, request: Request, runtime: RuntimeDep) -> HookAnswer:
    """A forge's webhook, verified by the secret of the repository it names. It queues a sync, and does nothing else."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    delivery = Delivery(provider, headers, await request.body())
    answer: Any = await to_thread.run_sync(partial(_take, runtime, request, delivery))
    return answer if answer.status == "queued" else JSONResponse(answer.model_dump(exclude_none=True), 200)  # type: ignore[return-value]  # FastAPI takes a response as it is


def _take(runtime: Runtime, request: Request, delivery: Delivery) -> HookAnswer:
    refuse_unsigned(delivery)
    payload = _payload(delivery)
    with runtime.reading() as session:
        repository = queries.find_by_keys(session, keys_of(payload))
    if repository is None:
        raise UnknownHook("This repository is not registered.", where="body.repository")
    verify(delivery, repository.secret, now=runtime.clock().timestamp())
    if not delivery.is_push:
        return HookAnswer(status="ignored", reason=f"{delivery.event or 'this'} is not a push"[:200])
    if delivery.id is None:
        raise BadDelivery("The delivery has no id.", where="headers")
    actor = Actor(f"{delivery.provider}:{repository.name}", Role.DEVELOPER, SCOPES[Role.DEVELOPER])
    with runtime.transaction(actor, request_id=request.state.request_id) as writing:
        job = service.take_delivery(writing, repository_id=repository.id, delivery=delivery, delivery_id=delivery.id)
        if job is None:
            return HookAnswer(status="ignored", reason="this delivery was taken before")
        return HookAnswer(status="queued", job_id=job.id)


def _payload(delivery: Delivery) -> Any:
    """The JSON of a body, which GitHub may also put into a form."""
    body: bytes | str = delivery.body
    if delivery.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        try:
            body = parse_qs(delivery.body.decode(), max_num_fields=10).get("payload", [""])[0]
        except ValueError as error:
            raise BadDelivery("The body is not a form.", where="body") from error
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadDelivery("The body is not JSON.", where="body") from error


def _read(session: AnySession, repository: Repository) -> RepositoryRead:
    waiting = queries.count_waiting(session, repository.id)
    return RepositoryRead.of(repository, queries.branches_of(session, repository.id), waiting)


def _tagged(response: Response, repository: RepositoryRead) -> RepositoryRead:
    response.headers["ETag"] = f'"{repository.revision}"'
    return repository
