"""Production validation: real rows, replayed on green and blue before anybody is answered by green."""

import math
import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl

from domain.deployments.evidence import Expected, expect
from domain.deployments.specs import EndpointSettings
from domain.deployments.strategies import BlueGreen, Strategy
from domain.errors import DomainError, Unavailable
from domain.experiments.models import Run
from domain.registry.models import ModelVersion
from ml.frames import rows_as_json
from serving.engine import Loaded
from serving.segments import label_text
from workers.scoring import engine, read_parquet
from workers.toolbox import Toolbox
from workers.traffic import first_id_at, list_segments, read_segments, sent

_ROWS = 200
# With fewer recorded rows than this, the test rows of the version say more.
_ENOUGH_RECORDED = 50
_RECENT = timedelta(hours=6)
_WARM_UP = 5
_SHOWN = 5
# Of the recorded rows, so many may not fit green: callers send odd ones.
_MOST_UNFIT = 0.05
# Slower than blue by this factor, and slow at all, is no matter of a noisy machine.
_SLOWER, _SLOW_MS = 10.0, 100.0
_SAME = 1e-4
# Who differs on this share of what two would differ on that know nothing of each other has not seen the rows.
_BY_CHANCE = 0.9


@dataclass(frozen=True)
class Colour:
    """A version with the run that made it."""

    version: ModelVersion
    run: Run


@dataclass(frozen=True)
class Case:
    """What is to be validated: green for this endpoint, beside blue if there is one."""

    endpoint: str
    settings: EndpointSettings
    green: Colour
    blue: Colour | None
    strategy: Strategy


@dataclass
class Validation:
    """What was seen, as the rollout keeps it, and what speaks against green, as sentences."""

    probe: dict[str, Any]
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Asked:
    """What a version said to each row: a value, or why it said nothing."""

    values: list[Any]
    unfit: dict[int, str]
    died: dict[int, str]
    milliseconds: list[float]

    def p99(self) -> float | None:
        timed = self.milliseconds[_WARM_UP:] or self.milliseconds
        return float(np.percentile(timed, 99)) if timed else None


@dataclass(frozen=True)
class _Rows:
    """`answers` are those that green itself gave when the rows were recorded; None where it did not."""

    rows: list[dict[str, Any]]
    source: str
    answers: list[Any]


def validate(tools: Toolbox, case: Case) -> Validation:
    """Replay real rows: all answered, finite, as recorded, in time; and how far green and blue differ on them.

    The rows are recorded ones of the last hours, or, where there are too few, or columns of them are not kept, the test
    rows of green's run.
    """
    asked = _recorded(tools, case) or _test_rows(tools, case)
    with engine(tools) as models:
        loaded = models.load(case.green.version.package_digest)
        green = _ask(loaded, asked.rows)
        blue = _ask_blue(models.load, case, asked.rows)
        flavor = loaded.model.package.flavor
    timed = green.milliseconds
    found = Validation(
        {
            "rows": len(asked.rows),
            "source": asked.source,
            "ms_per_row": round(sum(timed) / max(1, len(timed)), 3),
            "p99_ms": _rounded(green.p99()),
            "flavor": flavor,
        }
    )
    _answered(found, asked, green)
    _finite(found, asked, green)
    _as_recorded(found, asked, green)
    _in_time(found, case, green, blue)
    if blue is not None and case.blue is not None:
        expected = _compare(found, case.blue, green, blue)
        _better_than_chance(found, case.strategy, expected)
    return found


def is_redacted(settings: EndpointSettings, run: Run) -> bool:
    """Whether the endpoint does not keep a column that the model of this run is asked by."""
    inputs = run.package.get("signature", {}).get("inputs", [])
    return not {column["name"] for column in inputs}.isdisjoint(settings.redact)


def _recorded(tools: Toolbox, case: Case) -> _Rows | None:
    """None where there are too few, or where they are not what callers sent."""
    if is_redacted(case.settings, case.green.run):
        return None
    since = first_id_at(tools.runtime.clock() - _RECENT)
    keys: list[str] = []
    count = 0
    for segment in reversed(list(list_segments(tools.runtime.models, case.endpoint, since_id=since))):
        keys.append(segment.key)
        count += segment.rows
        if count >= _ROWS:
            break
    if count < _ENOUGH_RECORDED:
        return None
    rows = read_segments(tools.runtime.models, keys).filter(pl.col("mode") == "live").tail(_ROWS)
    if rows.height < _ENOUGH_RECORDED:
        return None
    same = rows["package"] == case.green.version.package_digest
    answers = [
        value if mine else None for value, mine in zip(rows["prediction"].to_list(), same.to_list(), strict=True)
    ]
    return _Rows(sent(rows), "recorded rows", answers)


def _test_rows(tools: Toolbox, case: Case) -> _Rows:
    frame = read_parquet(tools, case.green.run.test_rows_md5).head(_ROWS)
    return _Rows(rows_as_json(frame), "test rows", [None] * frame.height)


def _ask(loaded: Loaded, rows: Sequence[dict[str, Any]]) -> _Asked:
    """One row at a time, as most callers do."""
    values: list[Any] = []
    unfit: dict[int, str] = {}
    died: dict[int, str] = {}
    milliseconds = []
    for place, row in enumerate(rows):
        started = time.perf_counter()
        try:
            values.append(loaded.model.predict([row], extra="record").values[0])
        except Unavailable:
            raise
        except DomainError as error:
            values.append(None)
            (unfit if error.kind == "invalid" else died)[place] = error.message
            continue
        milliseconds.append((time.perf_counter() - started) * 1000)
    return _Asked(values, unfit, died, milliseconds)


def _ask_blue(load: Any, case: Case, rows: Sequence[dict[str, Any]]) -> _Asked | None:
    """None without a blue one, or where its package cannot be had: that is no fault of green."""
    if case.blue is None:
        return None
    try:
        return _ask(load(case.blue.version.package_digest), rows)
    except DomainError:
        return None


def _answered(found: Validation, asked: _Rows, green: _Asked) -> None:
    if green.died:
        _problem(found, "failed", f"{len(green.died)} of {len(asked.rows)} rows it failed to answer", asked, green.died)
    if green.unfit and (asked.source == "test rows" or len(green.unfit) > _MOST_UNFIT * len(asked.rows)):
        sentence = f"{len(green.unfit)} of {len(asked.rows)} {asked.source} do not fit its signature"
        _problem(found, "unfit", sentence, asked, green.unfit)


def _finite(found: Validation, asked: _Rows, green: _Asked) -> None:
    strange = {
        place: f"answered {value}"
        for place, value in enumerate(green.values)
        if isinstance(value, float) and not math.isfinite(value)
    }
    if strange:
        sentence = f"{len(strange)} of {len(asked.rows)} answers are not finite numbers"
        _problem(found, "strange", sentence, asked, strange)


def _as_recorded(found: Validation, asked: _Rows, green: _Asked) -> None:
    """Where green itself has answered before, it answers the same again."""
    known = [
        (place, then, now)
        for place, (then, now) in enumerate(zip(asked.answers, green.values, strict=True))
        if then is not None and now is not None
    ]
    found.probe["recorded_by_itself"] = len(known)
    other = {place: f"answered {now}, and {then} before" for place, then, now in known if not _same(then, now)}
    if other:
        sentence = f"{len(other)} of {len(known)} rows are answered otherwise than by the same version before"
        _problem(found, "parity", sentence, asked, other)


def _in_time(found: Validation, case: Case, green: _Asked, blue: _Asked | None) -> None:
    mine, others = green.p99(), blue.p99() if blue is not None else None
    found.probe["blue_p99_ms"] = _rounded(others)
    if mine is None:
        return
    if mine > case.settings.deadline_ms:
        found.problems.append(
            f"99 % of its answers take up to {mine:.0f} ms, and the endpoint's deadline is"
            f" {case.settings.deadline_ms} ms."
        )
    elif others is not None and mine > max(_SLOW_MS, _SLOWER * others):
        found.problems.append(f"99 % of its answers take up to {mine:.0f} ms, those of the live version {others:.1f}.")


def _compare(found: Validation, control: Colour, green: _Asked, blue: _Asked) -> Expected:
    """What a trial is to expect: how often the two disagree, how their answers spread, and by which measure."""
    pairs = [
        (theirs, ours)
        for theirs, ours in zip(blue.values, green.values, strict=True)
        if theirs is not None and ours is not None
    ]
    numbers = control.run.spec.get("task") == "regression"
    tolerance = _typical_error(control.run, [theirs for theirs, _ in pairs]) if numbers else 0.0
    bins = _deciles([theirs for theirs, _ in pairs]) if numbers else []
    differ = [
        abs(theirs - ours) > tolerance if numbers else label_text(theirs) != label_text(ours) for theirs, ours in pairs
    ]
    named = [(_name(theirs, bins, numbers=numbers), _name(ours, bins, numbers=numbers)) for theirs, ours in pairs]
    expected = expect(named, disagreements=sum(differ), numbers=numbers) if named else Expected()
    found.probe |= {"bins": bins, "tolerance": tolerance, "expected": expected.model_dump(mode="json")}
    return expected


def _better_than_chance(found: Validation, strategy: Strategy, expected: Expected) -> None:
    """A candidate that is judged beside blue has to agree with it more than one that has not seen the rows."""
    given = isinstance(strategy, BlueGreen) or strategy.analysis.max_disagreement is not None
    if not given and expected.chance and expected.disagreement >= _BY_CHANCE * expected.chance:
        found.problems.append(
            f"It differs from the live version on {expected.disagreement:.1%} of {expected.rows} rows, and one that"
            f" had not seen them would on {expected.chance:.1%}. If the live one is what guesses, set"
            " `analysis.max_disagreement`, or switch by blue_green."
        )


def _name(value: Any, bins: list[float], *, numbers: bool) -> str:
    return str(bisect_right(bins, value)) if numbers else label_text(value)


def _typical_error(run: Run, answers: Sequence[float]) -> float:
    """The mean absolute error of the control on its test rows; unknown, a tenth of how its answers spread."""
    known = run.metrics.get("test_mae")
    if isinstance(known, float | int) and math.isfinite(known) and known > 0:
        return float(known)
    return 0.1 * float(np.std(answers)) if answers else 0.0


def _deciles(answers: Sequence[float]) -> list[float]:
    finite = [answer for answer in answers if math.isfinite(answer)]
    return sorted({float(edge) for edge in np.quantile(finite, np.arange(0.1, 1.0, 0.1))}) if finite else []


def _same(then: Any, now: Any) -> bool:
    if isinstance(then, float) and isinstance(now, int | float):
        return math.isclose(then, now, rel_tol=_SAME, abs_tol=_SAME)
    return bool(then == label_text(now))


def _problem(found: Validation, name: str, sentence: str, asked: _Rows, why: dict[int, str]) -> None:
    places = list(why)[:_SHOWN]
    found.problems.append(f"{sentence}, as: {why[places[0]]}")
    found.probe.setdefault("failing_rows", []).extend(
        {"check": name, "row": asked.rows[place], "why": why[place]} for place in places
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
