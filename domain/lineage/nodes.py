"""What is shown of the things in a graph: a title, a state and the facts that matter, one query for all of a kind."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from domain.batch_predictions.models import BatchPrediction
from domain.data_checks.models import DataCheckReport
from domain.datasets.models import Dataset, DatasetVersion
from domain.db import AnySession
from domain.deployments.models import Endpoint, Rollout
from domain.experiments.models import Experiment, Run
from domain.lineage.graph import Key, Kind
from domain.monitoring.models import Alert, MonitoringWindow
from domain.pipelines.models import Pipeline, PipelineRun
from domain.promotions.models import Promotion
from domain.registry.models import ModelVersion, RegisteredModel
from domain.repositories.models import CodeVersion, Repository


@dataclass(frozen=True)
class Node:
    """`id` is its address in the graph; `path` is where the API has it, None where it has no page of its own."""

    id: str
    kind: Kind
    name: str
    title: str
    state: str | None
    at: datetime | None
    path: str | None
    facts: dict[str, Any]


Described = Iterator[tuple[str, Node]]


def _node(kind: Kind, path: str, name: str, title: str, **facts: Any) -> Node:
    """`state` and `at` are among the facts; those that are None are left out."""
    state, at = facts.pop("state"), facts.pop("at")
    known = {key: value for key, value in facts.items() if value is not None}
    return Node(path, kind, name, title, state, at, path, known)


def _dataset_versions(session: AnySession, ids: Collection[str]) -> Described:
    reports = select(DataCheckReport.version_id, DataCheckReport.verdict).where(DataCheckReport.version_id.in_(ids))
    verdicts = dict(session.execute(reports.order_by(DataCheckReport.id)).all())
    query = select(DatasetVersion, Dataset.name).join(Dataset, DatasetVersion.dataset_id == Dataset.id)
    for row, name in session.execute(query.where(DatasetVersion.id.in_(ids))):
        source = row.source
        yield row.id, _node(
            Kind.DATASET_VERSION, f"datasets/{name}/versions/{row.number}", f"{name}@{row.number}",
            f"{name} version {row.number}", state=row.state, at=row.created_at,
            source=source.get("kind"), repository=source.get("repository") or source.get("url"),
            rows=row.rows, files=row.files, size=row.size, digest=row.digest, checks=verdicts.get(row.id),
            message=row.message or None, created_by=row.created_by,
        )  # fmt: skip


def _code(session: AnySession, ids: Collection[str]) -> Described:
    query = select(CodeVersion, Repository.name).join(Repository, CodeVersion.repository_id == Repository.id)
    known = {row.commit: (row, name) for row, name in session.execute(query.where(CodeVersion.commit.in_(ids)))}
    for commit in ids:
        row, name = known.get(commit, (None, None))
        yield commit, Node(
            f"code/{commit}", Kind.CODE, commit[:12], f"commit {commit[:12]}" + (f" of {name}" if name else ""), None,
            row.committed_at if row else None, f"repositories/{name}" if name else None,
            {"commit": commit, **({"branch": row.branch, "author": row.author, "message": row.message} if row else {})},
        )  # fmt: skip


def _runs(session: AnySession, ids: Collection[str]) -> Described:
    query = select(Run, Experiment.name).join(Experiment, Run.experiment_id == Experiment.id)
    for row, experiment in session.execute(query.where(Run.id.in_(ids))):
        yield row.id, _node(
            Kind.RUN, f"runs/{row.id}", row.id[-8:], f"{row.trainer} in {experiment}", state=row.state,
            at=row.ended_at or row.created_at,
            experiment=experiment, trainer=row.trainer, seed=row.seed, metrics=row.metrics, code_commit=row.code_commit,
            reason=row.reason or None, created_by=row.created_by,
        )  # fmt: skip


def _model_versions(session: AnySession, ids: Collection[str]) -> Described:
    query = select(ModelVersion, RegisteredModel.name).join(
        RegisteredModel, ModelVersion.model_id == RegisteredModel.id
    )
    for row, name in session.execute(query.where(ModelVersion.id.in_(ids))):
        yield row.id, _node(
            Kind.MODEL_VERSION, f"models/{name}/versions/{row.number}", f"{name}@{row.number}",
            f"{name} version {row.number}", state=row.state, at=row.created_at,
            flavor=row.flavor, metrics=row.metrics, package=row.package_digest, created_by=row.created_by,
        )  # fmt: skip


def _promotions(session: AnySession, ids: Collection[str]) -> Described:
    query = (
        select(Promotion, RegisteredModel.name, ModelVersion.number)
        .join(RegisteredModel, Promotion.model_id == RegisteredModel.id)
        .join(ModelVersion, Promotion.version_id == ModelVersion.id)
    )
    for row, model, number in session.execute(query.where(Promotion.id.in_(ids))):
        gates = (row.decision or {}).get("gates", [])
        yield row.id, _node(
            Kind.PROMOTION, f"promotions/{row.id}", row.id[-8:], f"promotion of {model} version {number}",
            state=row.state, at=row.decided_at or row.requested_at,
            gates=[{"gate": one["gate"], "verdict": one["verdict"]} for one in gates], reason=row.reason or None,
            frozen_rows=(row.evidence or {}).get("frozen_rows"), requested_by=row.requested_by, approver=row.approver,
            overridden_by=row.overridden_by,
        )  # fmt: skip


def _rollouts(session: AnySession, ids: Collection[str]) -> Described:
    query = (
        select(Rollout, Endpoint.name, ModelVersion.number)
        .join(Endpoint, Rollout.endpoint_id == Endpoint.id)
        .join(ModelVersion, Rollout.version_id == ModelVersion.id)
    )
    for row, endpoint, number in session.execute(query.where(Rollout.id.in_(ids))):
        yield row.id, _node(
            Kind.ROLLOUT, f"rollouts/{row.id}", row.id[-8:], f"version {number} onto {endpoint}", state=row.state,
            at=row.ended_at or row.started_at,
            strategy=(row.strategy or {"strategy": "blue_green"}).get("strategy"), reason=row.reason or None,
            started_by=row.started_by,
        )  # fmt: skip


def _endpoints(session: AnySession, ids: Collection[str]) -> Described:
    query = (
        select(Endpoint, RegisteredModel.name, ModelVersion.number)
        .join(RegisteredModel, Endpoint.model_id == RegisteredModel.id)
        .outerjoin(ModelVersion, Endpoint.live_version_id == ModelVersion.id)
    )
    for row, model, live in session.execute(query.where(Endpoint.id.in_(ids))):
        yield row.id, _node(
            Kind.ENDPOINT, f"endpoints/{row.name}", row.name, f"endpoint {row.name}", state="live" if live else "empty",
            at=row.created_at, model=model, live_version=live, created_by=row.created_by,
        )  # fmt: skip


def _batch_predictions(session: AnySession, ids: Collection[str]) -> Described:
    for row in session.scalars(select(BatchPrediction).where(BatchPrediction.id.in_(ids))):
        state = "finished" if row.output_version_id else "ended" if row.ended_at else "running"
        yield row.id, _node(
            Kind.BATCH_PREDICTION, f"batch-predictions/{row.id}", row.id[-8:], "batch prediction", state=state,
            at=row.ended_at or row.created_at, rows=row.rows, bad_rows=row.bad_rows, created_by=row.created_by,
        )  # fmt: skip


def _windows(session: AnySession, ids: Collection[str]) -> Described:
    query = select(MonitoringWindow, Endpoint.name).join(Endpoint, MonitoringWindow.endpoint_id == Endpoint.id)
    for row, endpoint in session.execute(query.where(MonitoringWindow.id.in_(ids))):
        yield row.id, Node(
            f"windows/{row.id}", Kind.WINDOW, row.id[-8:], f"{row.rows} predictions of {endpoint}", row.verdict,
            row.closed_at or row.opened_at, f"endpoints/{endpoint}/drift", {"endpoint": endpoint, "rows": row.rows},
        )  # fmt: skip


def _alerts(session: AnySession, ids: Collection[str]) -> Described:
    for row in session.scalars(select(Alert).where(Alert.id.in_(ids))):
        yield row.id, _node(
            Kind.ALERT, f"alerts/{row.id}", row.id[-8:], f"{row.kind} alert", state=row.state, at=row.opened_at,
            severity=row.severity, reason=row.reason, next_step=row.next_step, occurrences=row.occurrences,
        )  # fmt: skip


def _pipeline_runs(session: AnySession, ids: Collection[str]) -> Described:
    query = select(PipelineRun, Pipeline.name).join(Pipeline, PipelineRun.pipeline_id == Pipeline.id)
    for row, name in session.execute(query.where(PipelineRun.id.in_(ids))):
        yield row.id, _node(
            Kind.PIPELINE_RUN, f"pipeline-runs/{row.id}", row.id[-8:], f"run of {name}", state=row.state,
            at=row.started_at, pipeline=name, trigger=row.trigger, trigger_reason=row.trigger_reason or None,
            reason=row.reason or None, started_by=row.started_by,
        )  # fmt: skip


DESCRIBE: dict[Kind, Callable[[AnySession, Collection[str]], Described]] = {
    Kind.DATASET_VERSION: _dataset_versions,
    Kind.CODE: _code,
    Kind.RUN: _runs,
    Kind.MODEL_VERSION: _model_versions,
    Kind.PROMOTION: _promotions,
    Kind.ROLLOUT: _rollouts,
    Kind.ENDPOINT: _endpoints,
    Kind.BATCH_PREDICTION: _batch_predictions,
    Kind.WINDOW: _windows,
    Kind.ALERT: _alerts,
    Kind.PIPELINE_RUN: _pipeline_runs,
}


def describe(session: AnySession, keys: Collection[Key]) -> dict[Key, Node]:
    """The nodes of these things. What is gone, or is no row (a prediction), is left out."""
    ids: dict[Kind, list[str]] = {}
    for key in keys:
        ids.setdefault(key.kind, []).append(key.id)
    return {
        Key(kind, one): node
        for kind, some in ids.items()
        if kind in DESCRIBE
        for one, node in DESCRIBE[kind](session, some)
    }
