"""The book of the alpha budget: what was spent, and taking a share. Called by `service` and by the workers."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from domain.db import AnySession, WriteSession, locked, new_id
from domain.errors import Conflict
from domain.promotions.budget import Spent, allot, on_same_holdout
from domain.promotions.champion import ChampionGate
from domain.promotions.evidence import Allotment, Evidence, digest_of
from domain.promotions.models import AlphaAccount, AlphaSpend, Promotion


class ShareTaken(Conflict):
    """Another comparison took the share meanwhile: compare again at what is left."""

    code = "alpha_share_taken"


@dataclass(frozen=True)
class Purchase:
    """What a comparison is paid with: its question, and the rows of earlier comparisons that are the same holdout.

    `known` are the rows that were looked at to find those.
    """

    question: str
    rows_md5: str
    overlapping: frozenset[str]
    known: frozenset[str]


def question_of(gate: ChampionGate) -> str:
    return digest_of(gate.question())


def spends_of(session: AnySession, model_id: str) -> list[AlphaSpend]:
    """All comparisons of a model, oldest first."""
    return list(session.scalars(select(AlphaSpend).where(AlphaSpend.model_id == model_id).order_by(AlphaSpend.id)))


def find_same(
    session: AnySession, *, version_id: str, champion_version_id: str, question: str, rows_md5: str
) -> Promotion | None:
    """The promotion that has asked the same of the same two versions and rows: its comparison stands."""
    query = select(Promotion).join(AlphaSpend, AlphaSpend.promotion_id == Promotion.id)
    return session.scalar(
        query.where(
            AlphaSpend.version_id == version_id,
            AlphaSpend.champion_version_id == champion_version_id,
            AlphaSpend.question == question,
            AlphaSpend.rows_md5 == rows_md5,
        )
    )


def allotment(session: AnySession, *, model_id: str, gate: ChampionGate, overlapping: Collection[str]) -> Allotment:
    """The share of the next comparison on rows that overlap with those."""
    made = [Spent(one.holdout, one.rows_md5, one.share, one.rejected) for one in spends_of(session, model_id)]
    return allot(gate.budget, gate.alpha, on_same_holdout(made, overlapping))


def spend(
    session: WriteSession, *, promotion: Promotion, gate: ChampionGate, evidence: Evidence, purchase: Purchase
) -> None:
    """Pay for the comparison in `evidence`. `ShareTaken` when the share it was made at is not the next one any more."""
    comparison, taken = evidence.comparison, evidence.alpha
    if comparison is None or taken is None or taken.share is None or promotion.champion_version_id is None:
        raise ValueError("there is no comparison to pay for")
    _lock_account(session, promotion.model_id)
    made = spends_of(session, promotion.model_id)
    same = find_same(
        session,
        version_id=promotion.version_id,
        champion_version_id=promotion.champion_version_id,
        question=purchase.question,
        rows_md5=purchase.rows_md5,
    )
    unseen = {one.rows_md5 for one in made} - purchase.known
    next_one = allotment(session, model_id=promotion.model_id, gate=gate, overlapping=purchase.overlapping)
    if same is not None or unseen or next_one != taken:
        raise ShareTaken("Another comparison on this holdout was paid for meanwhile.", where="alpha")
    spend_id = new_id()
    session.add(
        AlphaSpend(
            id=spend_id,
            model_id=promotion.model_id,
            promotion_id=promotion.id,
            version_id=promotion.version_id,
            champion_version_id=promotion.champion_version_id,
            question=purchase.question,
            rows_md5=purchase.rows_md5,
            holdout=taken.holdout or spend_id,
            rule=taken.rule,
            alpha=taken.alpha,
            share=taken.share,
            rejected=comparison.p_value <= comparison.alpha,
            spent_at=session.now(),
        )
    )
    session.flush()


def _lock_account(session: WriteSession, model_id: str) -> None:
    """One at a time for each model, and not by the model's row: a switch holds that while it waits for promotions."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(AlphaAccount).values(model_id=model_id).on_conflict_do_nothing())
    session.scalar(locked(select(AlphaAccount).where(AlphaAccount.model_id == model_id)))
