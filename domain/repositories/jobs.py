"""Orders of repositories."""

from domain.jobs.spec import JobSpec


class SyncRepository(JobSpec):
    """Look what moved in a repository, and take it over."""

    # A forge that is away for a minute.
    max_attempts = 6

    repository_id: str
