"""Reads of pins."""

from sqlalchemy import select

from domain.db import AnySession, locked
from domain.errors import NotFound
from domain.pages import Page, PageRequest, paginate
from domain.pins.models import ModelPin


class UnknownPin(NotFound):
    code = "unknown_pin"


def get_pin(session: AnySession, pin_id: str, *, lock: bool = False) -> ModelPin:
    query = select(ModelPin).where(ModelPin.id == pin_id)
    pin = session.scalar(locked(query) if lock else query)
    if pin is None:
        raise UnknownPin(f"There is no pin {pin_id!r}.", where="pin_id")
    return pin


def standing(session: AnySession, model_id: str) -> list[ModelPin]:
    """The pins that every version of the model must get right, oldest first."""
    query = select(ModelPin).where(ModelPin.model_id == model_id, ModelPin.unpinned_at.is_(None))
    return list(session.scalars(query.order_by(ModelPin.id)))


def list_pins(session: AnySession, page: PageRequest, *, model_id: str, standing_only: bool) -> Page[ModelPin]:
    """Newest first; those taken back too, unless only standing ones are asked for."""
    query = select(ModelPin).where(ModelPin.model_id == model_id)
    if standing_only:
        query = query.where(ModelPin.unpinned_at.is_(None))
    return paginate(session, query, page, key=ModelPin.id)
