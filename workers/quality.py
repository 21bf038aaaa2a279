"""What ground truth says about both versions of a rollout. Called by its job; the watcher judges what comes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from domain.db import AnySession
from domain.deployments.evidence import Labelled, QualityCounts
from domain.deployments.models import Endpoint, Rollout
from domain.deployments.progress import steps_of
from domain.deployments.queries import get_rollout, strategy_of
from domain.deployments.rollout import ON_TRIAL, RolloutState
from domain.deployments.specs import EndpointSettings
from domain.errors import DomainError
from domain.experiments.models import Run
from domain.monitoring.queries import TruthValue, truth_between
from domain.registry.models import ModelVersion
from serving.engine import Loaded
from serving.segments import label_text
from workers.scoring import engine
from workers.toolbox import Toolbox
from workers.traffic import PREFIX, SHADOWS, first_id_at, list_segments, read_segments, sent
from workers.validation import is_redacted

_Answer = tuple[str, Any]
_STEPS = {RolloutState.SHADOWING, RolloutState.CANARY, RolloutState.TESTING}


@dataclass(frozen=True)
class _Stretch:
    """A span of time in which requests were drawn by one share; none after the switch."""

    since: datetime
    until: datetime | None
    share: float | None

    def holds(self) -> pl.Expr:
        """Whether a recorded row was answered in it."""
        after = pl.col("at") >= self.since
        return after if self.until is None else after & (pl.col("at") < self.until)


@dataclass(frozen=True)
class _Judged:
    """The rollout, its two versions, and when one of their answers is wrong."""

    endpoint: Endpoint
    control: ModelVersion
    candidate: ModelVersion
    tolerance: float
    numbers: bool
    stretches: list[_Stretch]

    def wrong(self, answer: Any, truth: TruthValue) -> bool:
        if self.numbers:
            return not abs(float(answer) - float(truth)) <= self.tolerance
        return label_text(answer) != label_text(truth)


def wrong_answers(tools: Toolbox, rollout_id: str) -> QualityCounts | None:
    """Wrong answers of both versions, as far as the truth is known by now, step by step; None once it is over.

    After the switch nobody is answered by the old version any more. It is given the rows that the new one answered,
    so that a world that changes after the switch is not held against the new one.
    """
    with tools.runtime.reading() as session:
        rollout = get_rollout(session, rollout_id)
        judged = _judged(session, rollout) if rollout.state in ON_TRIAL | {RolloutState.SWITCHED} else None
    if judged is None or not judged.stretches:
        return None
    with engine(tools) as models:
        after = any(stretch.share is None for stretch in judged.stretches)
        old = models.load(judged.control.package_digest) if after else None
        return QualityCounts(parts=_count(tools, judged, old))


def began(rollout: Rollout) -> datetime | None:
    """Since when labels count for a rollout: its first step, or its switch."""
    stretches = _stretches(rollout)
    return stretches[0].since if stretches else None


def _judged(session: AnySession, rollout: Rollout) -> _Judged | None:
    if rollout.blue_version_id is None:
        return None
    endpoint = session.get_one(Endpoint, rollout.endpoint_id)
    control = session.get_one(ModelVersion, rollout.blue_version_id)
    candidate = session.get_one(ModelVersion, rollout.version_id)
    run = session.get_one(Run, control.run_id)
    stretches = _stretches(rollout)
    if is_redacted(EndpointSettings.model_validate(endpoint.settings), run):  # nobody can ask the control again
        stretches = [stretch for stretch in stretches if stretch.share is not None]
    return _Judged(
        endpoint=endpoint,
        control=control,
        candidate=candidate,
        tolerance=(rollout.probe or {}).get("tolerance", 0.0),
        numbers=run.spec.get("task") == "regression",
        stretches=stretches,
    )


def _stretches(rollout: Rollout) -> list[_Stretch]:
    shares = [terms.share for terms in steps_of(strategy_of(rollout.strategy))]
    starts: dict[int, datetime] = {}
    for moment in rollout.history:
        if moment["state"] in _STEPS:
            starts.setdefault(moment["step"], datetime.fromisoformat(moment["at"]))
    switched = rollout.ended_at if rollout.state == RolloutState.SWITCHED else None
    ends = [*list(starts.values())[1:], switched]
    found = [_Stretch(since, until, shares[step]) for (step, since), until in zip(starts.items(), ends, strict=False)]
    return [*found, _Stretch(switched, None, None)] if switched is not None else found


def _count(tools: Toolbox, judged: _Judged, old: Loaded | None) -> list[Labelled]:
    # Nobody drew lots for a shadow: both versions answered the same requests.
    counts = [Labelled(share=stretch.share or None).model_dump() for stretch in judged.stretches]
    shadow = _shadow(tools, judged) if any(stretch.share == 0 for stretch in judged.stretches) else {}
    for rows, truth in _labelled(tools, judged, PREFIX):
        for stretch, count in zip(judged.stretches, counts, strict=True):
            mine, theirs = _answers(rows.filter(stretch.holds()), judged, stretch, shadow, old)
            for arm, answered in (("candidate", mine), ("control", theirs)):
                count[f"{arm}_rows"] += len(answered)
                count[f"{arm}_wrong"] += sum(judged.wrong(answer, truth[key]) for key, answer in answered)
    return [Labelled.model_validate(count) for count in counts]


def _answers(
    rows: pl.DataFrame, judged: _Judged, stretch: _Stretch, shadow: dict[str, Any], old: Loaded | None
) -> tuple[list[_Answer], list[_Answer]]:
    """What the candidate and the control said in a stretch, by the id of the prediction."""
    mine = rows.filter(pl.col("version") == judged.candidate.number)
    theirs = rows.filter(pl.col("version") == judged.control.number)
    if stretch.share == 0:
        theirs = theirs.filter(pl.col("id").is_in(list(shadow)))
        return [(key, shadow[key]) for key in theirs["id"]], _pairs(theirs)
    if stretch.share is None and old is not None:
        mine, answers = _replayed(old, mine)
        return _pairs(mine), list(zip(mine["id"], answers, strict=True))
    return _pairs(mine), _pairs(theirs)


def _pairs(rows: pl.DataFrame) -> list[_Answer]:
    return list(zip(rows["id"], rows["prediction"], strict=True))


def _shadow(tools: Toolbox, judged: _Judged) -> dict[str, Any]:
    """What the candidate said to copies of requests whose truth is known, by the id that the caller was given."""
    return {key: answer for rows, _ in _labelled(tools, judged, SHADOWS) for key, answer in _pairs(rows)}


def _labelled(tools: Toolbox, judged: _Judged, home: str) -> Iterator[tuple[pl.DataFrame, dict[str, TruthValue]]]:
    """Segment by segment, so that memory does not grow with traffic: rows of either version whose truth is known.

    One row of each request: those of one request are answered by one version, and are wrong together.
    """
    versions = [judged.control.number, judged.candidate.number]
    since = first_id_at(judged.stretches[0].since)
    for segment in list_segments(tools.runtime.models, judged.endpoint.name, since_id=since, home=home):
        with tools.runtime.reading() as session:
            truth = truth_between(session, judged.endpoint.id, first_id=segment.first_id, last_id=segment.last_id)
        if truth:
            rows = read_segments(tools.runtime.models, [segment.key])
            known = rows.filter(
                pl.col("id").is_in(list(truth)), pl.col("version").is_in(versions), pl.col("prediction").is_not_null()
            )
            yield known.unique(["at", "version"], keep="first", maintain_order=True), truth


def _replayed(old: Loaded, rows: pl.DataFrame) -> tuple[pl.DataFrame, list[Any]]:
    """The rows that the old version can answer as well, and its answers."""
    places, answers = [], []
    for place, row in enumerate(sent(rows)) if rows.height else ():
        try:
            answers.append(old.model.predict([row], extra="record").values[0])
        except DomainError as error:
            if error.kind != "invalid":
                raise
            continue
        places.append(place)
    return rows[places], answers
