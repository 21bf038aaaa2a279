"""Reads of repositories: one, pages, branches, the code seen, the pointers that wait."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from domain.datasets.models import Dataset
from domain.db import AnySession, locked
from domain.errors import NotFound, unknown
from domain.pages import Page, PageRequest, paginate
from domain.repositories.models import CodeVersion, HookDelivery, Repository, RepositoryBranch, WaitingPointer


class UnknownRepository(NotFound):
    code = "unknown_repository"


def get_repository(session: AnySession, name: str, *, lock: bool = False) -> Repository:
    """The repository; `UnknownRepository` with near matches otherwise."""
    query = select(Repository).where(Repository.name == name)
    repository = session.scalar(locked(query) if lock else query)
    if repository is None:
        like = unknown("repository", name, session.scalars(select(Repository.name)))
        raise UnknownRepository(like.message, where=like.where, fix=like.fix)
    return repository


def get_repository_by_id(session: AnySession, repository_id: str, *, lock: bool = False) -> Repository:
    query = select(Repository).where(Repository.id == repository_id)
    repository = session.scalar(locked(query) if lock else query)
    if repository is None:
        raise UnknownRepository("The repository is not registered any more.", where="repository_id")
    return repository


def find_by_name(session: AnySession, name: str) -> Repository | None:
    return session.scalar(select(Repository).where(Repository.name == name))


def find_by_keys(session: AnySession, keys: Collection[str]) -> Repository | None:
    """The repository that a webhook is about, with its secret."""
    query = select(Repository).where(Repository.key.in_(keys)).options(undefer(Repository.secret))
    return session.scalar(query.order_by(Repository.id).limit(1))


def list_repositories(session: AnySession, page: PageRequest) -> Page[Repository]:
    return paginate(session, select(Repository), page, key=Repository.id)


def repository_ids(session: AnySession) -> set[str]:
    return set(session.scalars(select(Repository.id)))


def branches_of(session: AnySession, repository_id: str) -> list[RepositoryBranch]:
    query = select(RepositoryBranch).where(RepositoryBranch.repository_id == repository_id)
    return list(session.scalars(query.order_by(RepositoryBranch.name)))


def list_code(session: AnySession, page: PageRequest, *, repository_id: str) -> Page[CodeVersion]:
    """Newest first."""
    query = select(CodeVersion).where(CodeVersion.repository_id == repository_id)
    return paginate(session, query, page, key=CodeVersion.id)


def unannounced_code(session: AnySession, repository_id: str, branch: str) -> list[CodeVersion]:
    """Oldest first."""
    query = select(CodeVersion).where(
        CodeVersion.repository_id == repository_id, CodeVersion.branch == branch, CodeVersion.announced.is_(False)
    )
    return list(session.scalars(query.order_by(CodeVersion.id)))


def waiting_of(session: AnySession, repository_id: str) -> list[WaitingPointer]:
    """In the order of the commits."""
    query = select(WaitingPointer).where(WaitingPointer.repository_id == repository_id)
    return list(session.scalars(query.order_by(WaitingPointer.id)))


def count_waiting(session: AnySession, repository_id: str) -> int:
    query = select(func.count()).select_from(WaitingPointer).where(WaitingPointer.repository_id == repository_id)
    return session.scalar(query) or 0


def list_waiting(session: AnySession, page: PageRequest, *, repository_id: str) -> Page[WaitingPointer]:
    query = select(WaitingPointer).where(WaitingPointer.repository_id == repository_id)
    return paginate(session, query, page, key=WaitingPointer.id)


def waiting_to_look_at(session: AnySession, *, now: datetime, limit: int) -> list[WaitingPointer]:
    query = select(WaitingPointer).where(WaitingPointer.look_at <= now)
    return list(session.scalars(query.order_by(WaitingPointer.look_at).limit(limit)))


def dataset_names(session: AnySession) -> set[str]:
    """Datasets that take versions."""
    return set(session.scalars(select(Dataset.name).where(Dataset.archived_at.is_(None))))


def was_taken(session: AnySession, repository_id: str, delivery: str, body: str | None) -> bool:
    """Whether this delivery, or this signed body under another id, was taken before."""
    same = HookDelivery.delivery == delivery
    if body is not None:
        same |= HookDelivery.body == body
    query = select(HookDelivery.id).where(HookDelivery.repository_id == repository_id, same)
    return session.scalar(query.limit(1)) is not None
