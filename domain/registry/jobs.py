"""Orders of the registry: the mirror in MLflow, best effort."""

from domain.jobs.spec import JobSpec


class MirrorVersion(JobSpec):
    """Make a version known to MLflow's registry."""

    max_attempts = 8
    priority = -10

    version_id: str


class MirrorAlias(JobSpec):
    """Point MLflow's alias at the version that ours points at."""

    max_attempts = 8
    priority = -10

    model: str
    alias: str


class LookAtMirror(JobSpec):
    """Compare MLflow's registry with ours: what others changed there is told, and put right as each model says."""

    max_attempts = 1
    priority = -10
