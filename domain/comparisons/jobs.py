"""Orders of comparisons."""

from domain.jobs.spec import JobSpec


class CompareVersions(JobSpec):
    """Score every version of the comparison on every subset."""

    comparison_id: str
