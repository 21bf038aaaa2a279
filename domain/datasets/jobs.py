"""Orders of datasets."""

from domain.datasets.specs import Source
from domain.jobs.spec import JobSpec


class BuildVersion(JobSpec):
    """Make the next version of a dataset from other versions, an endpoint's traffic, or a Git repository."""

    dataset: str
    source: Source
    message: str
    # Of a build that a declared recipe ordered: its revision, and the version that set it off.
    revision: int | None = None
    after_id: str | None = None


class DiffVersions(JobSpec):
    """Compare two versions, by their ids; their rows by the columns of `key`, or as wholes."""

    before_id: str
    after_id: str
    key: tuple[str, ...] = ()
