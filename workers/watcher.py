"""Judges rollouts on live traffic, several times a second, and moves them. A thread of `beat`, see `workers.main`.

It keeps nothing that matters: states are rows, counts are objects in the model store. Two of them at once do no harm,
since a move is refused when the rollout is not where it was seen any more.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from pydantic import ValidationError

from adapters.object_store.protocol import ObjectMissing
from domain.deployments import steps
from domain.deployments.analysis import analyse
from domain.deployments.bands import bands
from domain.deployments.course import Point
from domain.deployments.evidence import Analysed, Expected, QualityCounts, StepCounts, total
from domain.deployments.jobs import CountQuality
from domain.deployments.models import Endpoint, Rollout
from domain.deployments.progress import Decision, Move, decide, steps_of
from domain.deployments.queries import expected_of, get_rollout, judged_rollouts, strategy_of
from domain.deployments.rollout import ACTIVE, RolloutState
from domain.deployments.specs import TrialCounts
from domain.errors import Conflict, NotFound
from domain.jobs import service as jobs
from domain.monitoring.queries import truth_since
from workers.handlers.deployments import publish
from workers.quality import began
from workers.toolbox import Toolbox
from workers.traffic import first_id_at

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
_KEEP_SECONDS = 3.0
# So that the course of a rollout that is over within seconds can be seen.
_MORE = 1.05
_TRUTH_SECONDS = 5.0
_SWEEP_SECONDS = 60.0
# While something is wrong with the store or the database, it is not asked four times a second.
_TROUBLE_SECONDS = 1.0


@dataclass
class _Memory:
    """What one watcher remembers of a rollout, so as not to write or to ask the same again and again."""

    verdict: str = ""
    requests: int = 0
    kept_at: float = float("-inf")
    truth_at: float = float("-inf")
    truth: object = field(default=(0, None))


class Watcher:
    """`look` is one round; `run` looks until it is told to stop."""

    def __init__(
        self, tools: Toolbox, *, keep_seconds: float = _KEEP_SECONDS, truth_seconds: float = _TRUTH_SECONDS
    ) -> None:
        self._tools = tools
        self._keep_seconds = keep_seconds
        self._truth_seconds = truth_seconds
        self._memories: defaultdict[str, _Memory] = defaultdict(_Memory)
        self._swept_at = time.monotonic()

    def run(self, stop: threading.Event, *, seconds: float = LOOK_SECONDS) -> None:
        wait = seconds
        while not stop.wait(wait):
            try:
                self.look()
                wait = seconds
            except Exception:  # the database may be away: rollouts stay as they are until it is back
                log.exception("watching_rollouts_failed")
                wait = _TROUBLE_SECONDS

    def look(self) -> None:
        """Judge every rollout that is on trial, or that late labels may still roll back."""
        runtime = self._tools.runtime
        with runtime.reading() as session:
            rollouts = judged_rollouts(session, runtime.clock())
            names = {one.id: session.get_one(Endpoint, one.endpoint_id).name for one in rollouts}
        for rollout in rollouts:
            try:
                self._ask_for_quality(rollout)
                if rollout.state == RolloutState.SWITCHED:
                    self._judge_late(rollout, names[rollout.id])
                else:
                    self._judge(rollout, names[rollout.id])
            except Exception:  # one that cannot be judged does not keep the others from it
                log.exception("rollout_not_judged", rollout_id=rollout.id)
        for gone in self._memories.keys() - names.keys():
            del self._memories[gone]
        if time.monotonic() - self._swept_at > _SWEEP_SECONDS:
            self._swept_at = time.monotonic()
            self.sweep()

    def sweep(self) -> None:
        """Delete the counts of rollouts that are over: what they came to is kept in the row."""
        store = self._tools.runtime.models
        by_rollout: defaultdict[str, list[str]] = defaultdict(list)
        for info in store.list("trials"):
            by_rollout[info.key.split("/")[1]].append(info.key)
        for rollout_id, keys in by_rollout.items():
            if not self._is_under_way(rollout_id):
                for key in keys:
                    store.delete(key)

    def _is_under_way(self, rollout_id: str) -> bool:
        with self._tools.runtime.reading() as session:
            try:
                return get_rollout(session, rollout_id).state in ACTIVE
            except NotFound:
                return False

    def _judge(self, rollout: Rollout, endpoint: str) -> None:
        runtime = self._tools.runtime
        at = steps.seen(rollout)
        counted = self._counts(rollout)
        terms = steps_of(strategy_of(rollout.strategy))[rollout.step]
        expected, quality = expected_of(rollout), _quality(rollout)
        found = analyse(counted, terms.analysis, expected=expected, quality=quality)
        now = runtime.clock()
        seconds = (now - rollout.step_began_at).total_seconds() if rollout.step_began_at else 0.0
        decision = decide(terms, state=at.state, verdict=found.verdict, seconds=seconds, because=_because(found))
        requests = sum(step.drawn for step in counted)
        if decision.move == Move.HOLD and not self._is_news(rollout.id, found.verdict, requests):
            return
        point = Point(
            at=now,
            step=at.step,
            requests=requests,
            bands=bands(counted, terms.analysis, expected=expected, quality=quality),
        )
        analysis = _kept(found, counted[-1], seconds) | {"at": now.isoformat()}
        judge = partial(steps.judge, rollout_id=rollout.id, at=at, analysis=analysis, point=point)
        try:
            with runtime.transaction() as session:
                moved = judge(session, decision=decision)
        except Conflict as error:  # the champion or the endpoint was moved past the rollout: it cannot switch any more
            decision = Decision(Move.ROLL_BACK, error.message)
            with runtime.transaction() as session:
                moved = judge(session, decision=decision)
        if moved is not None and decision.move != Move.HOLD:
            log.info("rollout_moved", rollout_id=rollout.id, move=decision.move, reason=decision.reason)
            publish(self._tools, endpoint)

    def _judge_late(self, rollout: Rollout, endpoint: str) -> None:
        """Only what labels say: the requests of the trial have been judged."""
        quality = _quality(rollout)
        if quality is None or not quality.parts:
            return
        analysis = strategy_of(rollout.strategy).analysis
        found = analyse([StepCounts(share=0.0)], analysis, expected=Expected(), quality=quality)
        late = next((finding for finding in found.findings if finding.name == "quality"), None)
        if late is None or (late.verdict != "fail" and not self._is_news(rollout.id, str(late.e_value))):
            return
        seen = rollout.analysis or _kept(Analysed(verdict=late.verdict, findings=[]), StepCounts(share=0.0), 0.0)
        kept = seen | {"at": self._tools.runtime.clock().isoformat(), "late": late.model_dump(mode="json")}
        failed = late.sentence if late.verdict == "fail" else None
        point = Point(
            at=self._tools.runtime.clock(),
            step=len(steps_of(strategy_of(rollout.strategy))),
            requests=sum(part.candidate_rows for part in quality.parts if part.share is None),
            bands=bands([], analysis, expected=Expected(), quality=quality),
        )
        with self._tools.runtime.transaction() as session:
            done = steps.judge_late(session, rollout_id=rollout.id, analysis=kept, failed=failed, point=point)
        if done and failed is not None:
            log.info("rollout_moved", rollout_id=rollout.id, move=Move.ROLL_BACK, reason=failed)
            publish(self._tools, endpoint)

    def _counts(self, rollout: Rollout) -> list[StepCounts]:
        """What all serving processes have counted, for each step up to the one under way."""
        store = self._tools.runtime.models
        by_step: defaultdict[int, list[TrialCounts]] = defaultdict(list)
        for info in store.list(f"trials/{rollout.id}"):
            try:
                counts = TrialCounts.model_validate_json(store.get(info.key))
            except (ObjectMissing, ValidationError) as error:
                log.warning("counts_not_read", key=info.key, error=str(error))
                continue
            by_step[counts.step].append(counts)
        terms = steps_of(strategy_of(rollout.strategy))
        return [
            total(by_step[step], share=terms[step].share, mirror=terms[step].mirror) for step in range(rollout.step + 1)
        ]

    def _ask_for_quality(self, rollout: Rollout) -> None:
        """A job that joins labels with answers, when new labels are there."""
        memory, now = self._memories[rollout.id], time.monotonic()
        since = began(rollout)
        if since is None or now - memory.truth_at < self._truth_seconds:
            return
        memory.truth_at = now
        with self._tools.runtime.reading() as session:
            truth = truth_since(session, rollout.endpoint_id, first_id=first_id_at(since))
        if truth == memory.truth or not truth[0]:
            return
        key = f"quality:{rollout.id}:{truth[0]}:{truth[1]}"
        with self._tools.runtime.transaction() as session:
            jobs.submit(session, CountQuality(rollout_id=rollout.id), subject=f"rollouts/{rollout.id}", key=key)
        memory.truth = truth

    def _is_news(self, rollout_id: str, verdict: str, requests: int = 0) -> bool:
        """Whether the verdict is another one, was written long enough ago, or rests on many more requests by now."""
        memory, now = self._memories[rollout_id], time.monotonic()
        many = requests > memory.requests * _MORE
        if verdict == memory.verdict and now - memory.kept_at < self._keep_seconds and not many:
            return False
        memory.verdict, memory.requests, memory.kept_at = verdict, requests, now
        return True


def _quality(rollout: Rollout) -> QualityCounts | None:
    return QualityCounts.model_validate(rollout.quality) if rollout.quality else None


def _because(found: Analysed) -> str:
    sentences = [finding.sentence for finding in found.failed] or found.waits_for
    return " ".join(sentence if sentence.endswith(".") else f"{sentence}." for sentence in sentences)


def _kept(found: Analysed, counted: StepCounts, seconds: float) -> dict[str, Any]:
    """The analysis as the row keeps it."""
    requests = {
        "control": counted.control.requests,
        "candidate": counted.candidate.requests,
        "mirrored": counted.mirrored.requests,
    }
    return {**found.model_dump(mode="json"), "requests": requests, "seconds": round(seconds, 3)}
