"""Windows of traffic as clients see them: listed, drawn, as a heat map, and judged again by another policy."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.monitoring.alerts import AlertKind
from domain.monitoring.specs import Distribution, DriftResult, GovernorPolicy, MonitorPolicy, PerformanceResult
from domain.monitoring.windows import WindowState, WindowVerdict


class WindowRead(BaseModel):
    """A window of traffic; `drift` and `performance` are null until they are known.

    `first_at` and `last_at` are when its first and last prediction were made.
    """

    id: str
    version: int | None
    state: WindowState
    verdict: WindowVerdict | None
    rows: int
    first_id: str
    last_id: str
    first_at: datetime | None
    last_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    drift: DriftResult | None
    performance: PerformanceResult | None


class WindowDetail(WindowRead):
    """The same, with what a page draws."""

    endpoint: str
    truths: int = Field(description="How many of its rows have ground truth by now.")
    distributions: list[Distribution] | None = Field(
        description="Reference and window by feature, and by `(prediction)`; null in windows of before they were kept."
    )


class HeatMapWindow(BaseModel):
    """A column of the heat map."""

    id: str
    version: int | None
    verdict: WindowVerdict
    rows: int
    first_at: datetime | None
    last_at: datetime | None
    closed_at: datetime


class HeatMapFeature(BaseModel):
    """A row of the heat map: one value per window, null where the feature could not be compared.

    `drifted` and `broken` are places in the list of windows.
    """

    name: str
    kind: Literal["number", "category"]
    psi: list[float | None]
    threshold: list[float | None]
    drifted: list[int]
    broken: list[int]


class HeatMapRead(BaseModel):
    """Drift by feature and window, the oldest window first; the feature that drifted most often is on top."""

    endpoint: str
    windows: list[HeatMapWindow]
    features: list[HeatMapFeature]


class BacktestCreate(BaseModel):
    """The policies to try, read as `PUT …/monitor` reads them, and what is assumed of retrains that never ran."""

    model_config = ConfigDict(extra="forbid")

    policy: MonitorPolicy = MonitorPolicy()
    governor: GovernorPolicy = GovernorPolicy()
    limit: int = Field(default=500, ge=1, le=2000, description="So many of the newest windows.")
    retrain_seconds: float | None = Field(
        default=None, ge=0, le=30 * 86_400, description="How long a retrain takes; by default as those that ran did."
    )
    gates: Literal["pass", "fail"] = Field(default="pass", description="What the gate says to each retrain.")


class BacktestAlert(BaseModel):
    """An alert that would have opened with `window_id`; `resolved_at` is null when it would still stand."""

    model_config = ConfigDict(from_attributes=True)

    kind: AlertKind
    severity: str
    reason: str
    window_id: str
    opened_at: datetime
    resolved_at: datetime | None
    occurrences: int


class BacktestRuling(BaseModel):
    """What the governor would have said to a window that is not quiet."""

    window_id: str
    at: datetime
    start: bool
    rule: str
    reason: str


class BacktestSide(BaseModel):
    """What one pair of policies makes of the windows."""

    policy: MonitorPolicy
    governor: GovernorPolicy
    verdicts: dict[WindowVerdict, int]
    unknown: int = Field(description="Windows whose verdict cannot be told from what was kept.")
    alerts: list[BacktestAlert]
    retrains: int
    refusals: dict[str, int] = Field(description="Retrains refused, by the rule that did.")
    rulings: list[BacktestRuling]


class BacktestRecorded(BaseModel):
    """What really happened in the time of these windows."""

    verdicts: dict[WindowVerdict, int]
    alerts: int
    retrains: int
    refusals: dict[str, int]


class BacktestWindow(BaseModel):
    """One window: the verdict it was given, and those of the policies in force and proposed, null if unknown."""

    id: str
    version: int
    first_at: datetime | None
    last_at: datetime | None
    at: datetime = Field(description="When it was judged, by the replay's clock.")
    rows: int
    recorded: WindowVerdict
    present: WindowVerdict | None
    proposed: WindowVerdict | None
    drifted: list[str] = Field(description="By the proposed policy.")
    broken: list[str]
    unknown: str | None = Field(description="Why the proposed policy's verdict cannot be told.")


class BacktestRead(BaseModel):
    """A proposed policy beside the one in force, over the same windows, the oldest first."""

    endpoint: str
    metric: str
    changed: int = Field(description="Windows with another verdict than by the policies in force.")
    assumptions: list[str]
    proposed: BacktestSide
    present: BacktestSide
    recorded: BacktestRecorded
    windows: list[BacktestWindow]
