"""Jobs of reproductions: train a run again, put both side by side, record the verdict."""

from typing import Any

import polars as pl

from adapters.object_store.protocol import ObjectMissing
from domain.datasets.queries import get_version_by_id
from domain.datasets.states import VersionState
from domain.errors import Invalid, NotFound
from domain.experiments.models import Run
from domain.experiments.queries import get_run
from domain.registry.specs import Package
from domain.reproductions import service
from domain.reproductions.jobs import ReproduceRun
from domain.reproductions.models import Reproduction
from domain.reproductions.queries import get_reproduction
from domain.reproductions.specs import Finding, PredictionDifference, Verdict
from domain.reproductions.verdict import environment_differences, judge, metric_differences, named
from ml.environment import environment
from ml.inputs import frame_columns
from ml.models import Predictions
from ml.reproduction import compare_predictions
from ml.splits import row_hashes
from workers.handlers.training import carry_out
from workers.packages import open_safely
from workers.run import RunningJob
from workers.scoring import read_parquet
from workers.toolbox import Toolbox


def reproduce_run(job: RunningJob[ReproduceRun], tools: Toolbox) -> dict[str, Any]:
    """A verdict, whatever comes: what cannot be trained again is not reproduced, and the finding says why.

    A store or a tracking server that is away is tried again.
    """
    with tools.runtime.reading() as session:
        order = get_reproduction(session, job.spec.reproduction_id)
        first = get_run(session, order.run_id)
        version = get_version_by_id(session, first.dataset_version_id)
        gone = service.code_is_gone(session, first)
    if order.verdict is not None:
        return _result(order)
    if order.again_id is None or version.state == VersionState.DELETED:
        finding = Finding(
            verdict=Verdict.NOT_REPRODUCED,
            reasons=[f"{version.dataset.name}@{version.number}, which it was trained on, was deleted."],
        )
    else:
        finding = _train_and_compare(job, tools, order, first)
    if gone and finding.verdict != Verdict.BIT_IDENTICAL:
        finding = finding.model_copy(update={"reasons": [*finding.reasons, gone]})
    for reason in finding.reasons:
        job.log(reason)
    job.log(f"Verdict: {finding.verdict}")
    with job.transaction() as session:
        return _result(service.record(session, reproduction_id=order.id, finding=finding))


def _result(order: Reproduction) -> dict[str, Any]:
    return {
        "reproduction_id": order.id,
        "again_id": order.again_id,
        "verdict": order.verdict,
        "reasons": (order.finding or {}).get("reasons", []),
    }


def _train_and_compare(job: RunningJob[ReproduceRun], tools: Toolbox, order: Reproduction, first: Run) -> Finding:
    try:
        again = carry_out(job, tools, str(order.again_id))
    except (Invalid, NotFound) as error:
        differences = environment_differences(first.environment, environment())
        reasons = [f"It cannot be trained again: {error.message}", *([named(differences)] if differences else [])]
        return Finding(verdict=Verdict.NOT_REPRODUCED, reasons=reasons, environment=differences)
    job.stage("compare")
    job.progress(0.97, "Comparing")
    frozen, frozen_again = (read_parquet(tools, run.test_rows_md5) for run in (first, again))
    return judge(
        tolerance=order.tolerance,
        same_rows=first.train_rows_md5 == again.train_rows_md5 and _same_rows(frozen, frozen_again),
        same_files=Package.model_validate(first.package).files == Package.model_validate(again.package).files,
        metrics=metric_differences(first.metrics, again.metrics),
        predictions=_predictions(tools, first, again, frozen),
        environment=environment_differences(first.environment, again.environment),
    )


def _same_rows(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    if one.columns != other.columns or one.height != other.height:
        return False
    return bool((row_hashes(one, one.columns) == row_hashes(other, one.columns)).all())


def _predictions(tools: Toolbox, first: Run, again: Run, frozen: pl.DataFrame) -> PredictionDifference | None:
    """Both models on the frozen test rows of the first run; None when its package is not there any more."""
    try:
        answers = _answers(tools, first, frozen)
    except ObjectMissing:
        return None
    target = frozen[first.spec["target"]]
    spread = target.cast(pl.Float64).std(ddof=0) if first.spec["task"] == "regression" else None
    spread = spread if isinstance(spread, float) else 1.0
    return compare_predictions(answers, _answers(tools, again, frozen), spread=spread)


def _answers(tools: Toolbox, run: Run, rows: pl.DataFrame) -> Predictions:
    with open_safely(tools, run.package_digest) as model:
        return model.predict_columns(frame_columns(rows, model.signature.inputs))
