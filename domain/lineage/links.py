"""What came of what, as the tables keep it: each link is a query for pairs of ids, read in both directions."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import String, and_, cast, func, literal, or_, select
from sqlalchemy.sql.selectable import Select

from domain.batch_predictions.models import BatchPrediction
from domain.datasets.models import Dataset, DatasetParent, DatasetVersion
from domain.db import AnySession
from domain.deployments.models import Endpoint, Rollout
from domain.experiments.models import Run
from domain.lineage.graph import Edge, Key, Kind
from domain.monitoring.models import Alert, MonitoringWindow
from domain.monitoring.windows import WindowVerdict
from domain.pipelines.graph import StepName
from domain.pipelines.models import PipelineRun, PipelineStep
from domain.promotions.models import Promotion
from domain.registry.models import ModelVersion


class Link(NamedTuple):
    """`query` selects the id of the source and the id of the target."""

    source: Kind
    relation: str
    target: Kind
    query: Select[Any, Any]


_SOURCE = DatasetVersion.source
_OUTPUT = PipelineStep.output
_NUMBERED = literal(" version ") + cast(DatasetVersion.number, String) + " (" + DatasetVersion.digest + ")"
_PINNED = Dataset.name + "@" + cast(DatasetVersion.number, String)
# Quiet windows are many, and nothing came of them.
_NOT_QUIET = and_(MonitoringWindow.verdict.is_not(None), MonitoringWindow.verdict != WindowVerdict.QUIET)


def _step(name: StepName, output: str) -> Select[Any, Any]:
    return select(PipelineStep.run_id, _OUTPUT[output].as_string()).where(
        PipelineStep.name == name, _OUTPUT[output].as_string().is_not(None)
    )


LINKS: list[Link] = [
    Link(
        Kind.DATASET_VERSION, "built", Kind.DATASET_VERSION,
        select(DatasetParent.parent_id, DatasetParent.child_id),
    ),
    Link(
        Kind.CODE, "pointed to", Kind.DATASET_VERSION,
        select(_SOURCE["commit"].as_string(), DatasetVersion.id).where(_SOURCE["commit"].as_string().is_not(None)),
    ),
    Link(
        Kind.ENDPOINT, "recorded", Kind.DATASET_VERSION,
        select(Endpoint.id, DatasetVersion.id)
        .join(Endpoint, Endpoint.name == _SOURCE["endpoint"].as_string())
        .where(_SOURCE["kind"].as_string() == "traffic"),
    ),
    Link(
        Kind.BATCH_PREDICTION, "wrote", Kind.DATASET_VERSION,
        select(BatchPrediction.id, BatchPrediction.output_version_id),
    ),
    Link(
        Kind.PIPELINE_RUN, "built", Kind.DATASET_VERSION,
        # Without a job the step took a version that was there.
        select(PipelineStep.run_id, _OUTPUT["version_id"].as_string()).where(
            PipelineStep.name.in_([StepName.BUILD, StepName.EVALUATION]), _OUTPUT["job_id"].as_string().is_not(None)
        ),
    ),
    Link(Kind.DATASET_VERSION, "trained", Kind.RUN, select(Run.dataset_version_id, Run.id)),
    Link(Kind.CODE, "trained", Kind.RUN, select(Run.code_commit, Run.id).where(Run.code_commit.is_not(None))),
    Link(Kind.PIPELINE_RUN, "started", Kind.RUN, _step(StepName.TRAIN, "run_id")),
    Link(Kind.RUN, "registered", Kind.MODEL_VERSION, select(ModelVersion.run_id, ModelVersion.id)),
    Link(Kind.MODEL_VERSION, "was judged", Kind.PROMOTION, select(Promotion.version_id, Promotion.id)),
    Link(
        Kind.DATASET_VERSION, "was evidence for", Kind.PROMOTION,
        select(DatasetVersion.id, Promotion.id)
        .select_from(DatasetVersion)
        .join(Dataset, Dataset.id == DatasetVersion.dataset_id)
        .join(
            Promotion,
            # As the evidence names its frozen rows: by the reference of the gate, the number and the digest.
            Promotion.evidence["frozen_rows"].as_string().in_([Dataset.name + _NUMBERED, _PINNED + _NUMBERED]),
        ),
    ),
    Link(Kind.PIPELINE_RUN, "asked for", Kind.PROMOTION, _step(StepName.PROMOTE, "promotion_id")),
    Link(
        Kind.PROMOTION, "started", Kind.ROLLOUT,
        select(Rollout.promotion_id, Rollout.id).where(Rollout.promotion_id.is_not(None)),
    ),
    Link(Kind.MODEL_VERSION, "was rolled out", Kind.ROLLOUT, select(Rollout.version_id, Rollout.id)),
    Link(Kind.ROLLOUT, "took place on", Kind.ENDPOINT, select(Rollout.id, Rollout.endpoint_id)),
    Link(
        Kind.MODEL_VERSION, "answers on", Kind.ENDPOINT,
        select(Endpoint.live_version_id, Endpoint.id).where(Endpoint.live_version_id.is_not(None)),
    ),
    Link(
        Kind.DATASET_VERSION, "was scored", Kind.BATCH_PREDICTION,
        select(BatchPrediction.dataset_version_id, BatchPrediction.id),
    ),
    Link(
        Kind.MODEL_VERSION, "scored", Kind.BATCH_PREDICTION,
        select(BatchPrediction.model_version_id, BatchPrediction.id),
    ),
    Link(
        Kind.ENDPOINT, "was watched", Kind.WINDOW,
        select(MonitoringWindow.endpoint_id, MonitoringWindow.id).where(_NOT_QUIET),
    ),
    Link(
        Kind.MODEL_VERSION, "was watched", Kind.WINDOW,
        select(MonitoringWindow.version_id, MonitoringWindow.id).where(_NOT_QUIET),
    ),
    Link(Kind.WINDOW, "raised", Kind.ALERT, select(Alert.window_id, Alert.id).where(Alert.window_id.is_not(None))),
    Link(
        Kind.WINDOW, "set off", Kind.PIPELINE_RUN,
        select(MonitoringWindow.id, PipelineRun.id).join(
            PipelineRun, PipelineRun.cause == literal("window:") + MonitoringWindow.id
        ),
    ),
    Link(
        Kind.ALERT, "stood open for", Kind.PIPELINE_RUN,
        select(Alert.id, PipelineRun.id)
        .select_from(PipelineRun)
        .join(MonitoringWindow, PipelineRun.cause == literal("window:") + MonitoringWindow.id)
        .join(
            Alert,
            and_(
                Alert.endpoint_id == MonitoringWindow.endpoint_id,
                Alert.opened_at <= PipelineRun.started_at,
                or_(Alert.resolved_at.is_(None), Alert.resolved_at >= PipelineRun.started_at),
            ),
        ),
    ),
    Link(
        Kind.DATASET_VERSION, "set off", Kind.PIPELINE_RUN,
        select(DatasetVersion.id, PipelineRun.id).join(
            PipelineRun, PipelineRun.cause == literal("dataset_version:") + DatasetVersion.id
        ),
    ),
    Link(
        Kind.CODE, "set off", Kind.PIPELINE_RUN,
        select(func.substr(PipelineRun.cause, len("code:") + 1), PipelineRun.id).where(
            PipelineRun.cause.startswith("code:")
        ),
    ),
]  # fmt: skip


def edges(session: AnySession, keys: Collection[Key], limit: int, *, up: bool) -> list[Edge]:
    """The edges that end (`up`) or begin at these things, newest first: one query for each link, `limit` of each."""
    ids: dict[Kind, list[str]] = {}
    for key in keys:
        ids.setdefault(key.kind, []).append(key.id)
    found: list[Edge] = []
    for link in LINKS:
        here = ids.get(link.target if up else link.source)
        if here:
            source, target = link.query.selected_columns
            query = (
                link.query.where((target if up else source).in_(here))
                .order_by(target.desc(), source.desc())
                .limit(limit)
            )
            found += [
                Edge(Key(link.source, one), Key(link.target, other), link.relation)
                for one, other in session.execute(query)
                if one is not None and other is not None
            ]
    return found
