"""Orders of data checks."""

from domain.jobs.spec import JobSpec


class RunDataChecks(JobSpec):
    """Run the dataset's suite on a version; with `force` even if this suite has seen it before."""

    version_id: str
    force: bool = False


class QuarantineRows(JobSpec):
    """Split the rows of a version by the checks that a report says they failed."""

    version_id: str
    report_id: str
    clean: str
    failing: str
    warnings: bool
    column: str
    message: str
