"""Jobs of gate drills: mutants of models and data go through the real checks and gates, and what held is told."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from domain.data_checks.queries import suite_of
from domain.data_checks.specs import CheckResult, CheckSuite, DriftCheck
from domain.data_checks.verdict import judge
from domain.datasets import queries as datasets
from domain.datasets.models import DatasetVersion
from domain.db import ReadSession
from domain.errors import DomainError, Invalid, Unavailable
from domain.experiments.models import Run
from domain.gate_drills import service
from domain.gate_drills.jobs import DrillGates
from domain.gate_drills.models import GateDrill
from domain.gate_drills.queries import get_drill
from domain.gate_drills.specs import CONTROL, DrillResult, MutantReport, outcome_of
from domain.model_checks.jobs import RunModelChecks
from domain.promotions.specs import ChampionGate, Policy
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import alias_of
from domain.training.specs import TrainSpec
from ml.checks.plan import Unfit
from ml.checks.suite import run_suite
from ml.inputs import frame_columns
from ml.models import Model
from ml.mutants import DATA_MUTANTS, some_rows
from ml.splits import row_hashes
from workers.drills import ModelDrill, Range, Rival, unseen
from workers.expectations import with_expectations, without_expectations
from workers.handlers.model_checks import Question, question_of
from workers.packages import open_safely
from workers.run import RunningJob
from workers.scoring import read_parquet, seen_rows
from workers.tables import read_version
from workers.toolbox import Toolbox

MOST_ROWS = 20_000
"""Trained on, and judged on: more do not make a mutant any better, and a drill should take minutes."""


class NothingToTrainOn(Invalid):
    code = "nothing_to_train_on"


@dataclass(frozen=True)
class _Case:
    """Everything the database says about a drill, read at once."""

    policy: Policy
    policy_version: int
    question: Question
    base: ModelVersion
    run: Run
    data: DatasetVersion
    champion: ModelVersion | None
    champion_run: Run | None
    frozen: DatasetVersion | None
    newest: DatasetVersion
    suite: CheckSuite
    references: dict[int, DatasetVersion | None]

    @property
    def spec(self) -> TrainSpec:
        return TrainSpec.model_validate(self.run.spec)


def order_due_drills(tools: Toolbox) -> None:
    """A chore: drills whose time has come."""
    with tools.runtime.transaction() as session:
        service.order_due(session)


def drill_gates(job: RunningJob[DrillGates], tools: Toolbox) -> dict[str, object]:
    """Nothing of a mutant is kept but what became of it."""
    with tools.runtime.reading() as session:
        drill = get_drill(session, job.spec.drill_id)
        if drill.result is not None:
            return _told(DrillResult.model_validate(drill.result))
        case = _case(session, drill)
    job.stage("read")
    reports: list[MutantReport] = []
    with open_safely(tools, case.base.package_digest) as base, ExitStack() as stack:
        ground = _ground(tools, case, base, stack)
        models = ModelDrill(ground, job.log)
        job.stage("models")
        for number, report in enumerate(models.reports(), start=1):
            reports.append(report)
            job.progress(0.1 + 0.07 * number, report.mutant)
        columns, notes = models.columns, models.notes
    job.stage("data")
    table = read_version(tools, case.newest).collect()
    for report in _data_reports(tools, case, table, columns):
        reports.append(report)
        job.log(f"{report.mutant}: {report.outcome}. {report.message}")
    result = DrillResult(
        rows=ground.pool.height,
        frozen_rows=ground.frozen.height,
        data_rows=table.height,
        mutants=reports,
        notes=[*notes, *_notes(case, reports)],
    )
    with job.transaction() as session:
        service.record(session, drill_id=job.spec.drill_id, result=result)
    return _told(result)


def _told(result: DrillResult) -> dict[str, object]:
    return {"mutants": len(result.mutants), "got_through": result.through()}


def _case(session: ReadSession, drill: GateDrill) -> _Case:
    base = session.get_one(ModelVersion, drill.version_id)
    run = session.get_one(Run, base.run_id)
    policy = Policy.model_validate(drill.policy)
    data = datasets.get_version_by_id(session, run.dataset_version_id)
    newest = datasets.resolve(session, data.dataset.name)
    gate = _champion_gate(policy)
    champion = alias_of(session, session.get_one(RegisteredModel, drill.model_id), "champion") if gate else None
    suite = suite_of(session, newest.dataset).suite
    numbers = {check.against for check in suite.checks if isinstance(check, DriftCheck)} - {"previous"}
    return _Case(
        policy=policy,
        policy_version=drill.policy_version,
        question=question_of(session, RunModelChecks(version_id=base.id)),
        base=base,
        run=run,
        data=data,
        champion=champion,
        champion_run=session.get_one(Run, champion.run_id) if champion else None,
        frozen=datasets.resolve(session, gate.on) if champion and gate and gate.on else None,
        newest=newest,
        suite=suite,
        references={
            number: datasets.find_version(session, newest.dataset.name, number)
            for number in numbers
            if isinstance(number, int)
        },
    )


def _champion_gate(policy: Policy) -> ChampionGate | None:
    return next((gate for gate in policy.gates if isinstance(gate, ChampionGate)), None)


# ---- Models


def _ground(tools: Toolbox, case: _Case, base: Model, stack: ExitStack) -> Range:
    """The base's frozen rows, and the other rows of its dataset version to train on."""
    spec = case.spec
    inputs = [column["name"] for column in case.run.package["signature"]["inputs"]]
    names = [*inputs, spec.target]
    frozen = read_parquet(tools, case.run.test_rows_md5)
    frame = read_version(tools, case.data).collect()
    frame = frame.filter(pl.col(spec.target).is_not_null())
    pool = frame.filter(pl.Series(unseen(row_hashes(frame, names), [row_hashes(frozen, names)])))
    if pool.is_empty() or frozen.is_empty():
        raise NothingToTrainOn("Every row of the dataset version is a frozen test row.", where="dataset")
    pool = some_rows(pool, MOST_ROWS, spec.seed)
    frozen = some_rows(frozen, MOST_ROWS, spec.seed)
    rival, missing = _rival(tools, case, row_hashes(pool, inputs), inputs, stack)
    return Range(
        spec=spec,
        policy=case.policy,
        policy_version=case.policy_version,
        suites=case.question.suites,
        pins=case.question.pins,
        pool=pool,
        frozen=frozen,
        base=base,
        rival=rival,
        champion=case.champion.number if case.champion else None,
        missing=missing,
    )


def _rival(
    tools: Toolbox, case: _Case, pool: NDArray[np.uint64], inputs: list[str], stack: ExitStack
) -> tuple[Rival | None, list[str]]:
    """The champion on the rows of its gate that neither it nor any mutant was trained on, or what is missing."""
    gate = _champion_gate(case.policy)
    if gate is None or case.champion is None or case.champion_run is None:
        return None, []
    rows = read_version(tools, case.frozen).collect() if case.frozen else read_parquet(tools, case.run.test_rows_md5)
    theirs = [column["name"] for column in case.champion_run.package["signature"]["inputs"]]
    lacking = sorted({*inputs, *theirs, case.spec.target} - set(rows.columns))
    if lacking:
        return None, [f"The frozen rows lack {', '.join(lacking)}."]
    rows = rows.filter(pl.col(case.spec.target).is_not_null())
    seen = seen_rows(tools, rows, theirs, case.champion_run.train_inputs_md5)
    kept = unseen(row_hashes(rows, inputs), [pool]) & ~seen
    left = some_rows(rows.filter(pl.Series(kept)), MOST_ROWS, case.run.seed)
    if left.is_empty():
        return None, ["Every frozen row was trained on; name other rows in the gate's `on`."]
    try:
        champion = stack.enter_context(open_safely(tools, case.champion.package_digest))
        answers = champion.predict_columns(frame_columns(left, champion.signature.inputs))
    except Unavailable:
        raise
    except DomainError as error:
        return None, [f"The champion could not be asked: {error.message}"]
    return Rival(case.champion.number, gate, left, answers, rows.height - int(kept.sum())), []


# ---- Data


def _data_reports(tools: Toolbox, case: _Case, table: pl.DataFrame, columns: list[str]) -> Iterator[MutantReport]:
    """Corrupted copies of the newest version, each as the version that would follow it."""
    standing = [column for column in columns if column in table.columns]
    before = _suite(tools, case, table, table)
    failing = {one.name for one in before if one.verdict != "pass"}
    yield _data_report(CONTROL, "The newest version as it is", before, frozenset())
    for name, corrupt in DATA_MUTANTS.items():
        made = corrupt(table, standing, case.run.seed)
        if made is None:
            yield MutantReport(
                mutant=name, of="data", outcome="not_applicable", verdict=None, message="No column fits this mutant."
            )
            continue
        frame, told = made
        yield _data_report(name, f"{told[0].upper()}{told[1:]}", _suite(tools, case, frame, table), failing)


def _data_report(name: str, told: str, results: list[CheckResult], failing: Collection[str]) -> MutantReport:
    """A check that the unharmed version does not pass either has caught nothing."""
    news = [one for one in results if one.name not in failing]
    verdict = judge(news).verdict
    said = [f"{one.name}: {one.message}" for one in news if one.verdict != "pass"]
    nothing = f"None of {len(results)} checks saw anything." if results else "The dataset has no checks."
    return MutantReport(
        mutant=name,
        of="data",
        outcome="control" if name == CONTROL else outcome_of(verdict, harmless=False),
        verdict=verdict,
        caught_by=[one.name for one in news if one.verdict == "fail"],
        message=f"{told}. {' '.join(said)[:2000] or nothing}",
    )


def _suite(tools: Toolbox, case: _Case, frame: pl.DataFrame, newest: pl.DataFrame) -> list[CheckResult]:
    def reference(check: DriftCheck) -> pl.LazyFrame:
        if not isinstance(check.against, int):
            return newest.lazy()
        other = case.references[check.against]
        if other is None:
            raise Unfit(f"There is no version {check.against} to compare with.")
        return read_version(tools, other)

    ours = run_suite(frame.lazy(), without_expectations(case.suite), reference)
    return with_expectations(frame.lazy(), case.suite, ours, tools.scratch)


def _notes(case: _Case, reports: list[MutantReport]) -> list[str]:
    notes = [] if case.suite.checks else [f"{case.newest.dataset.name!r} has no checks: any data gets through."]
    for one in reports:
        if one.mutant == CONTROL and one.caught_by:
            what = "The control was" if one.of == "model" else "The newest version itself is"
            notes.append(f"{what} not let through either: {', '.join(one.caught_by)}. They alone show little.")
    return notes
