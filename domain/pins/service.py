"""Verbs of pins: pin a row, take a pin back. Both are audited; nothing is ever deleted."""

from typing import Any

from domain.db import AnySession, WriteSession, new_id
from domain.errors import Conflict
from domain.events.service import emit
from domain.experiments.models import Run
from domain.pins.events import RowPinned, RowUnpinned
from domain.pins.models import ModelPin
from domain.pins.queries import get_pin, standing
from domain.pins.rules import refuse_unfit
from domain.registry import queries as registry
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.specs import Label, Signature


class PinContradicts(Conflict):
    """The same row is pinned already, to another answer."""

    code = "pin_contradicts"


class AlreadyUnpinned(Conflict):
    code = "already_unpinned"


def pin_row(
    session: WriteSession,
    *,
    version: ModelVersion,
    instance: dict[str, Any],
    expect: Label,
    within: float | None = None,
    answered: Label | None = None,
    note: str = "",
) -> tuple[ModelPin, bool]:
    """Make a row, seen at `version` which `answered` it, a test of the model; False when it stands already.

    Raises `UnfitPin`, or `PinContradicts` when the row is pinned to another answer.
    """
    model = registry.get_model(session, session.get_one(RegisteredModel, version.model_id).name, lock=True)
    refuse_unfit(instance, expect, within, _signature(session, version))
    for pin in standing(session, model.id):
        if pin.instance != instance:
            continue
        if pin.expect["value"] == expect and pin.within == within:
            return pin, False
        what = f"This row is pinned to {pin.expect['value']!r} already."
        raise PinContradicts(what, where="expect", fix=f"Unpin {pin.id} first, and say why.")
    pin = ModelPin(
        id=new_id(),
        model_id=model.id,
        version_id=version.id,
        instance=instance,
        expect={"value": expect},
        answered=None if answered is None else {"value": answered},
        within=within,
        note=note,
        created_at=session.now(),
        created_by=session.actor.name,
    )
    session.add(pin)
    session.flush()
    emit(session, RowPinned(subject=f"models/{model.name}/pins/{pin.id}", model=model.name, pin_id=pin.id, note=note))
    return pin, True


def unpin(session: WriteSession, *, pin_id: str, reason: str) -> ModelPin:
    """Take the test back, for a reason that is kept."""
    pin = get_pin(session, pin_id, lock=True)
    if pin.unpinned_at is not None:
        raise AlreadyUnpinned(f"{pin.unpinned_by} has taken this pin back already.", where="pin_id")
    pin.unpinned_at, pin.unpinned_by, pin.reason = session.now(), session.actor.name, reason
    name = session.get_one(RegisteredModel, pin.model_id).name
    emit(session, RowUnpinned(subject=f"models/{name}/pins/{pin.id}", model=name, pin_id=pin.id, reason=reason))
    return pin


def _signature(session: AnySession, version: ModelVersion) -> Signature:
    return Signature.model_validate(session.get_one(Run, version.run_id).package["signature"])
