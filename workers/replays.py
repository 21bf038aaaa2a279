"""A decision computed again from the rows, packages, suites and pins it was made of, for the promotion handler."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from domain.db import ReadSession
from domain.errors import DomainError, Unavailable
from domain.experiments.models import Run
from domain.model_checks.models import ModelSuiteVersion
from domain.model_checks.queries import pinned_row
from domain.model_checks.specs import (
    MEASURED,
    ModelCheckResult,
    ModelCheckSpec,
    ModelSuite,
    PairedComparison,
    PinnedRow,
    SuiteReport,
)
from domain.model_checks.verdict import judge
from domain.pins.models import ModelPin
from domain.promotions.champion import ChampionGate
from domain.promotions.evidence import Contender, Evidence, digest_of
from domain.promotions.gates import evaluate
from domain.promotions.jobs import ReplayPromotion
from domain.promotions.models import Promotion
from domain.promotions.queries import get_promotion
from domain.promotions.replay import Replay, compared_with
from domain.promotions.service import record_of
from domain.promotions.specs import Decision, Policy
from ml.model_checks.pinned import check_pinned
from workers.examination import Examination, Examined, examination
from workers.pairing import Pairing, Side, answers_of, compared
from workers.run import RunningJob
from workers.scoring import read_parquet
from workers.toolbox import Toolbox


@dataclass(frozen=True)
class _Case:
    """Everything the database keeps of the decision, read at once."""

    promotion: Promotion
    policy: Policy
    evidence: Evidence
    decision: Decision
    run: Run
    runs: dict[str, Run]
    suites: dict[str, ModelSuite]
    pins: list[PinnedRow]


def replayed(job: RunningJob[ReplayPromotion], tools: Toolbox) -> Replay:
    """What computing the decision again comes to. Inputs that are gone or were changed are named, not raised."""
    with tools.runtime.reading() as session:
        case = _case(session, get_promotion(session, job.spec.promotion_id))
    if digest_of(record_of(case.promotion)) != case.promotion.record_digest:
        return _missing("The record is not the one that was written: its digest is another.")
    lost = [report.suite for report in case.evidence.suites if report.digest not in case.suites]
    if lost:
        return _missing(*(f"The suite {name!r} is not there in the version that was run." for name in lost))
    if case.evidence.pins is not None and {pin.pin_id for pin in case.pins} != set(case.evidence.pin_ids):
        return _missing("Some of the pinned rows are not there any more.")
    try:
        job.stage("compare")
        again = case.evidence
        gate = case.policy.against_champion()
        if gate is not None and case.evidence.comparison is not None:
            again = _compared_again(tools, case, gate, case.evidence.comparison)
        job.stage("check")
        if case.evidence.check_report_id is not None:
            again = _checked_again(job, tools, case, again)
    except Unavailable:
        raise
    except DomainError as error:
        return _missing(f"An input is missing or damaged: {error.message}")
    return compared_with(case.evidence, case.decision, again, evaluate(case.policy, again))


def _missing(*what: str) -> Replay:
    return Replay(verdict=None, same=None, missing=list(what))


def _case(session: ReadSession, promotion: Promotion) -> _Case:
    evidence = Evidence.model_validate(promotion.evidence)
    sides = [side for side in (evidence.candidate, evidence.champion) if side is not None]
    wanted = [report.digest for report in evidence.suites]
    suites = session.scalars(
        select(ModelSuiteVersion).where(
            ModelSuiteVersion.model_id == promotion.model_id, ModelSuiteVersion.suite_digest.in_(wanted)
        )
    )
    runs = {side.run_id: session.get_one(Run, side.run_id) for side in sides}
    return _Case(
        promotion=promotion,
        policy=Policy.model_validate(promotion.policy),
        evidence=evidence,
        decision=Decision.model_validate(promotion.decision),
        run=runs[evidence.candidate.run_id] if evidence.candidate else next(iter(runs.values())),
        runs=runs,
        suites={suite.suite_digest: ModelSuite.model_validate(suite.suite) for suite in suites},
        pins=_pins(session, evidence.pin_ids),
    )


def _pins(session: ReadSession, ids: Sequence[str]) -> list[PinnedRow]:
    """The pins of then, whether they stand now or not."""
    pins = session.scalars(select(ModelPin).where(ModelPin.id.in_(ids)).order_by(ModelPin.id))
    return [pinned_row(pin) for pin in pins]


def _compared_again(tools: Toolbox, case: _Case, gate: ChampionGate, recorded: PairedComparison) -> Evidence:
    evidence = case.evidence
    sides = {
        name: _side(case, side)
        for name, side in (("candidate", evidence.candidate), ("champion", evidence.champion))
        if side is not None
    }
    pairing = Pairing(case.run.spec["task"], evidence.target, evidence.seed, gate, sides)
    frame = read_parquet(tools, evidence.rows_md5 or "")
    answers = answers_of(tools, frame, pairing)
    again = compared(frame, answers, pairing, alpha=recorded.alpha, left_out=recorded.rows_excluded)
    return evidence.model_copy(update={"comparison": again})


def _side(case: _Case, side: Contender) -> Side:
    return Side(side, [column["name"] for column in case.runs[side.run_id].package["signature"]["inputs"]])


def _checked_again(job: RunningJob[ReplayPromotion], tools: Toolbox, case: _Case, evidence: Evidence) -> Evidence:
    """Checks, suites and pins on the frozen rows of then; what is measured stays as it was recorded."""
    rows = read_parquet(tools, case.run.test_rows_md5)
    examined = Examined(case.run, case.run.package_digest, rows, case.run.test_rows_md5, fresh=True)
    checks = case.policy.checks()
    specs = {report.digest: case.suites[report.digest] for report in evidence.suites}
    everything = [*checks, *(check for suite in specs.values() for check in suite.checks)]
    with examination(tools, examined, everything) as opened:
        job.progress(0.5, f"{len(everything)} checks on {rows.height} rows")
        suites = [_suite_again(opened, report, specs[report.digest]) for report in evidence.suites]
        return evidence.model_copy(
            update={
                "checks": _again(opened, checks, {}, evidence.checks),
                "suites": suites,
                "pins": check_pinned(case.pins, opened.subject.model) if case.pins else None,
            }
        )


def _suite_again(opened: Examination, report: SuiteReport, suite: ModelSuite) -> SuiteReport:
    results = _again(opened, suite.checks, suite.lexicons, report.results)
    return report.model_copy(update={"results": results, "verdict": judge(results)})


def _again(
    opened: Examination,
    checks: Sequence[ModelCheckSpec],
    lexicons: dict[str, list[str]],
    recorded: Sequence[ModelCheckResult],
) -> list[ModelCheckResult]:
    computed = [check for check in checks if check.gate not in MEASURED]
    anew = iter(opened.run(computed, lexicons, lambda _: None))
    return [old if check.gate in MEASURED else next(anew) for check, old in zip(checks, recorded, strict=True)]
