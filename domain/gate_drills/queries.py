"""Reads of gate drills."""

from datetime import datetime

from sqlalchemy import select

from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.gate_drills.models import GateDrill, GateDrillSchedule
from domain.jobs.models import Job
from domain.jobs.states import ENDED
from domain.pages import Page, PageRequest, paginate


class UnknownGateDrill(NotFound):
    code = "unknown_gate_drill"


def get_drill(session: AnySession, drill_id: str, *, lock: bool = False) -> GateDrill:
    query = select(GateDrill).where(GateDrill.id == drill_id)
    found = session.scalar(locked(query) if lock else query)
    if found is None:
        raise UnknownGateDrill(f"There is no gate drill {drill_id!r}.", where="drill_id")
    return found


def list_drills(session: AnySession, model_id: str, page: PageRequest) -> Page[GateDrill]:
    """Drills of a model, newest first."""
    return paginate(session, select(GateDrill).where(GateDrill.model_id == model_id), page, key=GateDrill.id)


def drill_in_flight(session: AnySession, model_id: str) -> GateDrill | None:
    query = select(GateDrill).join(Job, GateDrill.job_id == Job.id)
    return session.scalar(query.where(GateDrill.model_id == model_id, Job.state.not_in(ENDED)).limit(1))


def due_schedules(session: AnySession, now: datetime, *, limit: int = 20) -> list[GateDrillSchedule]:
    """Schedules whose time has come, the longest overdue first."""
    query = select(GateDrillSchedule).where(GateDrillSchedule.due_at <= now)
    return list(session.scalars(locked(query.order_by(GateDrillSchedule.due_at).limit(limit))))
