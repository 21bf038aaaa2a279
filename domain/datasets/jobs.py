"""Orders of datasets."""

from domain.datasets.specs import Source
from domain.jobs.spec import JobSpec


class BuildVersion(JobSpec):
    """Make the next version of a dataset from other versions, an endpoint's traffic, or a Git repository."""

    dataset: str
    source: Source
    message: str


class DiffVersions(JobSpec):
    """Compare two versions, by their ids."""

    before_id: str
    after_id: str
