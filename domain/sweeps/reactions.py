"""What the end of a run means to the sweep that asked for it. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.experiments.models import Run
from domain.sweeps import service
from domain.training.events import RunCancelled, RunFailed, RunFinished


def run_ended(session: WriteSession, event: RunFinished | RunFailed | RunCancelled) -> None:
    """A trial has ended, well or not: the next one has its turn."""
    run = session.get_one(Run, event.run_id)
    if run.sweep_id is not None:
        service.go_on(session, sweep_id=run.sweep_id)
