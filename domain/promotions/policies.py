"""What a policy may name: pure but for the suites that the model has. Called where a policy is set."""

from domain.db import AnySession
from domain.errors import unknown
from domain.model_checks.queries import UnknownSuite, suite_names
from domain.promotions.specs import BehaviourGate, Policy


def refuse_unknown_suites(session: AnySession, policy: Policy, *, model_id: str | None) -> None:
    """Raise `UnknownSuite` with near matches for the first gate whose suite the model (None: one to come) lacks."""
    known = suite_names(session, model_id) if model_id is not None else []
    for place, gate in enumerate(policy.gates):
        if isinstance(gate, BehaviourGate) and gate.suite not in known:
            absent = unknown("suite", gate.suite, known)
            fix = absent.fix or "Give it to the model first: `PUT /models/{name}/suites/{suite}`."
            raise UnknownSuite(absent.message, where=f"gates.{place}.suite", fix=fix)
