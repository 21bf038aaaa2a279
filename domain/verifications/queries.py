"""Reads of verifications, what each is about, and what a damaged chunk or content was part of."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from domain.contents import recipes
from domain.contents.models import Chunk, Content, Pack
from domain.contents.queries import Place, batched
from domain.datasets.models import Dataset, DatasetFile, DatasetVersion
from domain.datasets.states import VersionState
from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.experiments.models import Run
from domain.pages import Page, PageRequest, paginate
from domain.verifications.models import Finding, Verification

_PLACE = (
    Chunk.digest, Chunk.pack_id, Chunk.offset, Chunk.stored, Chunk.encoding, Chunk.base, Chunk.skip, Chunk.size,
)  # fmt: skip
_KEPT_FOR_RUNS: tuple[tuple[Any, str], ...] = (
    (Run.train_rows_md5, "training rows"),
    (Run.train_inputs_md5, "training inputs"),
    (Run.test_rows_md5, "test rows"),
    (Run.reference_md5, "reference"),
    (Run.profile_html_md5, "profile as a page"),
    (Run.profile_speedscope_md5, "profile for speedscope"),
    (Run.profile_text_md5, "profile as text"),
)


class UnknownVerification(NotFound):
    code = "unknown_verification"


def get_verification(session: AnySession, verification_id: str, *, lock: bool = False) -> Verification:
    query = select(Verification).where(Verification.id == verification_id)
    found = session.scalar(locked(query) if lock else query)
    if found is None:
        raise UnknownVerification(f"There is no verification {verification_id!r}.", where="verification_id")
    return found


def list_verifications(session: AnySession, page: PageRequest) -> Page[Verification]:
    """Newest first."""
    return paginate(session, select(Verification), page, key=Verification.id)


def list_findings(session: AnySession, verification: Verification, page: PageRequest) -> Page[Finding]:
    query = select(Finding).where(Finding.verification_id == verification.id)
    return paginate(session, query, page, key=Finding.id, descending=False)


def contents_of(session: AnySession, scope: str | None) -> Iterator[str]:
    """The contents a verification is about, in the order of digests: all of them, or those of a dataset's versions."""
    if scope is None:
        yield from session.scalars(select(Content.digest).order_by(Content.digest).execution_options(yield_per=1_000))
        return
    versions = _versions(scope)
    files = select(DatasetFile.md5).where(DatasetFile.version_id.in_(versions.with_only_columns(DatasetVersion.id)))
    yield from sorted(set(session.scalars(files)))


def chunks_of(session: AnySession, digests: Collection[str]) -> set[bytes]:
    """The chunks that these contents are made of."""
    found: set[bytes] = set()
    for some in batched(digests):
        for recipe in session.scalars(select(Content.recipe).where(Content.digest.in_(some))):
            found.update(recipes.digests(recipe))
    return found


def packs_in_use(session: AnySession) -> list[tuple[str, int]]:
    """Id and size of every pack that is not retired."""
    query = select(Pack.id, Pack.size).where(Pack.retired_at.is_(None)).order_by(Pack.id)
    return list(session.execute(query))


def packs_of(session: AnySession, chunks: Collection[bytes]) -> list[tuple[str, int]]:
    """Id and size of the packs that hold some of these chunks."""
    ids: set[str] = set()
    for some in batched(chunks):
        ids.update(session.scalars(select(Chunk.pack_id).where(Chunk.digest.in_(some)).distinct()))
    return [row for some in batched(sorted(ids)) for row in _sizes(session, some)]


def known_packs(session: AnySession, pack_ids: list[str]) -> set[str]:
    """Those of the packs that have a row, retired or not."""
    return set(session.scalars(select(Pack.id).where(Pack.id.in_(pack_ids))))


def places_in(session: AnySession, pack_id: str) -> list[Place]:
    return [Place(*row) for row in session.execute(select(*_PLACE).where(Chunk.pack_id == pack_id))]


def incomplete(session: AnySession, digests: Collection[str]) -> dict[str, list[bytes]]:
    """Contents whose recipe names chunks that the index does not have, and these chunks."""
    found: dict[str, list[bytes]] = {}
    rows = session.execute(select(Content.digest, Content.recipe).where(Content.digest.in_(digests))).all()
    asked = {digest: list(recipes.digests(recipe)) for digest, recipe in rows}
    known: set[bytes] = set()
    for some in batched({chunk for chunks in asked.values() for chunk in chunks}):
        known.update(session.scalars(select(Chunk.digest).where(Chunk.digest.in_(some))))
    for digest, chunks in asked.items():
        missing = [chunk for chunk in chunks if chunk not in known]
        if missing:
            found[digest] = missing
    return found


def files_without_content(session: AnySession, scope: str | None) -> list[str]:
    """MD5s of files of versions that the store does not know at all."""
    versions = _versions(scope) if scope else select(DatasetVersion.id).where(_standing())
    query = (
        select(DatasetFile.md5)
        .outerjoin(Content, Content.digest == DatasetFile.md5)
        .where(Content.digest.is_(None), DatasetFile.version_id.in_(versions.with_only_columns(DatasetVersion.id)))
    )
    return sorted(set(session.scalars(query)))


def contents_with(session: AnySession, chunks: set[bytes]) -> dict[bytes, list[str]]:
    """For each of the chunks the contents that are made of it: one walk over all recipes."""
    found: dict[bytes, list[str]] = {}
    if not chunks:
        return found
    query = select(Content.digest, Content.recipe).execution_options(yield_per=100)
    for digest, recipe in session.execute(query):
        for chunk in chunks.intersection(recipes.digests(recipe)):
            found.setdefault(chunk, []).append(digest)
    return found


def owners_of(session: AnySession, digests: Collection[str]) -> dict[str, list[str]]:
    """What the contents belong to: files of versions as `name@n path`, and what is kept for runs."""
    found: dict[str, list[str]] = {}
    files = (
        select(DatasetFile.md5, Dataset.name, DatasetVersion.number, DatasetFile.path)
        .join(DatasetVersion, DatasetVersion.id == DatasetFile.version_id)
        .join(Dataset, Dataset.id == DatasetVersion.dataset_id)
        .order_by(Dataset.name, DatasetVersion.number, DatasetFile.path)
    )
    for some in batched(digests):
        for md5, name, number, path in session.execute(files.where(DatasetFile.md5.in_(some), _standing())):
            found.setdefault(md5, []).append(f"{name}@{number} {path}")
        for column, what in _KEPT_FOR_RUNS:
            for md5, run_id in session.execute(select(column, Run.id).where(column.in_(some))):
                found.setdefault(md5, []).append(f"run {run_id} ({what})")
    return found


def _standing() -> ColumnElement[bool]:
    return DatasetVersion.state != VersionState.DELETED


def _versions(scope: str) -> Select[str]:
    name, _, number = scope.partition("@")
    query = select(DatasetVersion.id).join(Dataset, Dataset.id == DatasetVersion.dataset_id)
    query = query.where(Dataset.name == name, _standing())
    return query.where(DatasetVersion.number == int(number)) if number else query


def _sizes(session: AnySession, ids: list[str]) -> list[tuple[str, int]]:
    return list(session.execute(select(Pack.id, Pack.size).where(Pack.id.in_(ids)).order_by(Pack.id)))
