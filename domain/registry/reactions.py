"""What happens in the registry and its mirror in MLflow. Named in `domain.reactions`."""

from domain.db import WriteSession
from domain.registry import service
from domain.registry.events import AliasMoved, ModelVersionCreated


def version_created(session: WriteSession, event: ModelVersionCreated) -> None:
    service.mirror_version(session, model=event.model, number=event.number, version_id=event.version_id)


def alias_moved(session: WriteSession, event: AliasMoved) -> None:
    service.mirror_alias(session, model=event.model, alias=event.alias)
