"""A decision computed again, and where it differs from the one that was recorded. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from domain.datasets.specs import Spec
from domain.model_checks.specs import MEASURED, ModelCheckResult, Verdict
from domain.promotions.evidence import Decision, Evidence

# What is different each time by nature: how long it took, whether it was known already.
_PASSING = frozenset({"seconds", "cached"})


class Difference(Spec):
    """Something that was recorded as one value and came out as another."""

    what: str
    recorded: Any
    replayed: Any


class Replay(Spec):
    """What computing the decision again came to. `same` is None when inputs are `missing`, and nothing was computed.

    `as_recorded` names figures that are measured and not computed, and so were taken as they were recorded.
    """

    verdict: Verdict | None
    same: bool | None
    differences: list[Difference] = Field(default=[], max_length=1_000)
    missing: list[str] = Field(default=[])
    as_recorded: list[str] = Field(default=[])


def compared_with(evidence: Evidence, decision: Decision, again: Evidence, anew: Decision) -> Replay:
    """The replay of a decision: every figure of comparison, checks, suites and pins, and every gate's verdict."""
    differences = [
        *_differences("comparison", _plain(evidence.comparison), _plain(again.comparison)),
        *_differences("checks", _by_name(evidence.checks), _by_name(again.checks)),
        *_differences("suites", _suites(evidence), _suites(again)),
        *_differences("pins", _result(evidence.pins), _result(again.pins)),
        *_differences("verdicts", _verdicts(decision), _verdicts(anew)),
    ]
    results = [*evidence.checks, *(result for suite in evidence.suites for result in suite.results)]
    return Replay(
        verdict=anew.verdict,
        same=anew.verdict == decision.verdict and not any(one.what.startswith("verdicts") for one in differences),
        differences=differences[:1_000],
        as_recorded=sorted({result.name or result.gate for result in results if result.gate in MEASURED}),
    )


def _differences(what: str, recorded: Any, replayed: Any) -> Iterator[Difference]:
    """The innermost values that differ, with their places."""
    if isinstance(recorded, Mapping) and isinstance(replayed, Mapping):
        for key in [*recorded, *(key for key in replayed if key not in recorded)]:
            yield from _differences(f"{what}.{key}", recorded.get(key), replayed.get(key))
    elif isinstance(recorded, list) and isinstance(replayed, list) and len(recorded) == len(replayed):
        for place, (one, other) in enumerate(zip(recorded, replayed, strict=True)):
            yield from _differences(f"{what}.{place}", one, other)
    elif recorded != replayed:
        yield Difference(what=what, recorded=recorded, replayed=replayed)


def _plain(value: Spec | None) -> Any:
    return None if value is None else value.as_json()


def _result(result: ModelCheckResult | None) -> Any:
    return None if result is None else {name: at for name, at in result.as_json().items() if name not in _PASSING}


def _by_name(results: list[ModelCheckResult]) -> dict[str, Any]:
    return {f"{place} {result.name or result.gate}": _result(result) for place, result in enumerate(results)}


def _suites(evidence: Evidence) -> dict[str, Any]:
    return {report.suite: _by_name(report.results) for report in evidence.suites}


def _verdicts(decision: Decision) -> dict[str, str]:
    return {f"{place} {gate.gate}": gate.verdict for place, gate in enumerate(decision.gates)}
