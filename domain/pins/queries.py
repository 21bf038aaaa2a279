"""Reads of pins."""

from sqlalchemy import select

from domain.db import AnySession
from domain.pins.models import ModelPin


def standing(session: AnySession, model_id: str) -> list[ModelPin]:
    """The pins that every version of the model must get right, oldest first."""
    query = select(ModelPin).where(ModelPin.model_id == model_id, ModelPin.unpinned_at.is_(None))
    return list(session.scalars(query.order_by(ModelPin.id)))
