"""The champion alias as rollouts move it: with the switch, and back with the rollback. Called by the service."""

from domain.db import WriteSession
from domain.deployments.models import Endpoint, Rollout
from domain.promotions import queries as promotions
from domain.registry import queries as registry
from domain.registry import service as registry_service
from domain.registry.models import ModelVersion, RegisteredModel


def name_champion(session: WriteSession, endpoint: Endpoint, rollout: Rollout, version: ModelVersion) -> None:
    """Move the champion alias as a switch does; AliasConflict when a promotion was judged against another champion."""
    model = session.get_one(RegisteredModel, endpoint.model_id)
    champion = registry.alias_of(session, model, "champion")
    if champion is not None and champion.id == version.id:  # named so by another endpoint of the model
        return
    promotion = promotions.get_promotion(session, rollout.promotion_id) if rollout.promotion_id else None
    if promotion is not None and promotion.applied_at is None:
        registry_service.move_alias(
            session, model=model, alias="champion", version=version, expected=promotion.champion_version_id
        )
    elif rollout.blue_version_id is not None:
        left = session.get_one(ModelVersion, rollout.blue_version_id)
        alias_follows(session, endpoint, left=left, version=version)


def alias_follows(session: WriteSession, endpoint: Endpoint, *, left: ModelVersion, version: ModelVersion) -> None:
    """Name `version` champion if that was the version the endpoint leaves; another endpoint may have moved it since."""
    model = session.get_one(RegisteredModel, endpoint.model_id)
    champion = registry.alias_of(session, model, "champion")
    if champion is not None and champion.id == left.id:
        registry_service.move_alias(session, model=model, alias="champion", version=version, expected=left.id)
