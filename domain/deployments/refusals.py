"""What deployments refuse, and why. Raised by `deployments.service`."""

from domain.db import AnySession
from domain.deployments.models import Endpoint
from domain.deployments.progress import steps_of
from domain.deployments.queries import active_rollout
from domain.deployments.strategies import Strategy
from domain.errors import Conflict
from domain.promotions.models import Promotion
from domain.registry import queries as registry
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.states import VersionState


class RolloutInProgress(Conflict):
    code = "rollout_in_progress"


class NotProven(Conflict):
    code = "version_not_proven"


class AlreadyLive(Conflict):
    code = "already_live"


class VersionIsArchived(Conflict):
    code = "model_version_archived"


class EndpointMoved(Conflict):
    """The endpoint does not answer with the version it had when the rollout began."""

    code = "endpoint_moved"


class ChampionMoved(Conflict):
    """The promotion was judged against a version that is not the champion any more."""

    code = "champion_moved"


class NothingToRollBack(Conflict):
    code = "nothing_to_roll_back"


class WrongRolloutState(Conflict):
    code = "wrong_rollout_state"


class OtherStep(Conflict):
    """The rollout has gone on since the caller looked."""

    code = "rollout_went_on"


class NothingToCompareWith(Conflict):
    """A strategy that judges by what answers now needs something that answers now."""

    code = "nothing_to_compare_with"


class ModelFixed(Conflict):
    code = "endpoint_has_another_model"


def refuse_while_rolling_out(session: AnySession, endpoint: Endpoint) -> None:
    active = active_rollout(session, endpoint.id)
    if active is not None:
        raise RolloutInProgress(
            f"Rollout {active.id} of endpoint {endpoint.name!r} is {active.state}.",
            where="endpoint",
            fix="Wait for it, or abort it.",
        )


def refuse_without_control(endpoint: Endpoint, strategy: Strategy) -> None:
    if endpoint.live_version_id is None and steps_of(strategy):
        raise NothingToCompareWith(
            f"No version answers for endpoint {endpoint.name!r} yet.",
            where="strategy",
            fix="Roll the first version out by blue_green.",
        )


def refuse_archived(version: ModelVersion) -> None:
    if version.state == VersionState.ARCHIVED:
        raise VersionIsArchived(f"Version {version.number} is archived.", where="version")


def refuse_overtaken(session: AnySession, model: RegisteredModel, promotion: Promotion) -> None:
    champion = registry.alias_of(session, model, "champion")
    if (champion.id if champion else None) != promotion.champion_version_id:
        raise ChampionMoved(
            f"Version {champion.number if champion else None} became champion of {model.name!r} meanwhile.",
            where="champion",
            fix="Ask for a promotion again: it is then judged against the new champion.",
        )
