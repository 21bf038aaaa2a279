"""What happens to suites and reports."""

from dataclasses import dataclass

from domain.events.spec import Event


@dataclass(frozen=True, kw_only=True)
class CheckSuiteChanged(Event):
    """The dataset is checked by other rules from now on."""

    dataset: str
    number: int
    checks: int


@dataclass(frozen=True, kw_only=True)
class DataChecksRecorded(Event):
    """The checks of a version have run; the verdict is theirs."""

    dataset: str
    number: int
    version_id: str
    report_id: str
    verdict: str


@dataclass(frozen=True, kw_only=True)
class RowsQuarantined(Event):
    """The failing rows of a version were put aside; `clean` and `failing` are the two versions, as NAME@n."""

    dataset: str
    number: int
    clean: str
    failing: str
    rows: int
    checks: dict[str, int]
