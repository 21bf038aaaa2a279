"""Orders of gate drills."""

from domain.jobs.spec import JobSpec


class DrillGates(JobSpec):
    """Make the mutants and send them through the checks and gates."""

    drill_id: str
