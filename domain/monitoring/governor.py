"""The retrain governor: may a retrain start by itself now? A pure rule over what has happened lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.monitoring.specs import GovernorPolicy
from domain.monitoring.windows import BAD, WindowVerdict


@dataclass(frozen=True)
class GovernorFacts:
    """What has happened to an endpoint and its pipeline.

    `windows`: verdicts, newest first, since the model that answers was switched to. `started`: times of the automatic
    retrains of this pipeline. `failed_gates`: its promotions in a row, newest first, that did not pass.
    """

    windows: Sequence[WindowVerdict]
    broken_columns: Sequence[str]
    in_flight: str | None
    started: Sequence[datetime]
    failed_gates: int


@dataclass(frozen=True)
class Standing:
    """How far each rule is from objecting. `ready_at` is when the cooldown ends, None while there is none."""

    seen: Sequence[WindowVerdict]
    bad: int
    started_today: int
    ready_at: datetime | None
    breaker_open: bool


@dataclass(frozen=True)
class Ruling:
    """`rule` names what decided, `reason` says it to a person."""

    start: bool
    rule: str
    reason: str


def standing(facts: GovernorFacts, policy: GovernorPolicy, now: datetime) -> Standing:
    seen = list(facts.windows[: policy.windows_seen])
    ready = max(facts.started) + timedelta(seconds=policy.cooldown_seconds) if facts.started else now
    return Standing(
        seen=seen,
        bad=sum(verdict in BAD for verdict in seen),
        started_today=sum(now - start < timedelta(days=1) for start in facts.started),
        ready_at=ready if now < ready else None,
        breaker_open=facts.failed_gates >= policy.max_failed_gates,
    )


def may_retrain(facts: GovernorFacts, policy: GovernorPolicy, now: datetime) -> Ruling:
    """The rules in order; the first that objects decides."""
    if facts.broken_columns:
        columns = ", ".join(facts.broken_columns)
        return Ruling(False, "broken_data", f"Broken data is not drift: look at {columns} first.")
    if facts.in_flight is not None:
        return Ruling(False, "in_flight", f"Retrain {facts.in_flight} is still running; one at a time.")
    now_at = standing(facts, policy, now)
    bad, seen, today = now_at.bad, len(now_at.seen), now_at.started_today
    if bad < policy.windows_needed:
        return Ruling(
            False, "hysteresis", f"{bad} of the last {seen} windows are bad; {policy.windows_needed} are needed."
        )
    if now_at.breaker_open:
        return Ruling(
            False,
            "circuit_breaker",
            f"The last {facts.failed_gates} retrains did not pass the gate; more of the same will not help. "
            "Change the data or the features.",
        )
    if now_at.ready_at is not None:
        return Ruling(
            False,
            "cooldown",
            f"The last retrain started {_ago(max(facts.started), now)} ago; "
            f"the next may start in {_ago(now, now_at.ready_at)}.",
        )
    if today >= policy.daily_budget:
        return Ruling(False, "budget", f"{today} retrains started within a day; the budget is {policy.daily_budget}.")
    return Ruling(
        True,
        "go",
        f"{bad} of the last {seen} windows are bad, nothing is running, budget {today} of {policy.daily_budget} used.",
    )


def _ago(start: datetime, end: datetime) -> str:
    seconds = int((end - start).total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
