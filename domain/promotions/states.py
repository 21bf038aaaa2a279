"""The states of a promotion and the moves between them: a pure table."""

from enum import StrEnum


class PromotionState(StrEnum):
    REQUESTED = "requested"
    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    APPLIED = "applied"


MOVES: dict[PromotionState, frozenset[PromotionState]] = {
    PromotionState.REQUESTED: frozenset({PromotionState.PASSED, PromotionState.FAILED, PromotionState.INCONCLUSIVE}),
    PromotionState.PASSED: frozenset({PromotionState.AWAITING_APPROVAL, PromotionState.APPLIED}),
    PromotionState.FAILED: frozenset(),
    PromotionState.INCONCLUSIVE: frozenset(),
    PromotionState.AWAITING_APPROVAL: frozenset({PromotionState.APPROVED, PromotionState.REJECTED}),
    PromotionState.APPROVED: frozenset({PromotionState.APPLIED}),
    PromotionState.REJECTED: frozenset(),
    PromotionState.APPLIED: frozenset(),
}
# States whose version has shown what the policy asks for.
PROVEN = frozenset({PromotionState.PASSED, PromotionState.APPROVED, PromotionState.APPLIED})


def may_move(old: PromotionState, new: PromotionState) -> bool:
    """Whether a promotion may go from `old` to `new`."""
    return new in MOVES[old]
