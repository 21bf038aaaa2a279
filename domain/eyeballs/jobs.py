"""Orders of eyeballs."""

from domain.jobs.spec import JobSpec


class PickRows(JobSpec):
    """Score the rows and pick those worth looking at."""

    eyeball_id: str
