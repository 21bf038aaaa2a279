"""Verbs and reads of replays: ask for one, record it, look at those that were made."""

from collections.abc import Sequence

from sqlalchemy import select

from domain.db import AnySession, WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.promotions.events import PromotionReplayed
from domain.promotions.jobs import ReplayPromotion
from domain.promotions.models import Promotion, PromotionReplay
from domain.promotions.queries import get_promotion
from domain.promotions.replay import Replay
from domain.registry.models import ModelVersion, RegisteredModel


class NothingToReplay(Conflict):
    code = "nothing_to_replay"


def request_replay(session: WriteSession, *, promotion_id: str, key: str | None = None) -> Job:
    """Queue the decision to be computed again. Raises `NothingToReplay` while there is none."""
    refuse_undecided(get_promotion(session, promotion_id))
    return jobs.submit(
        session, ReplayPromotion(promotion_id=promotion_id), subject=f"promotions/{promotion_id}", key=key
    )


def refuse_undecided(promotion: Promotion) -> None:
    """Raise `NothingToReplay` while there is no evidence and no decision."""
    if promotion.decision is None:
        fix = "Wait for its job, or ask for the promotion again."
        raise NothingToReplay(f"The promotion is {promotion.state} without a decision.", where="promotion_id", fix=fix)


def record_replay(session: WriteSession, *, promotion_id: str, job_id: str, replay: Replay) -> None:
    """Keep what it came to, once for a job."""
    if session.scalar(select(PromotionReplay.id).where(PromotionReplay.job_id == job_id)) is not None:
        return
    promotion = get_promotion(session, promotion_id)
    session.add(
        PromotionReplay(
            id=new_id(),
            promotion_id=promotion_id,
            job_id=job_id,
            replay=replay.as_json(),
            replayed_at=session.now(),
            replayed_by=session.actor.name,
        )
    )
    emit(
        session,
        PromotionReplayed(
            subject=f"promotions/{promotion_id}",
            model=session.get_one(RegisteredModel, promotion.model_id).name,
            number=session.get_one(ModelVersion, promotion.version_id).number,
            promotion_id=promotion_id,
            same=replay.same,
        ),
    )


def replays_of(session: AnySession, promotion_id: str) -> Sequence[PromotionReplay]:
    """The newest first."""
    query = select(PromotionReplay).where(PromotionReplay.promotion_id == promotion_id)
    return session.scalars(query.order_by(PromotionReplay.id.desc())).all()
