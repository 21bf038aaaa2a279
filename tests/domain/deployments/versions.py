"""Model versions that have shown their worth, without a training: for tests of what is done with them."""

from domain.access.actor import SCOPES, Actor, Role
from domain.db import WriteSession
from domain.promotions import service as promotions
from domain.promotions.models import Promotion
from domain.promotions.specs import Decision, Evidence
from domain.registry import service as registry
from domain.registry.models import ModelVersion
from domain.registry.queries import find_model
from tests.finished_runs import finished_run, make_data

ANN = Actor("ann", Role.DEVELOPER, SCOPES[Role.DEVELOPER])
BOB = Actor("bob", Role.APPROVER, SCOPES[Role.APPROVER])


def add_versions(session: WriteSession, count: int) -> list[ModelVersion]:
    """Versions 1 to `count` of a new model `m`."""
    data = make_data(session)
    model = registry.create_model(session, name="m", task="regression", target="y")
    return [registry.add_version(session, model=model, run_id=finished_run(session, data)) for _ in range(count)]


def require_approval(session: WriteSession) -> None:
    model = find_model(session, "m", lock=True)
    assert model is not None
    registry.set_policy(session, model=model, policy={"gates": [], "approval": "required"})


def request(session: WriteSession, number: int) -> str:
    return promotions.request(session, model="m", number=number)[0].id


def decide(session: WriteSession, promotion_id: str, *, verdict: str = "pass") -> Promotion:
    """What the job records once the evidence is there."""
    evidence = Evidence(
        policy_version=1,
        candidate_version=1,
        champion_version=None,
        check_report_id=None,
        frozen_rows=None,
        comparison=None,
    )
    decision = Decision.model_validate({"verdict": verdict, "gates": [], "reason": f"it came to {verdict}."})
    return promotions.record_decision(session, promotion_id=promotion_id, evidence=evidence, decision=decision)
