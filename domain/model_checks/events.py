"""What happens to the checks of model versions. The subject is `models/{name}/versions/{n}`."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class ModelVersionChecked(Event):
    model: str
    number: int
    version_id: str
    report_id: str
    verdict: str


@dataclass(frozen=True, kw_only=True)
class ModelChecksFailed(Event):
    """The checks could not be run; nothing is known about the version."""

    model: str
    number: int
    version_id: str
    run_id: str
    reason: str
