"""Orders of collections."""

from typing import ClassVar

from domain.jobs.spec import JobSpec


class ComputePlan(JobSpec):
    """Find what nothing needs, and write it down."""

    plan_id: str


class ExecutePlan(JobSpec):
    """Look again, and delete what still nothing needs. Goes on where it was stopped."""

    max_attempts: ClassVar[int] = 10
    plan_id: str


class DeleteRetiredPacks(JobSpec):
    """Delete the packs whose chunks lie elsewhere by now, once no reader can be on its way to them."""

    max_attempts: ClassVar[int] = 20
    priority: ClassVar[int] = -10


class RepackStore(JobSpec):
    """Make few large packs of many small ones."""

    priority: ClassVar[int] = -10


class CompressPacks(JobSpec):
    """Compress what large pushes left as it came, and make it differences from what it is like."""

    priority: ClassVar[int] = -10
