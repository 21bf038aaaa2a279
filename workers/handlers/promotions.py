"""Jobs of promotions: score champion and candidate on the same frozen rows, let the gates decide, decide again."""

from dataclasses import dataclass
from importlib.metadata import version

import polars as pl

from domain.datasets import queries as datasets
from domain.db import ReadSession
from domain.errors import DomainError
from domain.experiments.models import Run
from domain.model_checks.specs import ModelCheckResult, PairedComparison, SuiteReport
from domain.promotions import service
from domain.promotions.budget import OVERLAP
from domain.promotions.checked import checked
from domain.promotions.evidence import Allotment, Contender, Evidence, Exclusion, digest_of
from domain.promotions.gates import evaluate
from domain.promotions.jobs import GatherEvidence, ReplayPromotion
from domain.promotions.models import Promotion
from domain.promotions.queries import get_promotion
from domain.promotions.replays import record_replay
from domain.promotions.specs import Policy
from domain.promotions.spending import Purchase, ShareTaken, allotment, find_same, question_of, spends_of
from domain.registry.models import ModelVersion
from domain.training.imports import training_rows_known
from ml.holdouts import overlap
from workers.pairing import Pairing, Side, answers_of, compared, parquet, unseen_rows
from workers.replays import replayed
from workers.run import RunningJob
from workers.scoring import read_parquet
from workers.tables import read_version
from workers.toolbox import Toolbox

# A share that another comparison takes meanwhile is asked for again; each time one of the others is done.
_TRIES = 1_000


@dataclass(frozen=True)
class _Case:
    """Everything the database says about a promotion, read at once."""

    promotion: Promotion
    policy: Policy
    pairing: Pairing | None
    evidence: Evidence
    frozen_version_id: str | None
    frozen_label: str
    test_rows: str
    unknown: list[str]


@dataclass(frozen=True)
class _Found:
    """What the comparison came to, how it is paid, and what is missing for it."""

    comparison: PairedComparison | None = None
    alpha: Allotment | None = None
    purchase: Purchase | None = None
    rows_md5: str | None = None
    excluded: tuple[Exclusion, ...] = ()
    missing: tuple[str, ...] = ()


def gather_evidence(job: RunningJob[GatherEvidence], tools: Toolbox) -> dict[str, str]:
    """Record the evidence and the decision; what follows from it is for the reactions."""
    with tools.runtime.reading() as session:
        promotion = get_promotion(session, job.spec.promotion_id)
        if promotion.decision is not None:
            return {"verdict": promotion.decision["verdict"]}
        case = _case(session, promotion)
    job.stage("compare")
    compare_on = _prepare(tools, case)
    job.progress(0.5, "comparing")
    for _ in range(_TRIES):
        found = compare_on()
        evidence = case.evidence.model_copy(
            update={
                "frozen_rows": case.frozen_label if found.rows_md5 else None,
                "rows_md5": found.rows_md5,
                "excluded": list(found.excluded),
                "alpha": found.alpha,
                "comparison": found.comparison,
                "missing": list(found.missing),
            }
        )
        decision = evaluate(case.policy, evidence)
        try:
            with job.transaction() as session:
                service.record_decision(
                    session,
                    promotion_id=promotion.id,
                    evidence=evidence,
                    decision=decision,
                    purchase=found.purchase,
                )
        except ShareTaken:
            continue
        job.log(f"{decision.verdict}: {decision.reason}")
        return {"verdict": decision.verdict}
    raise ShareTaken("Other comparisons on this holdout were faster every time.", where="alpha")


def replay_promotion(job: RunningJob[ReplayPromotion], tools: Toolbox) -> dict[str, object]:
    """Record whether the same decision is come to again, and every figure that is another one."""
    replay = replayed(job, tools)
    job.log("The same." if replay.same else " ".join(replay.missing) or f"{len(replay.differences)} differences.")
    job.stage("record")
    with job.transaction() as session:
        record_replay(session, promotion_id=job.spec.promotion_id, job_id=job.id, replay=replay)
    return {"same": replay.same, "verdict": replay.verdict}


class _Nothing:
    """No comparison can be made, or none is asked for."""

    def __init__(self, *missing: str) -> None:
        self._found = _Found(missing=missing)

    def __call__(self) -> _Found:
        return self._found


class _Comparison:
    """Rows and answers are got once; each call compares at the share that is next in the book."""

    def __init__(self, tools: Toolbox, case: _Case, pairing: Pairing) -> None:
        self._tools, self._case, self._pairing = tools, case, pairing
        self._frame, excluded = unseen_rows(tools, _frozen_rows(tools, case), pairing)
        self._excluded = tuple(excluded)
        self._answers = answers_of(tools, self._frame, pairing)
        self._rows_md5 = tools.runtime.contents.add(parquet(self._frame)).md5
        self._overlapping: dict[str, bool] = {self._rows_md5: True}

    def __call__(self) -> _Found:
        promotion, gate = self._case.promotion, self._pairing.gate
        with self._tools.runtime.reading() as session:
            known = {one.rows_md5 for one in spends_of(session, promotion.model_id)}
            same = find_same(
                session,
                version_id=promotion.version_id,
                champion_version_id=promotion.champion_version_id or "",
                question=question_of(gate),
                rows_md5=self._rows_md5,
            )
        if same is not None:
            return self._as_before(same)
        for rows_md5 in known - self._overlapping.keys():
            share = overlap(self._frame, read_parquet(self._tools, rows_md5), self._pairing.target)
            self._overlapping[rows_md5] = share > OVERLAP
        overlapping = frozenset(rows_md5 for rows_md5, same_rows in self._overlapping.items() if same_rows)
        with self._tools.runtime.reading() as session:
            alpha = allotment(session, model_id=promotion.model_id, gate=gate, overlapping=overlapping)
        if alpha.share is None:
            return _Found(alpha=alpha, missing=(alpha.message,), excluded=self._excluded)
        left_out = sum(one.rows for one in self._excluded)
        try:
            comparison = compared(self._frame, self._answers, self._pairing, alpha=alpha.share, left_out=left_out)
        except DomainError as error:
            return _Found(missing=(f"The models could not be compared: {error.message}",), excluded=self._excluded)
        purchase = Purchase(question_of(gate), self._rows_md5, overlapping, frozenset(known))
        return _Found(comparison, alpha, purchase, self._rows_md5, self._excluded)

    def _as_before(self, same: Promotion) -> _Found:
        """The comparison that was made of the same: it stands, whatever another draw of resamples would say."""
        evidence = Evidence.model_validate(same.evidence)
        alpha = evidence.alpha.model_copy(update={"repeats": same.id}) if evidence.alpha else None
        return _Found(evidence.comparison, alpha, None, self._rows_md5, self._excluded)


def _prepare(tools: Toolbox, case: _Case) -> _Comparison | _Nothing:
    if case.unknown or case.pairing is None:
        return _Nothing(*case.unknown)
    try:
        return _Comparison(tools, case, case.pairing)
    except DomainError as error:
        return _Nothing(f"The models could not be compared: {error.message}")


def _case(session: ReadSession, promotion: Promotion) -> _Case:
    policy = Policy.model_validate(promotion.policy)
    candidate = session.get_one(ModelVersion, promotion.version_id)
    run = session.get_one(Run, candidate.run_id)
    champion = session.get(ModelVersion, promotion.champion_version_id) if promotion.champion_version_id else None
    gate = policy.against_champion()
    versions = {"candidate": candidate} | ({"champion": champion} if champion else {})
    sides = {name: _side(session, one) for name, one in versions.items()}
    unknown = [
        f"It is not known what the {name}, version {one.number}, was trained on, so no row is known to be unseen. "
        "Import it again with `trained_on`, or with `unseen` if somebody can say so."
        for name, one in versions.items()
        if champion and gate and not training_rows_known(session.get_one(Run, one.run_id))
    ]
    # The first champion has nobody to be compared with: the rows the gate names may not exist yet.
    frozen = datasets.resolve(session, gate.on) if champion and gate and gate.on else None
    label = f"{gate.on} version {frozen.number} ({frozen.digest})" if gate and frozen else f"test rows of run {run.id}"
    found = checked(session, candidate, policy, promotion.policy_version)
    report = found.report
    evidence = Evidence(
        policy_version=promotion.policy_version,
        policy_digest=digest_of(promotion.policy),
        candidate_version=candidate.number,
        champion_version=champion.number if champion else None,
        candidate=sides["candidate"].facts,
        champion=sides["champion"].facts if champion else None,
        task=run.spec["task"],
        target=run.spec["target"],
        seed=run.seed,
        millrace=version("millrace"),
        check_report_id=report.id if report else None,
        checks=[ModelCheckResult.model_validate(one) for one in report.results] if report else [],
        suites=[SuiteReport.model_validate(one) for one in report.suites] if report else [],
        pins=ModelCheckResult.model_validate(report.pins) if report and report.pins else None,
        pin_ids=found.pin_ids,
        frozen_rows=None,
        comparison=None,
        unchecked=found.lacking,
    )
    task = run.spec["task"]
    pairing = Pairing(task, run.spec["target"], run.seed, gate, sides) if champion and gate else None
    return _Case(promotion, policy, pairing, evidence, frozen.id if frozen else None, label, run.test_rows_md5, unknown)


def _side(session: ReadSession, version: ModelVersion) -> Side:
    run = session.get_one(Run, version.run_id)
    facts = Contender(
        version=version.number,
        package_digest=version.package_digest,
        run_id=run.id,
        code_commit=run.code_commit,
        environment_digest=run.environment_digest,
        dataset_digest=run.dataset_digest,
        train_inputs_md5=run.train_inputs_md5,
    )
    return Side(facts, [column["name"] for column in run.package["signature"]["inputs"]])


def _frozen_rows(tools: Toolbox, case: _Case) -> pl.DataFrame:
    if case.frozen_version_id is None:
        return read_parquet(tools, case.test_rows)
    with tools.runtime.reading() as session:
        frozen = datasets.get_version_by_id(session, case.frozen_version_id)
    return read_version(tools, frozen).collect()
