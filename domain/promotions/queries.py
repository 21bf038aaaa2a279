"""Reads of promotions."""

from sqlalchemy import select

from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.pages import Page, PageRequest, paginate
from domain.promotions.models import Promotion
from domain.promotions.states import PROVEN, PromotionState


class UnknownPromotion(NotFound):
    code = "unknown_promotion"


def get_promotion(session: AnySession, promotion_id: str, *, lock: bool = False) -> Promotion:
    query = select(Promotion).where(Promotion.id == promotion_id)
    promotion = session.scalar(locked(query) if lock else query)
    if promotion is None:
        raise UnknownPromotion(f"There is no promotion {promotion_id!r}.", where="promotion_id")
    return promotion


def list_promotions(
    session: AnySession, page: PageRequest, *, model_id: str | None = None, state: PromotionState | None = None
) -> Page[Promotion]:
    """Newest first."""
    query = select(Promotion)
    if model_id is not None:
        query = query.where(Promotion.model_id == model_id)
    if state is not None:
        query = query.where(Promotion.state == state)
    return paginate(session, query, page, key=Promotion.id)


def proof_of(session: AnySession, version_id: str) -> Promotion | None:
    """The newest promotion by which this version has shown what the policy asked for; None when it never has."""
    query = select(Promotion).where(Promotion.version_id == version_id, Promotion.state.in_(PROVEN))
    return session.scalar(query.order_by(Promotion.id.desc()).limit(1))


def decided(session: AnySession, model_id: str, *, limit: int) -> list[Promotion]:
    """The newest promotions of a model whose gates have decided, newest first."""
    query = select(Promotion).where(Promotion.model_id == model_id, Promotion.decided_at.is_not(None))
    return list(session.scalars(query.order_by(Promotion.decided_at.desc()).limit(limit)))
