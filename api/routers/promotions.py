"""Promotions: ask, look, approve, reject, override; and the alpha budget they share."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from adapters.signing import signing_key
from api.deps import Admin, Approver, IdempotencyKey, PageDep, ReadDep, Reader, RuntimeDep, WriteDep, Writer
from api.documents import DocumentRoute
from api.evidence_pack import evidence_pack
from api.schemas.jobs import JobRead
from api.schemas.pages import PageRead
from api.schemas.promotions import (
    AlphaBudgetRead,
    AlphaSpendRead,
    EvidenceKeyRead,
    HoldoutRead,
    PromotionOverride,
    PromotionRead,
    PromotionReject,
    ReplayRead,
)
from domain.db import AnySession
from domain.promotions import queries, replays, service
from domain.promotions.budget import Spent, allot
from domain.promotions.models import AlphaSpend, Promotion
from domain.promotions.specs import Policy
from domain.promotions.spending import spends_of
from domain.promotions.states import PromotionState
from domain.registry import queries as registry
from domain.registry.models import ModelVersion, RegisteredModel

router = APIRouter(tags=["promotions"], route_class=DocumentRoute)


def _read(session: AnySession, row: Promotion) -> PromotionRead:
    champion = session.get(ModelVersion, row.champion_version_id) if row.champion_version_id else None
    named = {
        "model": session.get_one(RegisteredModel, row.model_id).name,
        "version": session.get_one(ModelVersion, row.version_id).number,
        "champion_version": champion.number if champion else None,
        "overridden": row.overridden_at is not None,
    }
    plain = {name: getattr(row, name) for name in PromotionRead.model_fields if name not in named}
    return PromotionRead.model_validate({**plain, **named})


@router.post("/models/{name}/versions/{number}/promotions", status_code=202)
def request_promotion(
    name: str,
    number: Annotated[int, Path(ge=1, lt=2**31)],
    session: WriteDep,
    key: IdempotencyKey,
    response: Response,
    _: Writer,
) -> JobRead:
    """Ask that this version become champion. The job gathers evidence; its subject is the promotion."""
    _promotion, job = service.request(session, model=name, number=number, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/models/{name}/versions/{number}/evidence")
def get_evidence(name: str, number: Annotated[int, Path(ge=1, lt=2**31)], session: ReadDep, _: Reader) -> PromotionRead:
    """The newest decision about a version, with all that it rests on; 404 while there is none."""
    return _read(session, queries.evidence_of(session, registry.get_version(session, name, number).id))


@router.get("/promotions")
def list_promotions(
    session: ReadDep, page: PageDep, _: Reader, model: str | None = None, state: PromotionState | None = None
) -> PageRead[PromotionRead]:
    """Promotions, newest first."""
    model_id = registry.get_model(session, model).id if model else None
    found = queries.list_promotions(session, page, model_id=model_id, state=state)
    return PageRead[PromotionRead].of(found, lambda row: _read(session, row))


@router.get("/promotions/{promotion_id}")
def get_promotion(promotion_id: str, session: ReadDep, _: Reader) -> PromotionRead:
    """One promotion with its evidence and the verdict of each gate."""
    return _read(session, queries.get_promotion(session, promotion_id))


@router.post("/promotions/{promotion_id}/approve")
def approve_promotion(promotion_id: str, session: WriteDep, _: Approver) -> PromotionRead:
    """Agree to a promotion that passed its gates; not for who asked for it."""
    return _read(session, service.approve(session, promotion_id=promotion_id))


@router.post("/promotions/{promotion_id}/reject")
def reject_promotion(promotion_id: str, body: PromotionReject, session: WriteDep, _: Approver) -> PromotionRead:
    """Refuse a promotion that passed its gates, with the reason."""
    return _read(session, service.reject(session, promotion_id=promotion_id, reason=body.reason))


@router.post("/promotions/{promotion_id}/override")
def override_promotion(promotion_id: str, body: PromotionOverride, session: WriteDep, _: Admin) -> PromotionRead:
    """In an emergency: let through what failed or was inconclusive. For admins; it is marked for ever."""
    return _read(session, service.override(session, promotion_id=promotion_id, reason=body.reason))


@router.get("/models/{name}/alpha-budget")
def get_alpha_budget(name: str, session: ReadDep, _: Reader) -> AlphaBudgetRead:
    """What the comparisons of this model have spent on each holdout, and what the next one may use."""
    model = registry.get_model(session, name)
    gate = Policy.model_validate(model.policy).against_champion()
    if gate is None:
        return AlphaBudgetRead(model=name, rule=None, alpha=None, fresh=None, holdouts=[])
    by_holdout: dict[str, list[AlphaSpend]] = {}
    for one in spends_of(session, model.id):
        by_holdout.setdefault(one.holdout, []).append(one)
    holdouts = [
        HoldoutRead(
            id=holdout,
            comparisons=[AlphaSpendRead.model_validate(one, from_attributes=True) for one in made],
            next=allot(
                gate.budget, gate.alpha, [Spent(one.holdout, one.rows_md5, one.share, one.rejected) for one in made]
            ),
        )
        for holdout, made in by_holdout.items()
    ]
    fresh = allot(gate.budget, gate.alpha, [])
    return AlphaBudgetRead(model=name, rule=gate.budget, alpha=gate.alpha, fresh=fresh, holdouts=holdouts)


@router.post("/promotions/{promotion_id}/replay", status_code=202)
def replay_promotion(
    promotion_id: str, session: WriteDep, key: IdempotencyKey, response: Response, _: Writer
) -> JobRead:
    """Compute the decision again from what was kept of it; the result is among its replays."""
    job = replays.request_replay(session, promotion_id=promotion_id, key=key)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return JobRead.model_validate(job)


@router.get("/promotions/{promotion_id}/replays")
def list_replays(promotion_id: str, session: ReadDep, _: Reader) -> list[ReplayRead]:
    """Each time that the decision was computed again, the newest first: the same, or what is different."""
    return _replays(session, queries.get_promotion(session, promotion_id).id)


@router.get(
    "/promotions/{promotion_id}/evidence-pack",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}, "description": "evidence.json, report.html, signature.json"}},
)
def get_evidence_pack(promotion_id: str, session: ReadDep, runtime: RuntimeDep, _: Reader) -> Response:
    """Evidence and decision as one signed zip: JSON, a page with plots, and signatures over both."""
    promotion = queries.get_promotion(session, promotion_id)
    replays.refuse_undecided(promotion)
    key = signing_key(runtime.settings.evidence_key_file)
    pack = evidence_pack(_read(session, promotion), _replays(session, promotion.id), key)
    name = f"evidence-{promotion.id}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(pack, media_type="application/zip", headers=headers)


@router.get("/evidence-key")
def get_evidence_key(runtime: RuntimeDep, _: Reader) -> EvidenceKeyRead:
    """The public key that evidence packs of this installation are signed with."""
    return EvidenceKeyRead(algorithm="Ed25519", public_key=signing_key(runtime.settings.evidence_key_file).public)


def _replays(session: AnySession, promotion_id: str) -> list[ReplayRead]:
    return [
        ReplayRead(**row.replay, id=row.id, job_id=row.job_id, replayed_at=row.replayed_at, replayed_by=row.replayed_by)
        for row in replays.replays_of(session, promotion_id)
    ]
