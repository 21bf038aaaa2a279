"""Verbs of repositories: register, change, remove, ask for a sync, take a webhook, and record what a sync found.

Of one repository at most one sync is queued or runs; whoever asks meanwhile sets `wanted`, and one more follows.
All who decide that hold the repository's row, so that no push is lost between the end of a sync and the next one.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import delete, select

from domain.db import AnySession, WriteSession, locked, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.states import ENDED, JobState
from domain.repositories.addresses import GitAddress, parse_address
from domain.repositories.events import (
    RepositoryChanged,
    RepositoryRegistered,
    RepositoryRemoved,
    RepositorySyncFailed,
)
from domain.repositories.hooks import Delivery, Provider, new_secret
from domain.repositories.jobs import SyncRepository
from domain.repositories.models import HookDelivery, Repository
from domain.repositories.queries import find_by_name, get_repository, get_repository_by_id, was_taken
from domain.repositories.specs import Expectation

# A push is announced before it happens: so long is waited for its commits.
EXPECT_SECONDS = 120.0
FIRST_LOOK_SECONDS = 2.0
_LONGEST_LOOK_SECONDS = 20.0
_MOST_EXPECTED = 20
_DELIVERIES_KEPT = timedelta(days=30)


class RepositoryExists(Conflict):
    code = "repository_exists"


def register(
    session: WriteSession,
    *,
    name: str,
    address: GitAddress,
    branches: Sequence[str] = (),
    pointers: Mapping[str, str] | None = None,
) -> tuple[Repository, str]:
    """Follow a repository from now on, and the secret for its webhook, which is not to be had again."""
    standing = session.scalar(
        select(Repository).where((Repository.name == name) | (Repository.key == address.key)).limit(1)
    )
    if standing is not None:
        same = "name" if standing.name == name else "address"
        raise RepositoryExists(
            f"The repository {standing.name!r} has this {same}.", where=same, fix="Change that one, or remove it."
        )
    secret = new_secret()
    repository = Repository(
        id=new_id(),
        name=name,
        address=address.text,
        key=address.key,
        branches=list(branches),
        pointers=dict(pointers or {}),
        secret=secret,
        expected=[],
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(repository)
    session.flush()
    emit(session, RepositoryRegistered(subject=_subject(repository), name=name, address=address.text))
    request_sync(session, name=name)
    return repository, secret


def change(
    session: WriteSession,
    *,
    repository: Repository,
    branches: Sequence[str] | None = None,
    pointers: Mapping[str, str] | None = None,
) -> Repository:
    """Follow other branches, or map pointers elsewhere: every pointer is looked at again. `repository` is locked."""
    new_branches = repository.branches if branches is None else list(branches)
    new_pointers = repository.pointers if pointers is None else dict(pointers)
    if (new_branches, new_pointers) != (repository.branches, repository.pointers):
        repository.branches, repository.pointers = new_branches, new_pointers
        repository.revision += 1
        emit(
            session,
            RepositoryChanged(subject=_subject(repository), name=repository.name, revision=repository.revision),
        )
        request_sync(session, name=repository.name, rescan=True)
    return repository


def renew_secret(session: WriteSession, *, name: str) -> str:
    """Another secret: deliveries signed with the old one are refused from now on."""
    repository = get_repository(session, name, lock=True)
    repository.secret = secret = new_secret()
    repository.revision += 1
    emit(session, RepositoryChanged(subject=_subject(repository), name=name, revision=repository.revision))
    return secret


def remove(session: WriteSession, *, name: str) -> None:
    """Follow the repository no longer. Versions that came from it stay, and keep where they are from."""
    job = _sync_of(session, get_repository(session, name))
    if job is not None and job.state not in ENDED:  # the job's row before the repository's, as a sync that ends has it
        jobs.cancel(session, job.id, reason=f"the repository {name!r} was removed")
    repository = get_repository(session, name, lock=True)
    emit(session, RepositoryRemoved(subject=_subject(repository), name=name))
    session.execute(delete(Repository).where(Repository.id == repository.id))


def address_of(session: AnySession, git: str) -> GitAddress:
    """The address of the repository registered under this name, or the address that it is. Raises BadAddress."""
    known = find_by_name(session, git)
    return parse_address(git if known is None else known.address, where="source.git")


def request_sync(session: WriteSession, *, name: str, expect: Expectation | None = None, rescan: bool = False) -> Job:
    """The job that will look at the repository after now: a new one, or the one that is queued, or that runs.

    With `expect`, commits that will be pushed in a moment are waited for, up to two minutes.
    """
    repository = get_repository(session, name, lock=True)
    repository.rescan = repository.rescan or rescan
    if expect is not None:
        others = [one for one in repository.expected if one["branch"] != expect.branch]
        repository.expected = [*others, expect.as_json()][-_MOST_EXPECTED:]
    job = _sync_of(session, repository)
    if job is None or job.state in ENDED:
        return _submit(session, repository, delay_seconds=FIRST_LOOK_SECONDS if expect is not None else 0.0)
    if job.state == JobState.RUNNING:
        repository.wanted = True
    elif expect is None and job.attempt == 0:  # it waits for a push that was announced, and this one has happened
        jobs.hasten(session, job.id)
    session.flush()
    return job


def take_delivery(session: WriteSession, *, repository_id: str, delivery: Delivery, delivery_id: str) -> Job | None:
    """The sync that a verified delivery asks for; None when it, or its signed body, was taken before."""
    repository = get_repository_by_id(session, repository_id, lock=True)
    # GitHub signs the body and not the id: the same body under another id is a replay as well.
    body = sha256(delivery.body).hexdigest() if delivery.provider == Provider.GITHUB else None
    if was_taken(session, repository.id, delivery_id, body):
        return None
    now = session.now()
    session.execute(
        delete(HookDelivery).where(
            HookDelivery.repository_id == repository.id, HookDelivery.received_at < now - _DELIVERIES_KEPT
        )
    )
    session.add(
        HookDelivery(id=new_id(), repository_id=repository.id, delivery=delivery_id, body=body, received_at=now)
    )
    session.flush()
    return request_sync(session, name=repository.name)


def begin_sync(session: WriteSession, *, repository_id: str, job_id: str) -> Repository | None:
    """The repository for this job to look at; None when another job is on it, which is asked for one more look."""
    repository = get_repository_by_id(session, repository_id, lock=True)
    if repository.sync_job_id != job_id:
        other = _sync_of(session, repository)
        if other is not None and other.state not in ENDED:
            repository.wanted = True
            return None
        repository.sync_job_id = job_id
    repository.wanted = False  # what is asked for from here on may have happened after the look at the remote
    return repository


def sync_ended(session: WriteSession, *, job_id: str, failed: str | None = None) -> None:
    """A sync job has ended. If somebody asked meanwhile, or an announced push has not arrived, one more follows."""
    repository = session.scalar(locked(select(Repository).where(Repository.sync_job_id == job_id)))
    if repository is None:
        return
    if failed is not None:
        repository.error = failed
        emit(session, RepositorySyncFailed(subject=_subject(repository), name=repository.name, reason=failed))
    if repository.wanted:
        _submit(session, repository)
    elif repository.expected and failed is None:
        asked_at = max(one["asked_at"] for one in repository.expected)
        age = session.now().timestamp() - asked_at
        _submit(session, repository, delay_seconds=min(_LONGEST_LOOK_SECONDS, max(FIRST_LOOK_SECONDS, age / 2)))


def _submit(session: WriteSession, repository: Repository, *, delay_seconds: float = 0.0) -> Job:
    spec = SyncRepository(repository_id=repository.id)
    job = jobs.submit(session, spec, subject=_subject(repository), delay_seconds=delay_seconds)
    repository.sync_job_id = job.id
    repository.wanted = False
    session.flush()
    return job


def _sync_of(session: WriteSession, repository: Repository) -> Job | None:
    """The newest sync as it is now: the row is read anew, since workers move it without asking the repository."""
    if repository.sync_job_id is None:
        return None
    query = select(Job).where(Job.id == repository.sync_job_id).execution_options(populate_existing=True)
    return session.scalar(query)


def _subject(repository: Repository) -> str:
    return f"repositories/{repository.name}"
