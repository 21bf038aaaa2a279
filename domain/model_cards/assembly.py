"""A card from the rows that tell of a version: pure, no session. Called by `queries`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.experiments.models import Run
from domain.model_cards.specs import CardCheck, CardData, CardMetric, CardPromotion, CardSlice, CardTraining, ModelCard
from domain.model_checks.models import ModelCheckReport
from domain.model_checks.specs import ModelCheckResult
from domain.promotions.models import Promotion
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.specs import Package

_BEHAVIOUR = frozenset({"minimum_functionality", "invariance", "directional", "tolerance"})


@dataclass(frozen=True)
class Facts:
    """The rows a card is made from; `promotions` newest first."""

    model: RegisteredModel
    version: ModelVersion
    aliases: Sequence[str]
    run: Run
    experiment: str
    data: CardData
    report: ModelCheckReport | None
    promotions: Sequence[Promotion]


def assemble(facts: Facts) -> ModelCard:
    """Everything that is known, and nothing else."""
    model, version, run, report = facts.model, facts.version, facts.run, facts.report
    package = Package.model_validate(run.package)
    checks = list(_checks(report)) if report else []
    return ModelCard(
        model=model.name,
        number=version.number,
        state=version.state,
        aliases=list(facts.aliases),
        task=model.task,
        target=model.target,
        classes=package.signature.classes,
        inputs=package.signature.inputs,
        description=model.description,
        version_description=version.description,
        intended_use=model.intended_use,
        limits=model.limits,
        tags={**model.tags, **version.tags},
        data=facts.data,
        training=_training(run, facts.experiment),
        frozen_rows=run.test_rows_md5,
        metrics=_metrics(version.metrics, report),
        checks_verdict=report.verdict if report else None,
        checks_policy=report.policy_version if report else None,
        checked_at=report.created_at if report else None,
        checks=checks,
        slices=[
            CardSlice(check=one.result.name or one.result.gate, suite=one.suite, slice=part)
            for one in checks
            if one.result.gate == "slices"
            for part in one.result.slices
        ],
        weak_slices=_of(checks, "weak_slices"),
        fairness=_of(checks, "fairness"),
        behaviour=[one for one in checks if one.suite is not None or one.result.gate in _BEHAVIOUR],
        calibration=_of(checks, "calibration"),
        found_limits=list(_limits(report, checks)),
        promotions=[_promotion(one) for one in facts.promotions],
        flavor=version.flavor,
        flavor_reason=package.reason,
        agreement=package.agreement,
        size=sum(file.size for file in package.files),
        latency=next(iter(_of(checks, "latency")), None),
        memory=next(iter(_of(checks, "memory")), None),
        created_at=version.created_at,
        created_by=version.created_by,
    )


def _training(run: Run, experiment: str) -> CardTraining:
    return CardTraining(
        run_id=run.id,
        experiment=experiment,
        trainer=run.trainer,
        params=run.params,
        features=run.spec.get("features"),
        split=run.spec.get("split", {}),
        seed=run.seed,
        code_commit=run.code_commit,
        environment=run.environment,
        environment_digest=run.environment_digest,
        metrics=run.metrics,
        notes=[str(one) for one in run.notes],
        ended_at=run.ended_at,
        created_by=run.created_by,
    )


def _metrics(measured: Mapping[str, float], report: ModelCheckReport | None) -> list[CardMetric]:
    """On the frozen rows: as the checks measured the package, else as the training did."""
    values = (
        dict(report.metrics)
        if report and report.metrics
        else {name.removeprefix("test_"): value for name, value in measured.items() if name.startswith("test_")}
    )
    bounds = {}
    for check, result in zip(report.checks, report.results, strict=False) if report else ():
        if check.get("gate") == "metric" and check.get("where") is None and result.get("low") is not None:
            bounds[check["metric"]] = (result["low"], result["high"])
    found = []
    for name, value in sorted(values.items()):
        low, high = bounds.get(name, (None, None))
        found.append(CardMetric(name=name, value=value, low=low, high=high))
    return found


def _checks(report: ModelCheckReport) -> Iterator[CardCheck]:
    """The policy's own, those of each suite, and the pinned rows."""
    for one in report.results:
        yield CardCheck(suite=None, result=ModelCheckResult.model_validate(one))
    for suite in report.suites:
        for one in suite["results"]:
            yield CardCheck(suite=suite["suite"], result=ModelCheckResult.model_validate(one))
    if report.pins is not None:
        yield CardCheck(suite="pins", result=ModelCheckResult.model_validate(report.pins))


def _of(checks: Sequence[CardCheck], gate: str) -> list[CardCheck]:
    return [one for one in checks if one.result.gate == gate]


def _limits(report: ModelCheckReport | None, checks: Sequence[CardCheck]) -> Iterator[str]:
    """What the checks found wrong, could not tell, or did not look at."""
    if report is None:
        yield "This version has not been checked."
    elif not checks:
        yield "The policy asks for no check: nothing was looked at."
    for one in checks:
        result = one.result
        name = f"{one.suite}: {result.name or result.gate}" if one.suite else result.name or result.gate
        if result.verdict == "fail":
            yield f"{name} {'warned' if result.severity == 'warn' else 'failed'}: {result.message}"
        elif result.verdict == "inconclusive":
            yield f"{name} could not be told: {result.message}"
        elif result.vacuous:
            yield f"{name} passed without having looked at anything: {result.message}"
        small = sum(not part.judged for part in result.slices)
        if small:
            yield f"{name}: {small} of {len(result.slices)} slices were too small to be judged."


def _promotion(row: Promotion) -> CardPromotion:
    decision: dict[str, Any] = row.decision or {}
    evidence: dict[str, Any] = row.evidence or {}
    return CardPromotion(
        id=row.id,
        state=row.state,
        verdict=decision.get("verdict"),
        reason=row.reason,
        gates=decision.get("gates", []),
        comparison=evidence.get("comparison"),
        frozen_rows=evidence.get("frozen_rows"),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        approver=row.approver,
    )
