"""Orders of model checks."""

from domain.jobs.spec import JobSpec


class RunModelChecks(JobSpec):
    """Run the checks of the model's policy, as it is when the job runs, on a version."""

    version_id: str
