"""Orders of datasets."""

from domain.datasets.specs import Source
from domain.jobs.spec import JobSpec


class BuildVersion(JobSpec):
    """Make the next version of a dataset from other versions, or from an endpoint's traffic."""

    dataset: str
    source: Source
    message: str


class DiffVersions(JobSpec):
    """Compare two versions, by their ids; their rows by the columns of `key`, or as wholes."""

    before_id: str
    after_id: str
    key: tuple[str, ...] = ()
