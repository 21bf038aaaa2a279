"""Reads of comparisons."""

from sqlalchemy import select

from domain.comparisons.models import VersionComparison
from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.pages import Page, PageRequest, paginate


class UnknownComparison(NotFound):
    code = "unknown_comparison"


def get_comparison(session: AnySession, comparison_id: str, *, lock: bool = False) -> VersionComparison:
    query = select(VersionComparison).where(VersionComparison.id == comparison_id)
    found = session.scalar(locked(query) if lock else query)
    if found is None:
        raise UnknownComparison(f"There is no comparison {comparison_id!r}.", where="comparison_id")
    return found


def list_comparisons(session: AnySession, model_id: str, page: PageRequest) -> Page[VersionComparison]:
    """Those that were asked for under the model, newest first."""
    query = select(VersionComparison).where(VersionComparison.model_id == model_id)
    return paginate(session, query, page, key=VersionComparison.id)
