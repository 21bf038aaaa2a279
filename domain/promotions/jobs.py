"""Orders of promotions."""

from domain.jobs.spec import JobSpec


class GatherEvidence(JobSpec):
    """Score champion and candidate on the same frozen rows, then let the gates decide."""

    promotion_id: str


class ReplayPromotion(JobSpec):
    """Compute a decision again from what was kept of it."""

    promotion_id: str
