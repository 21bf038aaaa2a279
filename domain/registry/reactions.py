"""What happens in the registry and its mirror in MLflow. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.registry import service
from domain.registry.events import (
    AliasChangedOutside,
    AliasMoved,
    ModelVersionCreated,
    VersionRemovedOutside,
)


def version_created(session: WriteSession, event: ModelVersionCreated) -> None:
    service.mirror_version(session, model=event.model, number=event.number, version_id=event.version_id)


def alias_moved(session: WriteSession, event: AliasMoved) -> None:
    service.mirror_alias(session, model=event.model, alias=event.alias)


def alias_changed_outside(session: WriteSession, event: AliasChangedOutside) -> None:
    if event.policy != "flag":
        service.mirror_alias(session, model=event.model, alias=event.alias)


def version_removed_outside(session: WriteSession, event: VersionRemovedOutside) -> None:
    if event.policy != "flag":
        service.mirror_version(session, model=event.model, number=event.number, version_id=event.version_id)
