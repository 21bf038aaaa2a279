"""What happens to promotions."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class PromotionRequested(Event):
    """Somebody wants a version to be champion; evidence is gathered."""

    model: str
    number: int
    promotion_id: str


@dataclass(frozen=True, kw_only=True)
class PromotionDecided(Event):
    """The gates have judged the evidence."""

    model: str
    number: int
    promotion_id: str
    verdict: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PromotionApproved(Event):
    """Nothing stands in the way any more: the gates passed, and a person agreed where the policy asks for one."""

    model: str
    number: int
    promotion_id: str


@dataclass(frozen=True, kw_only=True)
class PromotionRejected(Event):
    """A person refused."""

    model: str
    number: int
    promotion_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PromotionOverridden(Event):
    """An admin lets through what the gates did not: seen for ever."""

    model: str
    number: int
    promotion_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PromotionReplayed(Event):
    """`same`: the decision was come to again. None when it could not be computed."""

    model: str
    number: int
    promotion_id: str
    same: bool | None


@dataclass(frozen=True, kw_only=True)
class PromotionNotApplied(Event):
    """The decision stands, and something else stands in its way: the champion has changed, or is being changed."""

    model: str
    number: int
    promotion_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PromotionApplied(Event):
    """The version is champion and answers."""

    model: str
    number: int
    promotion_id: str
