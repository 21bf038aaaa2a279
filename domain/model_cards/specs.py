"""The card of a model version, its history, and cards side by side, as plain values."""

from datetime import datetime
from typing import Any

from domain.datasets.specs import Spec
from domain.model_checks.specs import ModelCheckResult, SliceMetric
from domain.registry.specs import Agreement, InputColumn, Label


class CardData(Spec):
    """What it was trained on. `verdict` is that of the newest data checks; None when there were none."""

    dataset: str
    digest: str
    rows: int | None
    state: str
    verdict: str | None


class CardTraining(Spec):
    run_id: str
    experiment: str
    trainer: str
    params: dict[str, Any]
    features: list[str] | None
    split: dict[str, Any]
    seed: int
    code_commit: str | None
    environment: dict[str, Any]
    environment_digest: str
    metrics: dict[str, float]
    notes: list[str]
    ended_at: datetime | None
    created_by: str


class CardMetric(Spec):
    """A metric on the frozen test rows; with an interval where the checks have one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


class CardCheck(Spec):
    """What one check came to; `suite` names the suite it is from, None for the policy's own."""

    suite: str | None
    result: ModelCheckResult


class CardSlice(Spec):
    check: str
    suite: str | None
    slice: SliceMetric


class CardPromotion(Spec):
    """A request to become champion: what the gates said, of which evidence, and who agreed."""

    id: str
    state: str
    verdict: str | None
    reason: str
    gates: list[dict[str, Any]]
    comparison: dict[str, Any] | None
    frozen_rows: str | None
    requested_by: str
    requested_at: datetime
    approver: str | None


class ModelCard(Spec):
    """Empty texts are what nobody has written; None and empty lists are what nobody has measured."""

    model: str
    number: int
    state: str
    aliases: list[str]
    task: str
    target: str
    classes: list[Label]
    inputs: list[InputColumn]
    description: str
    version_description: str
    intended_use: str
    limits: str
    tags: dict[str, str]
    data: CardData
    training: CardTraining
    frozen_rows: str
    metrics: list[CardMetric]
    checks_verdict: str | None
    checks_policy: int | None
    checked_at: datetime | None
    checks: list[CardCheck]
    slices: list[CardSlice]
    weak_slices: list[CardCheck]
    fairness: list[CardCheck]
    behaviour: list[CardCheck]
    calibration: list[CardCheck]
    found_limits: list[str]
    promotions: list[CardPromotion]
    flavor: str
    flavor_reason: str
    agreement: Agreement | None
    size: int
    latency: CardCheck | None
    memory: CardCheck | None
    created_at: datetime
    created_by: str


class HistoryEntry(Spec):
    """Something that happened to a version. `what` is a word, `detail` one sentence."""

    at: datetime
    what: str
    who: str
    detail: str = ""


class SideMetric(Spec):
    """One metric of every version, in the order of `versions`; None where a version has none."""

    name: str
    values: list[CardMetric | None]


class SideRow(Spec):
    """One fact of every version, in the order of `versions`."""

    name: str
    values: list[Any]


class SideBySide(Spec):
    """Versions beside each other, with the metrics on each one's own frozen rows.

    `same_rows` says whether these are the same for all, and `warning` what follows when they are not. `params` has
    only what differs.
    """

    versions: list[str]
    same_question: bool
    same_rows: bool
    warning: str | None
    metrics: list[SideMetric]
    params: list[SideRow]
    same_data: bool
    data: list[CardData]
    slices: list[SideRow]
    checks: list[SideRow]
    verdicts: list[str | None]
    promotions: list[str | None]
    flavors: list[str]
    sizes: list[int]
    latencies: list[float | None]
