"""Orders of model checks."""

from domain.jobs.spec import JobSpec


class RunModelChecks(JobSpec):
    """Run the checks of the model's policy, as it is when the job runs, on a version.

    With `suite` that suite alone, with `dataset_version_id` on the rows of that version. `fresh` uses nothing again.
    """

    version_id: str
    suite: str | None = None
    dataset_version_id: str | None = None
    fresh: bool = False

    @property
    def partial(self) -> bool:
        """Whether this is a question of its own, whose report no gate takes."""
        return self.suite is not None or self.dataset_version_id is not None
