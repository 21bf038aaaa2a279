"""What follows from a gate drill. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.gate_drills.events import GatesDrilled
from domain.monitoring import service as monitoring


def gates_drilled(session: WriteSession, event: GatesDrilled) -> None:
    """What gets through opens the model's alert or updates it; a drill that all mutants failed resolves it."""
    if not event.got_through:
        monitoring.gates_hold(session, model_id=event.model_id)
        return
    monitoring.gates_leak(
        session,
        model_id=event.model_id,
        reason=f"{len(event.got_through)} of {event.mutants} mutants got through the gates of {event.model!r}: "
        f"{', '.join(event.got_through)}.",
        next_step=f"Read {event.subject}, and add the gates or checks that would have caught them.",
    )
