"""Pins: a version that somebody wants kept, whatever else needs it or not."""

from domain.datasets.events import DatasetVersionPinned, DatasetVersionUnpinned
from domain.datasets.models import DatasetPin, DatasetVersion
from domain.datasets.queries import find_pin, refuse_deleted
from domain.datasets.service import subject_of
from domain.db import WriteSession
from domain.events.service import emit


def pin_version(session: WriteSession, *, version: DatasetVersion, reason: str) -> DatasetPin:
    """Keep the version, which is locked, until it is unpinned; `VersionDeleted` when it is too late.

    A pin that is there takes the new reason.
    """
    refuse_deleted(version)
    pin = find_pin(session, version)
    if pin is not None and pin.reason == reason:
        return pin
    if pin is None:
        pin = DatasetPin(version_id=version.id)
        session.add(pin)
    pin.reason, pin.pinned_at, pin.pinned_by = reason, session.now(), session.actor.name
    session.flush()
    emit(
        session,
        DatasetVersionPinned(
            subject=subject_of(version),
            dataset=version.dataset.name,
            number=version.number,
            version_id=version.id,
            reason=reason,
        ),
    )
    return pin


def unpin_version(session: WriteSession, *, version: DatasetVersion) -> None:
    """Take the pin away, if there is one."""
    pin = find_pin(session, version)
    if pin is None:
        return
    session.delete(pin)
    emit(
        session,
        DatasetVersionUnpinned(
            subject=subject_of(version), dataset=version.dataset.name, number=version.number, version_id=version.id
        ),
    )
