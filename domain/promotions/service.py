"""Verbs of promotions: request, decide, approve, reject, override, apply or not. Only here their state moves."""

from typing import Any

from domain.db import WriteSession, new_id
from domain.errors import Conflict, Forbidden
from domain.events.service import emit
from domain.jobs import service as jobs
from domain.jobs.models import Job
from domain.jobs.queries import find_by_key
from domain.promotions.checked import await_checks
from domain.promotions.events import (
    PromotionApplied,
    PromotionApproved,
    PromotionDecided,
    PromotionNotApplied,
    PromotionOverridden,
    PromotionRejected,
    PromotionRequested,
)
from domain.promotions.evidence import digest_of
from domain.promotions.jobs import GatherEvidence
from domain.promotions.models import Promotion
from domain.promotions.queries import get_promotion, overtaken_by, rejected_by_a_person
from domain.promotions.specs import Decision, Evidence, Policy
from domain.promotions.spending import Purchase, spend
from domain.promotions.states import OVERTAKEN, PromotionState, may_move
from domain.registry import queries as registry
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.states import VersionState

VERDICT_STATE = {
    "pass": PromotionState.PASSED,
    "fail": PromotionState.FAILED,
    "inconclusive": PromotionState.INCONCLUSIVE,
}


class NotPromotable(Conflict):
    code = "not_promotable"


class VersionRejected(Conflict):
    """A person has refused this version under the policy as it is."""

    code = "version_rejected"


class WrongPromotionState(Conflict):
    code = "wrong_promotion_state"


class ApproverIsAuthor(Forbidden):
    code = "approver_is_author"


def request(session: WriteSession, *, model: str, number: int, key: str | None = None) -> tuple[Promotion, Job]:
    """Ask that version `number` become champion: queues the gathering of evidence under the policy of this moment.

    It begins when the checks of that policy have been run on the version.
    The same `key` again gives what the first request made, even once the version is champion.
    """
    standing = find_by_key(session, key)
    if standing is not None:
        return get_promotion(session, standing.payload["promotion_id"]), standing
    registered = registry.get_model(session, model)
    version = registry.get_version(session, model, number)
    champion = registry.alias_of(session, registered, "champion")
    _refuse_unpromotable(session, registered, version, champion)
    promotion_id = new_id()
    job = jobs.submit(
        session,
        GatherEvidence(promotion_id=promotion_id),
        subject=f"promotions/{promotion_id}",
        key=key,
        delay_seconds=await_checks(session, registered, version),
    )
    promotion = Promotion(
        id=promotion_id,
        model_id=registered.id,
        version_id=version.id,
        champion_version_id=champion.id if champion else None,
        state=PromotionState.REQUESTED,
        policy=registered.policy,
        policy_version=registered.policy_version,
        job_id=job.id,
        requested_by=session.actor.name,
        requested_at=session.now(),
    )
    session.add(promotion)
    session.flush()
    emit(
        session,
        PromotionRequested(subject=f"promotions/{promotion_id}", model=model, number=number, promotion_id=promotion_id),
    )
    return promotion, job


def record_decision(
    session: WriteSession,
    *,
    promotion_id: str,
    evidence: Evidence,
    decision: Decision,
    purchase: Purchase | None = None,
) -> Promotion:
    """Write evidence and decision, once. What passed waits for approval or is approved, as the policy says.

    A new comparison is paid for by `purchase`; `ShareTaken` when another one was faster, and nothing is written.
    """
    promotion = get_promotion(session, promotion_id, lock=True)
    if promotion.decision is not None:  # the job died after recording
        return promotion
    model, version = _named(session, promotion)
    policy = Policy.model_validate(promotion.policy)
    gate = policy.against_champion()
    if purchase is not None and gate is not None:
        spend(session, promotion=promotion, gate=gate, evidence=evidence, purchase=purchase)
    promotion.evidence = evidence.model_dump(mode="json")
    promotion.decision = decision.model_dump(mode="json")
    promotion.rows_md5 = evidence.rows_md5
    promotion.record_digest = digest_of(record_of(promotion))
    promotion.reason = decision.reason
    promotion.decided_at = session.now()
    _move(promotion, VERDICT_STATE[decision.verdict])
    emit(
        session,
        PromotionDecided(
            subject=f"promotions/{promotion.id}",
            model=model.name,
            number=version.number,
            promotion_id=promotion.id,
            verdict=decision.verdict,
            reason=decision.reason,
        ),
    )
    if promotion.state == PromotionState.PASSED:
        if policy.approval == "required":
            _move(promotion, PromotionState.AWAITING_APPROVAL)
        else:
            _approved(session, promotion, model, version)
    return promotion


def record_of(promotion: Promotion) -> dict[str, Any]:
    """What `record_digest` is over: all that was decided, of what, by which rules, and who asked."""
    return {
        "promotion": promotion.id,
        "policy": promotion.policy,
        "policy_version": promotion.policy_version,
        "evidence": promotion.evidence,
        "decision": promotion.decision,
        "author": promotion.requested_by,
    }


def give_up(session: WriteSession, *, promotion_id: str, reason: str) -> None:
    """The evidence could not be gathered: the question stays open, and it is said why."""
    promotion = get_promotion(session, promotion_id, lock=True)
    if promotion.state != PromotionState.REQUESTED:
        return
    model, version = _named(session, promotion)
    promotion.reason = f"The evidence could not be gathered: {reason}"
    promotion.decided_at = session.now()
    _move(promotion, PromotionState.INCONCLUSIVE)
    emit(
        session,
        PromotionDecided(
            subject=f"promotions/{promotion.id}",
            model=model.name,
            number=version.number,
            promotion_id=promotion.id,
            verdict="inconclusive",
            reason=promotion.reason,
        ),
    )


def approve(session: WriteSession, *, promotion_id: str) -> Promotion:
    """A person other than the author agrees."""
    promotion = _awaiting(session, promotion_id)
    if promotion.requested_by == session.actor.name:
        raise ApproverIsAuthor(
            "Who asked for a promotion cannot approve it.", where="token", fix="Ask a colleague with the approver role."
        )
    model, version = _named(session, promotion)
    _move(promotion, PromotionState.APPROVED)
    promotion.approver = session.actor.name
    promotion.approved_at = session.now()
    _approved(session, promotion, model, version)
    return promotion


def reject(session: WriteSession, *, promotion_id: str, reason: str) -> Promotion:
    promotion = _awaiting(session, promotion_id)
    model, version = _named(session, promotion)
    _move(promotion, PromotionState.REJECTED)
    promotion.approver = session.actor.name
    promotion.reason = reason
    emit(
        session,
        PromotionRejected(
            subject=f"promotions/{promotion.id}",
            model=model.name,
            number=version.number,
            promotion_id=promotion.id,
            reason=reason,
        ),
    )
    return promotion


def override(session: WriteSession, *, promotion_id: str, reason: str) -> Promotion:
    """An admin lets through what the gates did not. It goes live like an approved one, and is marked for ever."""
    promotion = get_promotion(session, promotion_id, lock=True)
    model, version = _named(session, promotion)
    if promotion.state not in {PromotionState.FAILED, PromotionState.INCONCLUSIVE}:
        raise WrongPromotionState(
            f"The promotion is {promotion.state}: only one that failed or was inconclusive can be overridden.",
            where="state",
        )
    _refuse_unpromotable(session, model, version, registry.alias_of(session, model, "champion"))
    _move(promotion, PromotionState.OVERRIDDEN)
    promotion.overridden_by = session.actor.name
    promotion.overridden_at = session.now()
    promotion.override_reason = reason
    emit(
        session,
        PromotionOverridden(
            subject=f"promotions/{promotion.id}",
            model=model.name,
            number=version.number,
            promotion_id=promotion.id,
            reason=reason,
        ),
    )
    _approved(session, promotion, model, version)
    return promotion


def applied(session: WriteSession, *, promotion_id: str) -> None:
    """The version is champion now. Called in the commit that moves the alias; a second time changes nothing.

    Whatever else had passed was judged against another champion: it is superseded.
    """
    promotion = get_promotion(session, promotion_id, lock=True)
    if promotion.state == PromotionState.APPLIED:
        return
    model, version = _named(session, promotion)
    _move(promotion, PromotionState.APPLIED)
    promotion.applied_at = session.now()
    emit(
        session,
        PromotionApplied(
            subject=f"promotions/{promotion.id}", model=model.name, number=version.number, promotion_id=promotion.id
        ),
    )
    session.flush()
    for other in overtaken_by(session, promotion):
        if other.champion_version_id != version.id:
            _superseded(session, other, f"Version {version.number} became champion of {model.name!r} meanwhile.")


def not_applied(session: WriteSession, *, promotion_id: str, reason: str, superseded: bool = False) -> None:
    """The decision stands, but something else is in its way; the promotion says what.

    `superseded`: another version is champion, so that this one was judged against the wrong one, for good.
    """
    promotion = get_promotion(session, promotion_id, lock=True)
    if superseded and promotion.state in OVERTAKEN:
        _superseded(session, promotion, reason)
    else:
        _say_not_applied(session, promotion, reason)


def _superseded(session: WriteSession, promotion: Promotion, reason: str) -> None:
    _move(promotion, PromotionState.SUPERSEDED)
    _say_not_applied(session, promotion, reason)


def _say_not_applied(session: WriteSession, promotion: Promotion, reason: str) -> None:
    model, version = _named(session, promotion)
    promotion.reason = f"{promotion.reason} Not applied: {reason}".strip()
    emit(
        session,
        PromotionNotApplied(
            subject=f"promotions/{promotion.id}",
            model=model.name,
            number=version.number,
            promotion_id=promotion.id,
            reason=reason,
        ),
    )


def _refuse_unpromotable(
    session: WriteSession, model: RegisteredModel, version: ModelVersion, champion: ModelVersion | None
) -> None:
    named = f"{model.name} version {version.number}"
    if version.state == VersionState.ARCHIVED:
        raise NotPromotable(f"{named} is archived.", where="number", fix="Register a new version.")
    if champion is not None and champion.id == version.id:
        raise NotPromotable(f"{named} is the champion already.", where="number", fix="Promote another version.")
    refused = rejected_by_a_person(session, version.id, model.policy_version)
    if refused is not None:
        raise VersionRejected(
            f"{named} was rejected by {refused.approver} under this policy: {refused.reason}",
            where="number",
            fix="Register a new version, or change the policy.",
        )


def _awaiting(session: WriteSession, promotion_id: str) -> Promotion:
    promotion = get_promotion(session, promotion_id, lock=True)
    if promotion.state != PromotionState.AWAITING_APPROVAL:
        raise WrongPromotionState(f"The promotion is {promotion.state}, it does not await approval.", where="state")
    return promotion


def _approved(session: WriteSession, promotion: Promotion, model: RegisteredModel, version: ModelVersion) -> None:
    emit(
        session,
        PromotionApproved(
            subject=f"promotions/{promotion.id}", model=model.name, number=version.number, promotion_id=promotion.id
        ),
    )


def _named(session: WriteSession, promotion: Promotion) -> tuple[RegisteredModel, ModelVersion]:
    return session.get_one(RegisteredModel, promotion.model_id), session.get_one(ModelVersion, promotion.version_id)


def _move(promotion: Promotion, state: PromotionState) -> None:
    if not may_move(promotion.state, state):
        raise WrongPromotionState(f"A promotion cannot go from {promotion.state} to {state}.", where="state")
    promotion.state = state
