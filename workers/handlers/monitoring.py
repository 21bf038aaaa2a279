"""Watching: each tick looks for windows to close; a job compares a window with its reference and its truth.

And once an hour what was recorded is tidied up: small segments become large ones, old ones go.
"""

import math
from datetime import datetime, timedelta
from statistics import median

import polars as pl
import structlog
from pydantic import ValidationError
from sqlalchemy import select

from adapters.object_store.protocol import ObjectMissing
from domain.deployments.models import Endpoint
from domain.deployments.specs import EndpointSettings, TrafficReport
from domain.errors import DomainError
from domain.experiments.models import Run
from domain.jobs import service as jobs
from domain.monitoring import queries, service, traffic
from domain.monitoring.jobs import ComputeWindow, TidyPredictions
from domain.monitoring.specs import MonitorPolicy, PerformanceResult
from domain.monitoring.windows import plan, time_of_id
from domain.registry.metrics import DEFAULT_METRIC
from domain.registry.models import RegisteredModel
from domain.registry.queries import find_version
from ml.distributions import distributions
from ml.drift import drift
from ml.metrics import find_metric
from ml.models import Predictions
from serving.segments import label_text
from workers.compaction import compact, expire
from workers.run import RunningJob
from workers.scoring import PREDICTION, read_parquet
from workers.toolbox import Toolbox
from workers.traffic import SHADOWS, id_at, list_segments, read_segments

log = structlog.get_logger(__name__)

_REPORTS_AT_ONCE = 500
_DELAYS = 10_000
# Whoever has listed a segment that expires meanwhile has this long to read it.
_GRACE = timedelta(hours=1)
_SHADOW_DAYS = 91


def open_windows(tools: Toolbox) -> None:
    """Plan windows over the segments that belong to none yet; revisit windows whose truth has arrived since."""
    with tools.runtime.reading() as session:
        endpoints = session.scalars(select(Endpoint).where(Endpoint.live_version_id.is_not(None))).all()
    for endpoint in endpoints:
        open_windows_of(tools, endpoint)
        _revisit(tools, endpoint)


def open_windows_of(tools: Toolbox, endpoint: Endpoint) -> None:
    now = tools.runtime.clock()
    with tools.runtime.reading() as session:
        policy, _ = queries.policies_of(session, endpoint.id)
        since = max(queries.looked_back_to(session, endpoint.id), _kept_since(endpoint, now))
        taken = queries.assigned_segments(session, endpoint.id, since_id=since)
    listed = list_segments(tools.runtime.models, endpoint.name, since_id=since)
    # Only what no window can be waiting for is compacted.
    free = [one for one in listed if not one.compacted and one.key not in taken]
    plans = plan(free, policy, now)
    if plans:
        with tools.runtime.transaction() as session:
            service.open_windows(session, endpoint_id=endpoint.id, plans=plans)


def _revisit(tools: Toolbox, endpoint: Endpoint) -> None:
    with tools.runtime.reading() as session:
        policy, _ = queries.policies_of(session, endpoint.id)
        kept_since = _kept_since(endpoint, tools.runtime.clock())
        waiting = [one for one in queries.windows_without_quality(session, endpoint.id) if one.first_id >= kept_since]
        known = {
            window.id: queries.count_truth(session, endpoint.id, first_id=window.first_id, last_id=window.last_id)
            for window in waiting
        }
    ready = [window for window in waiting if known[window.id] >= policy.min_truth_share * window.rows]
    if ready:
        with tools.runtime.transaction() as session:
            for window in ready:
                service.revisit_window(session, window_id=window.id, truth=known[window.id])


def _kept_since(endpoint: Endpoint, now: datetime) -> str:
    """The id from which on predictions are kept; the empty text when they are for ever."""
    keep_days = EndpointSettings.model_validate(endpoint.settings).keep_days
    return "" if keep_days is None else id_at(now - timedelta(days=keep_days))


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
        told_at = queries.truth_times(session, endpoint.id, first_id=window.first_id, last_id=window.last_id)
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
    drawn = distributions(reference, seen)
    performance = _performance(rows, truth, told_at, run, policy)
    job.stage("record")
    with job.transaction() as session:
        service.close_window(
            session,
            window_id=window.id,
            version_id=version.id,
            drift=found,
            performance=performance,
            distributions=drawn,
        )
    return {
        "drifted": found.drifted,
        "broken": found.broken,
        "performance": performance.model_dump() if performance else None,
    }


def _performance(
    rows: pl.DataFrame,
    truth: dict[str, queries.TruthValue],
    told_at: dict[str, datetime],
    run: Run,
    policy: MonitorPolicy,
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
        delay_seconds=_delay(labelled["id"].to_list(), told_at),
    )


def _delay(ids: list[str], told_at: dict[str, datetime]) -> float | None:
    """Seconds from a prediction to its truth, in the middle, of some thousands at most.

    Truth may be told first, or by another clock: that is no delay.
    """
    ids = ids[:: 1 + len(ids) // _DELAYS]
    made = {key: at for key in ids if (at := time_of_id(key)) is not None}
    return median(max(0.0, (told_at[key] - at).total_seconds()) for key, at in made.items()) if made else None


def take_traffic(tools: Toolbox) -> None:
    """A chore: what serving reports of its requests becomes rows, and is deleted from the store."""
    store = tools.runtime.models
    keys = sorted(info.key for info in store.list("traffic"))[:_REPORTS_AT_ONCE]
    reports = []
    for key in keys:
        try:
            reports.append(TrafficReport.model_validate_json(store.get(key)))
        except ObjectMissing:  # another tick was faster
            continue
        except ValidationError as error:
            log.warning("traffic_not_read", key=key, error=str(error))
    if reports:
        with tools.runtime.transaction() as session:
            traffic.keep(session, reports)
    store.delete_many(keys)


def tidy_by_the_hour(tools: Toolbox) -> None:
    """A chore: one job for each hour."""
    with tools.runtime.transaction() as session:
        jobs.submit(session, TidyPredictions(), subject="predictions", key=f"tidy:{session.now():%Y-%m-%dT%H}")


def tidy_predictions(job: RunningJob[TidyPredictions], tools: Toolbox) -> dict[str, object]:
    """Endpoint by endpoint. A window that is open keeps what it needs; what one may still take stays as it is."""
    runtime = tools.runtime
    now = runtime.clock()
    with runtime.reading() as session:
        endpoints = session.scalars(select(Endpoint).order_by(Endpoint.name)).all()
    merged = expired = 0
    for place, endpoint in enumerate(endpoints):
        job.progress(place / len(endpoints), endpoint.name)
        with runtime.reading() as session:
            before_id = queries.looked_back_to(session, endpoint.id)
            needed = queries.open_spans(session, endpoint.id)
        keep_days = EndpointSettings.model_validate(endpoint.settings).keep_days
        if keep_days is not None:
            before = now - timedelta(days=keep_days) - _GRACE
            expired += expire(runtime.models, endpoint.name, before=before, needed=needed)
        # What candidates said to copies is asked for as long as late labels may roll one back, 90 days at most.
        shadows = now - (timedelta(days=min(keep_days or _SHADOW_DAYS, _SHADOW_DAYS)) + _GRACE)
        expired += expire(runtime.models, endpoint.name, before=shadows, needed=(), home=SHADOWS)
        merged += compact(runtime.models, endpoint.name, before_id=before_id, now=now)
    with job.transaction() as session:
        traffic.forget(session)
    return {"merged": merged, "expired": expired}
