"""What happens every few seconds: wake what is queued, take back what was lost, and look for what time has made due."""

import socket
from collections.abc import Callable, Sequence

import structlog

from domain.jobs import service as jobs
from workers.toolbox import Toolbox

log = structlog.get_logger(__name__)

Chore = Callable[[Toolbox], None]
_NUDGES_AT_ONCE = 200


def tell_tick(tools: Toolbox) -> None:
    with tools.runtime.transaction() as session:
        jobs.ticked(session, process=socket.gethostname())


def reap_lost(tools: Toolbox) -> None:
    with tools.runtime.transaction() as session:
        lost = jobs.reap(session)
    if lost:
        log.warning("jobs_reaped", jobs=lost)


def nudge_due(tools: Toolbox) -> None:
    """Wake workers for due jobs, unless the broker still holds messages for all it can need."""
    depth = tools.runtime.queue.depth()
    if depth is None or depth > _NUDGES_AT_ONCE:
        return
    with tools.runtime.transaction() as session:
        jobs.due(session, quiet_seconds=tools.runtime.settings.renudge_seconds, limit=_NUDGES_AT_ONCE)


def tick(tools: Toolbox, chores: Sequence[Chore]) -> None:
    """Do every chore; one that fails does not keep the others from their turn."""
    for chore in chores:
        try:
            chore(tools)
        except Exception:  # the next tick tries again
            log.exception("chore_failed", chore=chore.__name__)
