"""Jobs of model checks: what one version shows by itself, on its frozen test rows or on others that are asked for."""

from dataclasses import dataclass

import polars as pl

from domain.datasets.models import DatasetVersion
from domain.datasets.queries import get_version_by_id as get_dataset_version
from domain.db import ReadSession
from domain.errors import DomainError
from domain.experiments.models import Run
from domain.model_checks import queries, service
from domain.model_checks.jobs import RunModelChecks
from domain.model_checks.models import ModelSuiteVersion
from domain.model_checks.specs import ModelCheckResult, ModelCheckSpec, ModelSuite, PinnedRow, SuiteReport
from domain.model_checks.verdict import judge
from domain.pins.queries import standing
from domain.promotions.specs import Policy
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import get_version_by_id
from ml.metrics import compute_all
from ml.model_checks.guard import FailedEvidence
from ml.model_checks.pinned import check_pinned
from ml.model_checks.subject import Subject, finding
from workers.examination import Examination, Examined, examination
from workers.run import RunningJob
from workers.scoring import read_parquet
from workers.tables import read_version
from workers.toolbox import Toolbox


@dataclass(frozen=True)
class Question:
    """Everything the database says about what is to be checked, read at once."""

    version: ModelVersion
    run: Run
    policy_version: int
    checks: list[ModelCheckSpec]
    suites: list[tuple[ModelSuiteVersion, ModelSuite]]
    pins: list[PinnedRow]
    data: DatasetVersion | None

    @property
    def all_checks(self) -> list[ModelCheckSpec]:
        return [*self.checks, *(check for _, suite in self.suites for check in suite.checks)]


@dataclass(frozen=True)
class _Answer:
    results: list[ModelCheckResult]
    suites: list[SuiteReport]
    pins: ModelCheckResult | None
    metrics: dict[str, float]
    kept: dict[str, ModelCheckResult]


def run_model_checks(job: RunningJob[RunModelChecks], tools: Toolbox) -> dict[str, str]:
    """Record what the policy as it is now, its suites and the pins come to for the package, as it will be served."""
    with tools.runtime.reading() as session:
        question = question_of(session, job.spec)
    job.stage("read")
    case = _case(tools, question, fresh=job.spec.fresh)
    job.stage("check")
    job.progress(0.1, f"{len(question.all_checks)} checks on {case.rows.height} rows")
    try:
        with examination(tools, case, question.all_checks) as opened:
            answer = _answer(job, question, opened)
    except FailedEvidence as error:  # it cannot even be loaded: that is what every check has found
        answer = _all_failed(question, error)
    job.stage("record")
    data = question.data
    with job.transaction() as session:
        report = service.record(
            session,
            version_id=question.version.id,
            job_id=job.id,
            policy_version=question.policy_version,
            checks=question.checks,
            results=answer.results,
            suites=answer.suites,
            pins=answer.pins,
            metrics=answer.metrics,
            suite=job.spec.suite,
            dataset=f"{data.dataset.name}@{data.number}" if data else None,
            kept_results=answer.kept,
        )
    return {"verdict": report.verdict, "report_id": report.id}


def question_of(session: ReadSession, spec: RunModelChecks) -> Question:
    version = get_version_by_id(session, spec.version_id)
    model = session.get_one(RegisteredModel, version.model_id)
    policy = Policy.model_validate(model.policy)
    names = policy.suites() if spec.suite is None else [spec.suite]
    suites = [queries.get_suite(session, model.id, name) for name in dict.fromkeys(names)]
    alone = spec.suite is not None
    return Question(
        version=version,
        run=session.get_one(Run, version.run_id),
        policy_version=model.policy_version,
        checks=[] if alone else policy.checks(),
        suites=[(suite, ModelSuite.model_validate(suite.suite)) for suite in suites],
        pins=[] if alone else [queries.pinned_row(pin) for pin in standing(session, model.id)],
        data=get_dataset_version(session, spec.dataset_version_id) if spec.dataset_version_id else None,
    )


def _case(tools: Toolbox, question: Question, *, fresh: bool) -> Examined:
    run, data = question.run, question.data
    rows: pl.DataFrame = read_parquet(tools, run.test_rows_md5) if data is None else read_version(tools, data).collect()
    digest = run.test_rows_md5 if data is None else data.digest
    return Examined(run, question.version.package_digest, rows, digest, fresh)


def _answer(job: RunningJob[RunModelChecks], question: Question, opened: Examination) -> _Answer:
    done, total = 0, max(1, len(question.all_checks))

    def tell(result: ModelCheckResult) -> None:
        nonlocal done
        done += 1
        again = " (found earlier)" if result.cached else ""
        job.log(f"{result.name}: {result.verdict}. {result.message}{again}")
        job.progress(0.1 + 0.8 * done / total)

    results = opened.run(question.checks, {}, tell)
    reports = [_report(suite, opened.run(spec.checks, spec.lexicons, tell)) for suite, spec in question.suites]
    pins = check_pinned(question.pins, opened.subject.model) if question.pins else None
    return _Answer(results, reports, pins, _metrics(opened.subject), opened.found)


def _report(suite: ModelSuiteVersion, results: list[ModelCheckResult]) -> SuiteReport:
    return SuiteReport(
        suite=suite.name, version=suite.number, digest=suite.suite_digest, verdict=judge(results), results=results
    )


def _metrics(subject: Subject) -> dict[str, float]:
    """Those of the rows; none when the model does not answer them all."""
    if subject.frame.is_empty():
        return {}
    try:
        return compute_all(subject.model.signature.task, subject.y, subject.predictions)
    except DomainError:
        return {}


def _all_failed(question: Question, error: FailedEvidence) -> _Answer:
    def failed(checks: list[ModelCheckSpec]) -> list[ModelCheckResult]:
        return [finding(check, "fail", error.message, details={"failed": error.how}) for check in checks]

    pinned = ModelCheckResult(gate="pinned", name="pinned", verdict="fail", message=error.message)
    reports = [_report(suite, failed(spec.checks)) for suite, spec in question.suites]
    return _Answer(failed(question.checks), reports, pinned if question.pins else None, {}, {})
