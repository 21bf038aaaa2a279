"""Model mutants before the gates: trained like the base version of a drill, or wrapped, and judged by the same code.

Nothing of them is kept: they live in memory, and no version, alias, package or share of alpha knows of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.errors import DomainError, Invalid, Unavailable
from domain.gate_drills.specs import CONTROL, MutantReport, outcome_of
from domain.model_checks.models import ModelSuiteVersion
from domain.model_checks.specs import (
    ModelCheckResult,
    ModelCheckSpec,
    ModelSuite,
    PairedComparison,
    PinnedRow,
    SuiteReport,
)
from domain.model_checks.verdict import judge
from domain.promotions.budget import allot
from domain.promotions.champion import ChampionGate
from domain.promotions.evidence import Decision, Evidence
from domain.promotions.gates import evaluate
from domain.promotions.specs import BehaviourGate, GateSpec, Policy
from domain.registry.specs import Package
from domain.training.specs import TrainSpec
from ml import mutants
from ml.inputs import frame_columns, truth
from ml.metrics import LOSS, find_metric
from ml.model_checks.guard import FailedEvidence
from ml.model_checks.pinned import check_pinned
from ml.model_checks.subject import Subject
from ml.model_checks.table import run_on, subject_of
from ml.models import Model, Predictions
from ml.pipelines import SklearnModel
from ml.trainers.train import TrainedModel, train
from workers.examination import THREADS
from workers.pairing import Pairing, compared

_SLOW_SECONDS: Final = 0.05
_LATENCY_CALLS: Final = 20
_MIN_EFFECT: Final = 0.01
# These look at a package as it is served or kept, and a mutant never becomes one.
_OF_THE_PACKAGE: Final = frozenset({"serving_parity", "memory"})
# Harm that the metric on the frozen rows does not show.
_NOT_BY_METRIC: Final = frozenset({"slow", mutants.LEAKED})


@dataclass(frozen=True)
class Rival:
    """The champion's answers for the rows that the champion gate compares on, none of which was trained on."""

    number: int
    gate: ChampionGate
    rows: pl.DataFrame
    answers: Predictions
    rows_excluded: int


@dataclass(frozen=True)
class Range:
    """What the mutants are made of and judged by. `pool` is trained on; `missing`: why there is no `rival`."""

    spec: TrainSpec
    policy: Policy
    policy_version: int
    suites: list[tuple[ModelSuiteVersion, ModelSuite]]
    pins: list[PinnedRow]
    pool: pl.DataFrame
    frozen: pl.DataFrame
    base: Model
    rival: Rival | None = None
    champion: int | None = None
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Mutant:
    name: str
    model: Model
    metrics: dict[str, float]
    curve: list[tuple[int, dict[str, float]]]
    told: str
    leak: bool = False
    slow: float = 0.0


class _AsServed:
    """Speed is that of the base's own package: what a mutant would be packaged as is not known."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def predict(self, instances: Sequence[dict[str, Any]]) -> Predictions:
        return self._model.predict(instances)

    def resident_mb(self, instances: Sequence[dict[str, Any]]) -> float:
        raise FailedEvidence(f"A mutant has no package to load for {len(instances)} rows.", how="raised")


class ModelDrill:
    """One drill of models. `reports` makes one mutant after the other, the control first."""

    def __init__(self, ground: Range, log: Callable[[str], None]) -> None:
        self._ground, self._log = ground, log
        self._refuse_control: frozenset[str] = frozenset()
        self._task = ground.spec.task
        self._policy = ground.policy.model_copy(
            update={"gates": [gate for gate in ground.policy.gates if gate.gate not in _OF_THE_PACKAGE]}
        )
        against = next((gate for gate in self._policy.gates if isinstance(gate, ChampionGate)), None)
        named = next((gate.metric for gate in self._policy.gates if gate.gate == "metric"), None)
        self._metric = find_metric(against.metric if against else named or LOSS[self._task], self._task)
        self._min_effect = against.least if against else _MIN_EFFECT

    @property
    def notes(self) -> list[str]:
        skipped = sorted({gate.gate for gate in self._ground.policy.gates} & _OF_THE_PACKAGE)
        said = [f"Not drilled: {', '.join(skipped)}. No mutant becomes a package."] if skipped else []
        if not self._policy.gates:
            said.append("The policy has no gates to drill: it refuses every version alike, the control too.")
        return said

    def reports(self) -> Iterator[MutantReport]:
        yield self._report(CONTROL, self._control)
        for name, make in self._makers().items():
            yield self._report(name, make)

    def _makers(self) -> dict[str, Callable[[], _Mutant | None]]:
        ground, spec = self._ground, self._ground.spec
        pool, seed = ground.pool, spec.seed
        shuffled = mutants.shuffled_labels(pool, spec.target, seed)
        few, some = mutants.truncated(pool, seed), mutants.some_rows(pool, mutants.OVERFITTED_ROWS, seed)
        return {
            "shuffled_labels": lambda: self._trained("shuffled_labels", shuffled, spec, "trained on shuffled labels"),
            "truncated": lambda: self._trained("truncated", few, spec, f"trained on {few.height} rows"),
            "flipped_slice": self._flipped,
            "constant": self._constant,
            "overfitted": lambda: self._trained(
                "overfitted", some, mutants.overfitted(spec), f"learned {some.height} rows by heart"
            ),
            mutants.LEAKED: self._leaking,
            "slow": self._slow,
            "dropped_column": self._dropped,
        }

    @cached_property
    def _baseline(self) -> tuple[TrainedModel, _Mutant]:
        return self._fitted(CONTROL, self._ground.pool, self._ground.spec, "trained like the base, unharmed")

    @property
    def columns(self) -> list[str]:
        """The inputs, those first that are worth most to the model."""
        trained = self._baseline[0]
        names = [column.name for column in trained.signature.inputs]
        return sorted(names, key=lambda name: -trained.importances.get(name, 0.0))

    def _control(self) -> _Mutant:
        return self._baseline[1]

    @cached_property
    def _control_value(self) -> float:
        return self._value(self._baseline[1])

    def _fitted(self, name: str, frame: pl.DataFrame, spec: TrainSpec, told: str) -> tuple[TrainedModel, _Mutant]:
        curve: list[tuple[int, dict[str, float]]] = []
        trained = train(frame, spec, lambda step, losses: curve.append((step, losses)), lambda *_: None)
        described = Package(
            flavor="python", reason="a mutant", signature=trained.signature, agreement=None, run_id="", files=[]
        )
        model = SklearnModel(described, trained.pipeline)
        return trained, _Mutant(name, model, trained.metrics, curve, told, leak=name == mutants.LEAKED)

    def _trained(self, name: str, frame: pl.DataFrame, spec: TrainSpec, told: str) -> _Mutant:
        return self._fitted(name, frame, spec, told)[1]

    def _flipped(self) -> _Mutant | None:
        spec = self._ground.spec
        found = mutants.flipped_slice(self._ground.pool, spec.target, self.columns, classes=self._task != "regression")
        if found is None:
            return None
        frame, where = found
        return self._trained("flipped_slice", frame, spec, f"trained on wrong labels where {where}")

    def _leaking(self) -> _Mutant | None:
        if self._task == "text_classification":
            return None
        frame = mutants.leaked(self._ground.pool, self._ground.spec.target)
        return self._trained(mutants.LEAKED, frame, mutants.with_leak(self._ground.spec), "trained on its own target")

    def _constant(self) -> _Mutant:
        control = self._baseline[1]
        labels = truth(self._ground.pool, control.model.signature)
        return self._like_control("constant", mutants.Constant(control.model, labels), "says the same of every row")

    def _dropped(self) -> _Mutant:
        column = self.columns[0]
        value = self._ground.pool[column].drop_nulls().mode().sort()[0]
        model = mutants.DroppedColumn(self._baseline[1].model, column, value)
        return self._like_control("dropped_column", model, f"sees {value} as {column} in every row")

    def _slow(self) -> _Mutant:
        bounds = [
            bound
            for gate in self._policy.gates
            if gate.gate == "latency"
            for bound in (gate.p50_ms, gate.p99_ms)
            if bound is not None
        ]
        seconds = max([_SLOW_SECONDS, *(2 * bound / 1000 for bound in bounds)])
        return self._like_control("slow", self._baseline[1].model, f"{seconds:g} s late with each answer", slow=seconds)

    def _like_control(self, name: str, model: Model, told: str, *, slow: float = 0.0) -> _Mutant:
        control = self._baseline[1]
        return _Mutant(name, model, control.metrics, control.curve, told, slow=slow)

    def _report(self, name: str, make: Callable[[], _Mutant | None]) -> MutantReport:
        try:
            mutant = make()
        except Unavailable:
            raise
        except Invalid as error:
            if name == CONTROL:  # there is nothing to compare with
                raise
            return MutantReport(
                mutant=name, of="model", outcome="caught", verdict=None, caught_by=["training"], message=error.message
            )
        if mutant is None:
            return MutantReport(
                mutant=name, of="model", outcome="not_applicable", verdict=None, message="No column fits this mutant."
            )
        value = self._value(mutant)
        decision, names = self._judged(mutant)
        caught_by = [label for label, one in zip(names, decision.gates, strict=True) if one.verdict != "pass"]
        harmless = name not in _NOT_BY_METRIC and self._worse_by(value) <= self._min_effect
        outcome = "control" if name == CONTROL else outcome_of(decision.verdict, harmless=harmless)
        if name == CONTROL:
            self._refuse_control = frozenset(caught_by)
        only = "Caught only by what refuses the control too. " if caught_by and outcome in {"caught", "held"} else ""
        only = only if self._refuse_control.issuperset(caught_by) else ""
        self._log(f"{name} ({mutant.told}): {outcome}. {decision.reason}")
        figures = {self._metric.name: value, f"{self._metric.name} of the control": self._control_value}
        return MutantReport(
            mutant=name,
            of="model",
            outcome=outcome,
            verdict=decision.verdict,
            caught_by=caught_by,
            figures={key: found for key, found in figures.items() if np.isfinite(found)},
            message=f"{mutant.told[0].upper()}{mutant.told[1:]}. {only}{decision.reason}",
        )

    def _value(self, mutant: _Mutant) -> float:
        """The metric on the frozen rows; NaN when the model does not answer them."""
        frame = self._shown(mutant, self._ground.frozen)
        try:
            return float(self._metric.compute(truth(frame, mutant.model.signature), _answers(mutant.model, frame)))
        except Unavailable:
            raise
        except DomainError:
            return float("nan")

    def _worse_by(self, value: float) -> float:
        """By what share of the control's value it is worse; infinitely when either is not known."""
        control = self._control_value
        loss = control - value if self._metric.higher_is_better else value - control
        return loss / max(abs(control), 1e-12) if np.isfinite(loss) else float("inf")

    def _shown(self, mutant: _Mutant, frame: pl.DataFrame) -> pl.DataFrame:
        return mutants.leaked(frame, self._ground.spec.target) if mutant.leak else frame

    def _judged(self, mutant: _Mutant) -> tuple[Decision, list[str]]:
        """The decision of the gates, and the name of each that it lists."""
        ground = self._ground
        base = mutants.Slow(ground.base, mutant.slow) if mutant.slow else ground.base
        subject = subject_of(
            model=mutant.model,
            frame=self._shown(mutant, ground.frozen),
            metrics=mutant.metrics,
            seed=ground.spec.seed,
            curve=mutant.curve,
            seen_share=0.0,
            served=_AsServed(base),
        )
        results = _run(subject, self._policy.checks())
        suites = []
        for suite, asked in ground.suites:
            found = _run(subject.with_lexicons(asked.lexicons), asked.checks)
            named = {"suite": suite.name, "version": suite.number, "digest": suite.suite_digest}
            suites.append(SuiteReport.model_validate({**named, "verdict": judge(found), "results": found}))
        pins = check_pinned(ground.pins, subject.model) if ground.pins else None
        return self._decided(results, suites, pins, self._compared(mutant))

    def _compared(self, mutant: _Mutant) -> PairedComparison | str | None:
        """Against the champion; a sentence when the two cannot be compared."""
        rival = self._ground.rival
        if rival is None:
            return None
        frame = self._shown(mutant, rival.rows)
        try:
            answers = {"champion": rival.answers, "candidate": _answers(mutant.model, frame)}
            pairing = Pairing(self._task, self._ground.spec.target, self._ground.spec.seed, rival.gate, {})
            # As the first comparison on fresh rows: a drill spends nothing of the budget.
            share = allot(rival.gate.budget, rival.gate.alpha, []).share or rival.gate.alpha
            return compared(frame, answers, pairing, alpha=share, left_out=rival.rows_excluded)
        except Unavailable:
            raise
        except DomainError as error:
            return f"The models could not be compared: {error.message}"

    def _decided(
        self,
        results: list[ModelCheckResult],
        suites: list[SuiteReport],
        pins: ModelCheckResult | None,
        compared: PairedComparison | str | None,
    ) -> tuple[Decision, list[str]]:
        """The one place that asks the gates."""
        ground = self._ground
        missing = [*ground.missing, *([compared] if isinstance(compared, str) else [])]
        evidence = Evidence(
            policy_version=ground.policy_version,
            candidate_version=0,
            champion_version=ground.champion,
            check_report_id=None,
            checks=results,
            suites=suites,
            pins=pins,
            frozen_rows=None,
            comparison=compared if isinstance(compared, PairedComparison) else None,
            missing=missing,
        )
        decision = evaluate(self._policy, evidence)
        given = [_label(gate) for gate in self._policy.gates]
        # The pinned rows come after the gates of the policy, and nothing at all without any.
        return decision, [*given, "pinned"][: len(decision.gates)]


def _label(gate: GateSpec) -> str:
    if gate.gate == "metric":
        return gate.name or f"metric({gate.metric})"
    if isinstance(gate, BehaviourGate):
        return f"behaviour:{gate.suite}"
    return getattr(gate, "name", None) or gate.gate


def _run(subject: Subject, checks: Sequence[ModelCheckSpec]) -> list[ModelCheckResult]:
    """What is measured is measured shortly, and what looks at packages is left out: see `ModelDrill.notes`."""
    asked = [check for check in checks if check.gate not in _OF_THE_PACKAGE]
    shortly = [
        check.model_copy(update={"rows": _LATENCY_CALLS}) if check.gate == "latency" else check for check in asked
    ]
    return run_on(subject, shortly, threads=THREADS)


def _answers(model: Model, frame: pl.DataFrame) -> Predictions:
    return model.predict_columns(frame_columns(frame, model.signature.inputs))


def unseen(hashes: NDArray[np.uint64], known: Sequence[NDArray[np.uint64]]) -> NDArray[np.bool_]:
    """Which of these rows are in none of the tables."""
    seen = np.zeros(len(hashes), dtype=bool)
    for one in known:
        seen |= np.isin(hashes, one)
    return ~seen
