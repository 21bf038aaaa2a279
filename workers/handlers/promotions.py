"""Jobs of promotions: score champion and candidate on the same frozen rows, then let the gates decide."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from domain.datasets import queries as datasets
from domain.db import ReadSession
from domain.errors import DomainError
from domain.experiments.models import Run
from domain.model_checks import queries as model_checks
from domain.model_checks.specs import ModelCheckResult, PairedComparison
from domain.promotions import service
from domain.promotions.gates import evaluate
from domain.promotions.jobs import GatherEvidence
from domain.promotions.models import Promotion
from domain.promotions.queries import get_promotion
from domain.promotions.specs import ChampionGate, Evidence, Policy
from domain.registry.models import ModelVersion
from domain.registry.specs import Task
from ml.comparison.compare import compare
from ml.splits import row_hashes
from workers.run import RunningJob
from workers.scoring import engine, read_parquet, score
from workers.tables import read_version
from workers.toolbox import Toolbox


@dataclass(frozen=True)
class _Contender:
    """A version and what is needed to score it fairly."""

    number: int
    package: str
    train_rows: str
    features: list[str]


@dataclass(frozen=True)
class _Case:
    """Everything the database says about a promotion, read at once."""

    policy: Policy
    policy_version: int
    task: Task
    target: str
    seed: int
    candidate: _Contender
    champion: _Contender | None
    report_id: str | None
    results: list[ModelCheckResult]
    frozen_version_id: str | None
    frozen_label: str
    test_rows: str


def gather_evidence(job: RunningJob[GatherEvidence], tools: Toolbox) -> dict[str, str]:
    """Record the evidence and the decision; what follows from it is for the reactions."""
    with tools.runtime.reading() as session:
        promotion = get_promotion(session, job.spec.promotion_id)
        if promotion.decision is not None:
            return {"verdict": promotion.decision["verdict"]}
        case = _case(session, promotion)
    gate = next((one for one in case.policy.gates if isinstance(one, ChampionGate)), None)
    comparison, excluded, missing = None, 0, list[str]()
    if gate is not None and case.champion is not None:
        job.stage("compare")
        job.progress(0.1, "scoring champion and candidate on the same rows")
        comparison, excluded, missing = _compare(tools, case, case.champion, gate)
        job.log(f"rows of training left out: {excluded}")
    job.stage("decide")
    evidence = Evidence(
        policy_version=case.policy_version,
        candidate_version=case.candidate.number,
        champion_version=case.champion.number if case.champion else None,
        check_report_id=case.report_id,
        frozen_rows=case.frozen_label if comparison else None,
        comparison=comparison,
        missing=missing,
    )
    decision = evaluate(case.policy, evidence, case.results)
    job.log(f"{decision.verdict}: {decision.reason}")
    with job.transaction() as session:
        service.record_decision(session, promotion_id=job.spec.promotion_id, evidence=evidence, decision=decision)
    return {"verdict": decision.verdict}


def _case(session: ReadSession, promotion: Promotion) -> _Case:
    policy = Policy.model_validate(promotion.policy)
    version = session.get_one(ModelVersion, promotion.version_id)
    run = session.get_one(Run, version.run_id)
    champion = session.get(ModelVersion, promotion.champion_version_id) if promotion.champion_version_id else None
    report = model_checks.latest_report(session, version.id, policy_version=promotion.policy_version)
    gate = next((one for one in policy.gates if isinstance(one, ChampionGate)), None)
    # The first champion has nobody to be compared with: the rows the gate names may not exist yet.
    frozen = datasets.resolve(session, gate.on) if champion and gate and gate.on else None
    label = f"{gate.on} version {frozen.number} ({frozen.digest})" if gate and frozen else f"test rows of run {run.id}"
    return _Case(
        policy=policy,
        policy_version=promotion.policy_version,
        task=run.spec["task"],
        target=run.spec["target"],
        seed=run.seed,
        candidate=_contender(session, version),
        champion=_contender(session, champion) if champion else None,
        report_id=report.id if report else None,
        results=[ModelCheckResult.model_validate(one) for one in report.results] if report else [],
        frozen_version_id=frozen.id if frozen else None,
        frozen_label=label,
        test_rows=run.test_rows_md5,
    )


def _contender(session: ReadSession, version: ModelVersion) -> _Contender:
    run = session.get_one(Run, version.run_id)
    names = [column["name"] for column in run.package["signature"]["inputs"]]
    return _Contender(version.number, version.package_digest, run.train_rows_md5, names)


def _compare(
    tools: Toolbox, case: _Case, champion: _Contender, gate: ChampionGate
) -> tuple[PairedComparison | None, int, list[str]]:
    """The paired test on rows that neither model was trained on, how many were left out, and what is missing for it."""
    frame = _frozen_rows(tools, case)
    contenders = {"champion": champion, "candidate": case.candidate}
    lacking = {
        name: [column for column in [*one.features, case.target] if column not in frame.columns]
        for name, one in contenders.items()
    }
    missing = [
        f"The frozen rows lack {', '.join(columns)}, which the {name} needs."
        for name, columns in lacking.items()
        if columns
    ]
    if missing:
        return None, 0, missing
    frame = frame.filter(pl.col(case.target).is_not_null())
    seen = np.zeros(frame.height, dtype=bool)
    for one in contenders.values():
        trained_on = np.frombuffer(tools.runtime.contents.read(one.train_rows), dtype=np.uint64)
        seen |= np.isin(row_hashes(frame, [*one.features, case.target]), trained_on)
    unseen = frame.filter(~pl.Series(seen))
    excluded = frame.height - unseen.height
    if unseen.is_empty():
        return (
            None,
            excluded,
            ["Every frozen row was trained on by one of the two; name other rows in the gate's `on`."],
        )
    with engine(tools) as models:
        try:
            answers = {name: score(models.load(one.package), unseen) for name, one in contenders.items()}
        except DomainError as error:
            return None, excluded, [f"The rows could not be scored: {error.message}"]
    comparison = compare(
        gate.metric,
        unseen[case.target].to_list(),
        answers["champion"],
        answers["candidate"],
        task=case.task,
        alpha=gate.alpha,
        min_effect=gate.min_effect,
        seed=case.seed,
        rows_excluded=excluded,
    )
    return comparison, excluded, []


def _frozen_rows(tools: Toolbox, case: _Case) -> pl.DataFrame:
    if case.frozen_version_id is None:
        return read_parquet(tools, case.test_rows)
    with tools.runtime.reading() as session:
        version = datasets.get_version_by_id(session, case.frozen_version_id)
    return read_version(tools, version).collect()
