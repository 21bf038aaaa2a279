"""Every table of the platform, imported once so that migrations and tests see the whole schema."""

from domain.access.models import Token
from domain.data_checks.models import DataCheckReport, DatasetSuite
from domain.datasets.models import Dataset, DatasetDiff, DatasetFile, DatasetParent, DatasetVersion
from domain.db import Base
from domain.deployments.models import Endpoint, Rollout
from domain.events.models import EventRow
from domain.experiments.models import Experiment, Run
from domain.jobs.models import Job, JobLog
from domain.model_checks.models import ModelCheckReport
from domain.monitoring.models import Alert, GroundTruth, Monitor, MonitoringWindow
from domain.pipelines.models import Pipeline, PipelineRun, PipelineStep
from domain.promotions.models import Promotion
from domain.registry.models import ModelAlias, ModelVersion, RegisteredModel
from domain.repositories.models import CodeVersion, HookDelivery, Repository, RepositoryBranch, WaitingPointer

metadata = Base.metadata

__all__ = [
    "Alert",
    "CodeVersion",
    "DataCheckReport",
    "Dataset",
    "DatasetDiff",
    "DatasetFile",
    "DatasetParent",
    "DatasetSuite",
    "DatasetVersion",
    "Endpoint",
    "EventRow",
    "Experiment",
    "GroundTruth",
    "HookDelivery",
    "Job",
    "JobLog",
    "ModelAlias",
    "ModelCheckReport",
    "ModelVersion",
    "Monitor",
    "MonitoringWindow",
    "Pipeline",
    "PipelineRun",
    "PipelineStep",
    "Promotion",
    "RegisteredModel",
    "Repository",
    "RepositoryBranch",
    "Rollout",
    "Run",
    "Token",
    "WaitingPointer",
    "metadata",
]
