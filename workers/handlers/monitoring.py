"""Watching: each tick looks for windows to close; a job compares a window with its reference and its truth."""

import math

import polars as pl
from sqlalchemy import select

from domain.deployments.models import Endpoint
from domain.errors import DomainError
from domain.experiments.models import Run
from domain.monitoring import queries, service
from domain.monitoring.jobs import ComputeWindow
from domain.monitoring.specs import MonitorPolicy, PerformanceResult
from domain.monitoring.windows import plan
from domain.registry.models import RegisteredModel
from domain.registry.queries import find_version
from ml.drift import drift
from ml.metrics import find_metric
from ml.models import Predictions
from serving.segments import label_text
from workers.run import RunningJob
from workers.scoring import PREDICTION, read_parquet
from workers.toolbox import Toolbox
from workers.traffic import list_segments, read_segments

DEFAULT_METRIC = {"regression": "mae", "classification": "accuracy", "text_classification": "accuracy"}
# Segments may arrive late and out of order by this much: windows look back so far for any that none has taken.
_LOOK_BACK_WINDOWS = 3


def open_windows(tools: Toolbox) -> None:
    """Plan windows over the segments that belong to none yet; revisit windows whose truth has arrived since."""
    with tools.runtime.reading() as session:
        endpoints = session.scalars(select(Endpoint).where(Endpoint.live_version_id.is_not(None))).all()
    for endpoint in endpoints:
        _open_windows_of(tools, endpoint)
        _revisit(tools, endpoint)


def _open_windows_of(tools: Toolbox, endpoint: Endpoint) -> None:
    with tools.runtime.reading() as session:
        policy, _ = queries.policies_of(session, endpoint.id)
        earlier = queries.latest_windows(session, endpoint.id, limit=_LOOK_BACK_WINDOWS)
        since = min((window.first_id for window in earlier), default="")
        taken = queries.assigned_segments(session, endpoint.id, since_id=since)
    free = [one for one in list_segments(tools.runtime.models, endpoint.name, since_id=since) if one.key not in taken]
    plans = plan(free, policy, tools.runtime.clock())
    if plans:
        with tools.runtime.transaction() as session:
            service.open_windows(session, endpoint_id=endpoint.id, plans=plans)


def _revisit(tools: Toolbox, endpoint: Endpoint) -> None:
    with tools.runtime.reading() as session:
        policy, _ = queries.policies_of(session, endpoint.id)
        waiting = queries.windows_without_quality(session, endpoint.id)
        known = {
            window.id: queries.count_truth(session, endpoint.id, first_id=window.first_id, last_id=window.last_id)
            for window in waiting
        }
    ready = [window for window in waiting if known[window.id] >= policy.min_truth_share * window.rows]
    if ready:
        with tools.runtime.transaction() as session:
            for window in ready:
                service.revisit_window(session, window_id=window.id, truth=known[window.id])


def compute_window(job: RunningJob[ComputeWindow], tools: Toolbox) -> dict[str, object]:
    """Drift against the training reference of the version that answered most, and quality where the truth is known.

    A window over a switch holds rows of two versions; the fewer ones are left out, since they have another reference.
    """
    with tools.runtime.reading() as session:
        window = queries.get_window(session, job.spec.window_id)
        endpoint = session.get_one(Endpoint, window.endpoint_id)
        model = session.get_one(RegisteredModel, endpoint.model_id)
        policy, _ = queries.policies_of(session, endpoint.id)
        truth = queries.truth_between(session, endpoint.id, first_id=window.first_id, last_id=window.last_id)
    job.stage("read")
    rows = read_segments(tools.runtime.models, window.segments)
    number = int(rows["version"].mode().max())  # type: ignore[arg-type]  # an int64 column has an int mode
    rows = rows.filter(pl.col("version") == number)
    with tools.runtime.reading() as session:
        version = find_version(session, model.id, number)
        run = session.get_one(Run, version.run_id)
    reference = read_parquet(tools, run.reference_md5)
    if run.package["signature"]["classes"]:  # labels are recorded as text, whatever they are
        reference = reference.with_columns(pl.col(PREDICTION).cast(pl.String))
    seen = rows["inputs"].struct.unnest().with_columns(rows["prediction"].alias(PREDICTION))
    job.stage("compare")
    job.progress(0.3, f"comparing {rows.height} rows with {reference.height} of training")
    found = drift(reference, seen, policy=policy)
    performance = _performance(rows, truth, run, policy)
    job.stage("record")
    with job.transaction() as session:
        service.close_window(session, window_id=window.id, version_id=version.id, drift=found, performance=performance)
    return {
        "drifted": found.drifted,
        "broken": found.broken,
        "performance": performance.model_dump() if performance else None,
    }


def _performance(
    rows: pl.DataFrame, truth: dict[str, queries.TruthValue], run: Run, policy: MonitorPolicy
) -> PerformanceResult | None:
    """Quality on the labelled rows; None while too few are labelled, or the metric cannot be computed on them."""
    labelled = rows.filter(pl.col("id").is_in(list(truth)))
    if labelled.height < max(1.0, policy.min_truth_share * rows.height):
        return None
    task = run.spec["task"]
    metric = find_metric(policy.metric or DEFAULT_METRIC[task], task)
    classes = run.package["signature"]["classes"]
    by_text = {label_text(label): label for label in classes}
    values = [by_text.get(str(value), value) for value in labelled["prediction"].to_list()]
    known = [by_text.get(label_text(truth[key]), truth[key]) for key in labelled["id"].to_list()]
    probabilities = pl.DataFrame(labelled["probabilities"].to_list(), orient="row").to_numpy() if classes else None
    try:
        value = metric.compute(known, Predictions(values, probabilities, classes))
    except DomainError:
        return None
    if not math.isfinite(value):  # not defined on these rows, as AUC with one class
        return None
    reference = run.metrics.get(f"test_{metric.name}")
    loss = None
    if reference:
        loss = (reference - value) / abs(reference) if metric.higher_is_better else (value - reference) / abs(reference)
    return PerformanceResult(
        metric=metric.name,
        value=value,
        reference=reference,
        labelled=labelled.height,
        rows=rows.height,
        loss=loss,
        degraded=loss is not None and loss > policy.max_quality_loss,
    )
