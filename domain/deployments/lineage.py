"""The chain behind an answer: endpoint, version, gate decision, run, data version.

Read by `GET /predictions/{id}/lineage`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from domain.data_checks.models import DataCheckReport
from domain.datasets.models import Dataset, DatasetVersion
from domain.db import AnySession
from domain.deployments.models import Rollout
from domain.deployments.queries import get_endpoint
from domain.deployments.rollout import HAS_ANSWERED
from domain.experiments.models import Experiment, Run
from domain.promotions.models import Promotion
from domain.promotions.queries import proof_of
from domain.registry.models import ModelVersion, RegisteredModel
from domain.registry.queries import find_version


@dataclass(frozen=True)
class Link:
    """One step back; `facts` are JSON values."""

    noun: str
    subject: str
    headline: str
    facts: dict[str, Any]


def chain(session: AnySession, *, endpoint: str, number: int, at: datetime) -> list[Link]:
    """Every link from what version `number` answered at that moment back to the data, in that order.

    Raises NotFound kinds for names that are gone.
    """
    target = get_endpoint(session, endpoint)
    model = session.get_one(RegisteredModel, target.model_id)
    version = find_version(session, model.id, number)
    run = session.get_one(Run, version.run_id)
    links = [_version_link(model, version)]
    rollout = rollout_at(session, target.id, version.id, at)
    if rollout is not None:
        links.insert(
            0,
            Link(
                "rollout",
                f"rollouts/{rollout.id}",
                f"{rollout.state} on endpoint {endpoint}, started by {rollout.started_by}",
                {"probe": rollout.probe, "started_at": rollout.started_at.isoformat(), "reason": rollout.reason},
            ),
        )
    proof = proof_of(session, version.id)
    if proof is not None:
        links.append(_promotion_link(proof))
    links.append(_run_link(session, run))
    links.extend(_data_links(session, run.dataset_version_id))
    return links


def rollout_at(session: AnySession, endpoint_id: str, version_id: str, at: datetime) -> Rollout | None:
    """The rollout by which a version answered on an endpoint at that moment."""
    return session.scalar(
        select(Rollout)
        .where(
            Rollout.endpoint_id == endpoint_id,
            Rollout.version_id == version_id,
            # It answered from its switch on, or as a candidate since its trial began.
            or_(
                Rollout.state.in_(HAS_ANSWERED) & (Rollout.ended_at <= at),
                Rollout.step_began_at.is_not(None) & (Rollout.started_at <= at),
            ),
        )
        .order_by(Rollout.id.desc())
        .limit(1)
    )


def _version_link(model: RegisteredModel, version: ModelVersion) -> Link:
    return Link(
        "model_version",
        f"models/{model.name}/versions/{version.number}",
        f"{model.name} version {version.number}, {version.flavor}",
        {"package": version.package_digest, "metrics": version.metrics, "created_by": version.created_by},
    )


def _promotion_link(proof: Promotion) -> Link:
    approver = proof.approver or ("the policy (automatic)" if proof.decision else "nobody")
    return Link(
        "promotion",
        f"promotions/{proof.id}",
        f"{proof.state}: {proof.reason}",
        {
            "requested_by": proof.requested_by,
            "approved_by": approver,
            "policy_version": proof.policy_version,
            "gates": [
                {"gate": one["gate"], "verdict": one["verdict"]} for one in (proof.decision or {}).get("gates", [])
            ],
        },
    )


def _run_link(session: AnySession, run: Run) -> Link:
    experiment = session.get_one(Experiment, run.experiment_id)
    return Link(
        "run",
        f"runs/{run.id}",
        f"{run.trainer} in experiment {experiment.name}, seed {run.seed}, by {run.created_by}",
        {
            "code_commit": run.code_commit,
            "params": run.params,
            "features": run.spec.get("features"),
            "environment": run.environment_digest,
            "mlflow_run_id": run.mlflow_run_id,
        },
    )


def _data_links(session: AnySession, version_id: str) -> list[Link]:
    version = session.get_one(DatasetVersion, version_id)
    dataset = session.get_one(Dataset, version.dataset_id)
    subject = f"datasets/{dataset.name}/versions/{version.number}"
    links = [
        Link(
            "dataset_version",
            subject,
            f"{dataset.name} version {version.number}, {version.rows} rows, {version.state}",
            {
                "digest": version.digest,
                "source": version.source,
                "message": version.message,
                "created_by": version.created_by,
            },
        )
    ]
    report = session.scalar(
        select(DataCheckReport)
        .where(DataCheckReport.version_id == version.id)
        .order_by(DataCheckReport.id.desc())
        .limit(1)
    )
    if report is not None:
        links.append(
            Link(
                "data_checks",
                f"{subject}/checks",
                f"{report.verdict}, {len(report.results)} checks",
                {"suite": report.suite_digest},
            )
        )
    return links
