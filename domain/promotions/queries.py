"""Reads of promotions."""

from sqlalchemy import select

from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.pages import Page, PageRequest, paginate
from domain.promotions.models import Promotion
from domain.promotions.states import OVERTAKEN, PROVEN, PromotionState


class UnknownPromotion(NotFound):
    code = "unknown_promotion"


class NoEvidence(NotFound):
    code = "no_evidence"


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


def evidence_of(session: AnySession, version_id: str) -> Promotion:
    """The newest promotion of the version that was decided; `NoEvidence` while there is none."""
    query = select(Promotion).where(Promotion.version_id == version_id, Promotion.decision.is_not(None))
    promotion = session.scalar(query.order_by(Promotion.id.desc()).limit(1))
    if promotion is None:
        fix = "Ask for its promotion: POST …/promotions."
        raise NoEvidence("Nothing has been decided about this version yet.", where="number", fix=fix)
    return promotion


def proof_of(session: AnySession, version_id: str) -> Promotion | None:
    """The newest promotion by which this version has shown what the policy asked for; None when it never has."""
    query = select(Promotion).where(Promotion.version_id == version_id, Promotion.state.in_(PROVEN))
    return session.scalar(query.order_by(Promotion.id.desc()).limit(1))


def decided(session: AnySession, model_id: str, *, limit: int) -> list[Promotion]:
    """The newest promotions of a model whose gates have decided, newest first."""
    query = select(Promotion).where(Promotion.model_id == model_id, Promotion.decided_at.is_not(None))
    return list(session.scalars(query.order_by(Promotion.decided_at.desc()).limit(limit)))


def rejected_by_a_person(session: AnySession, version_id: str, policy_version: int) -> Promotion | None:
    """The promotion of this version that a person refused under this version of the policy."""
    query = select(Promotion).where(
        Promotion.version_id == version_id,
        Promotion.policy_version == policy_version,
        Promotion.state == PromotionState.REJECTED,
    )
    return session.scalar(query.limit(1))


def waiting_for_checks(session: AnySession, version_id: str) -> list[Promotion]:
    """Promotions of this version whose evidence has not been gathered."""
    query = select(Promotion).where(Promotion.version_id == version_id, Promotion.state == PromotionState.REQUESTED)
    return list(session.scalars(query.order_by(Promotion.id)))


def overtaken_by(session: AnySession, promotion: Promotion) -> list[Promotion]:
    """Promotions of the same model that passed and are not live, locked; those in other hands look for themselves."""
    query = select(Promotion).where(
        Promotion.model_id == promotion.model_id, Promotion.id != promotion.id, Promotion.state.in_(OVERTAKEN)
    )
    found = query.order_by(Promotion.id).with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return list(session.scalars(found))


def overridden_by(session: AnySession, version_id: str) -> str | None:
    """The admin who put this version past the gate, if one ever did."""
    query = select(Promotion.overridden_by).where(
        Promotion.version_id == version_id, Promotion.overridden_at.is_not(None)
    )
    return session.scalar(query.order_by(Promotion.id).limit(1))
