"""Every table of the platform, imported once so that migrations and tests see the whole schema."""

from domain.access.models import Token
from domain.batch_predictions.models import BatchPart, BatchPrediction
from domain.comparisons.models import VersionComparison
from domain.contents.models import Chunk, Content, Pack
from domain.data_checks.models import DataCheckReport, DatasetSuite
from domain.datasets.models import (
    Dataset,
    DatasetDiff,
    DatasetFile,
    DatasetFollow,
    DatasetObject,
    DatasetParent,
    DatasetPin,
    DatasetRecipe,
    DatasetRecipePin,
    DatasetVersion,
)
from domain.db import Base
from domain.deployments.models import Endpoint, Rollout
from domain.events.models import EventRow
from domain.experiments.models import Experiment, Run
from domain.eyeballs.models import Eyeball, RowNote
from domain.gate_drills.models import GateDrill, GateDrillSchedule
from domain.gc.models import Plan, PlanContent, PlanPack
from domain.images.models import VersionImage
from domain.jobs.models import Job, JobLog, Tick
from domain.model_checks.models import KeptResult, ModelCheckReport, ModelSuiteVersion
from domain.monitoring.models import (
    Alert,
    EndpointTraffic,
    GroundTruth,
    Monitor,
    MonitoringWindow,
    TrafficSource,
)
from domain.pins.models import ModelPin
from domain.pipelines.models import Pipeline, PipelineRun, PipelineStep
from domain.promotions.models import AlphaAccount, AlphaSpend, Promotion, PromotionReplay
from domain.registry.models import ModelAlias, ModelVersion, OutsideChange, RegisteredModel
from domain.repositories.models import CodeVersion, HookDelivery, Repository, RepositoryBranch, WaitingPointer
from domain.reproductions.models import Reproduction
from domain.sweeps.models import Sweep, SweepTrial
from domain.verifications.models import Finding, Verification
from domain.webhooks.models import Webhook, WebhookDelivery

metadata = Base.metadata

__all__ = [
    "Alert",
    "AlphaAccount",
    "AlphaSpend",
    "BatchPart",
    "BatchPrediction",
    "Chunk",
    "CodeVersion",
    "Content",
    "DataCheckReport",
    "Dataset",
    "DatasetDiff",
    "DatasetFile",
    "DatasetFollow",
    "DatasetObject",
    "DatasetParent",
    "DatasetPin",
    "DatasetRecipe",
    "DatasetRecipePin",
    "DatasetSuite",
    "DatasetVersion",
    "Endpoint",
    "EndpointTraffic",
    "EventRow",
    "Experiment",
    "Eyeball",
    "Finding",
    "GateDrill",
    "GateDrillSchedule",
    "GroundTruth",
    "HookDelivery",
    "Job",
    "JobLog",
    "KeptResult",
    "ModelAlias",
    "ModelCheckReport",
    "ModelPin",
    "ModelSuiteVersion",
    "ModelVersion",
    "Monitor",
    "MonitoringWindow",
    "OutsideChange",
    "Pack",
    "Pipeline",
    "PipelineRun",
    "PipelineStep",
    "Plan",
    "PlanContent",
    "PlanPack",
    "Promotion",
    "PromotionReplay",
    "RegisteredModel",
    "Repository",
    "RepositoryBranch",
    "Reproduction",
    "Rollout",
    "RowNote",
    "Run",
    "Sweep",
    "SweepTrial",
    "Tick",
    "Token",
    "TrafficSource",
    "Verification",
    "VersionComparison",
    "VersionImage",
    "WaitingPointer",
    "Webhook",
    "WebhookDelivery",
    "metadata",
]
