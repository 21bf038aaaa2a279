"""Orders of data checks."""

from domain.jobs.spec import JobSpec


class RunDataChecks(JobSpec):
    """Run the dataset's suite on a version; with `force` even if this suite has seen it before."""

    version_id: str
    force: bool = False
