"""The states of a promotion and the moves between them: a pure table."""

from enum import StrEnum


class PromotionState(StrEnum):
    """`superseded`: it has passed, and another version became champion first. `overridden`: an admin let it through."""

    REQUESTED = "requested"
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    OVERRIDDEN = "overridden"
    APPLIED = "applied"
    SUPERSEDED = "superseded"


MOVES: dict[PromotionState, frozenset[PromotionState]] = {
    PromotionState.REQUESTED: frozenset({PromotionState.PASSED, PromotionState.FAILED, PromotionState.INCONCLUSIVE}),
    PromotionState.PASSED: frozenset(
        {PromotionState.AWAITING_APPROVAL, PromotionState.APPLIED, PromotionState.SUPERSEDED}
    ),
    PromotionState.FAILED: frozenset({PromotionState.OVERRIDDEN}),
    PromotionState.INCONCLUSIVE: frozenset({PromotionState.OVERRIDDEN}),
    PromotionState.AWAITING_APPROVAL: frozenset(
        {PromotionState.APPROVED, PromotionState.REJECTED, PromotionState.SUPERSEDED}
    ),
    PromotionState.APPROVED: frozenset({PromotionState.APPLIED, PromotionState.SUPERSEDED}),
    PromotionState.REJECTED: frozenset(),
    PromotionState.OVERRIDDEN: frozenset({PromotionState.APPLIED, PromotionState.SUPERSEDED}),
    PromotionState.APPLIED: frozenset(),
    PromotionState.SUPERSEDED: frozenset(),
}
# States whose version may go live: it has shown what the policy asks for, or an admin answers for it.
PROVEN = frozenset({PromotionState.PASSED, PromotionState.APPROVED, PromotionState.OVERRIDDEN, PromotionState.APPLIED})
# Decided in favour, and not live yet: another champion overtakes them.
OVERTAKEN = frozenset(
    {
        PromotionState.PASSED,
        PromotionState.AWAITING_APPROVAL,
        PromotionState.APPROVED,
        PromotionState.OVERRIDDEN,
    }
)


def may_move(old: PromotionState, new: PromotionState) -> bool:
    """Whether a promotion may go from `old` to `new`."""
    return new in MOVES[old]
