"""The states of a delivery and the moves between them: a pure table."""

from enum import StrEnum


class DeliveryState(StrEnum):
    """`delivered`: the receiver answered 2xx. `failed`: no attempt that was left got that answer."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


# What was told once may be told again, when somebody asks for it.
MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PENDING: frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED}),
    DeliveryState.DELIVERED: frozenset({DeliveryState.PENDING}),
    DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
}


def may_move(old: DeliveryState, new: DeliveryState) -> bool:
    return new in MOVES[old]
