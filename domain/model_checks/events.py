"""What happens to suites (`models/{name}/suites/{suite}`) and checks (`models/{name}/versions/{n}`) of models."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class ModelSuiteChanged(Event):
    """The suite `suite` of the model has a new version, `number`."""

    model: str
    suite: str
    number: int
    checks: int


@dataclass(frozen=True, kw_only=True)
class ModelVersionChecked(Event):
    """The checks of the policy have run on the version."""

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
