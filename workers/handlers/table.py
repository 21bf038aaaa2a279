"""Which handler does which job, and what every tick looks after."""

from domain.access.jobs import PublishAccess
from domain.batch_predictions.jobs import PredictBatch
from domain.comparisons.jobs import CompareVersions
from domain.data_checks.jobs import QuarantineRows, RunDataChecks
from domain.datasets.jobs import BuildVersion, DiffVersions
from domain.deployments.jobs import CountQuality, LookUpPrediction, PublishRoutes, ReadPredictions, RollOut
from domain.explanations.jobs import ExplainPrediction
from domain.eyeballs.jobs import PickRows
from domain.gate_drills.jobs import DrillGates
from domain.gc.jobs import CompressPacks, ComputePlan, DeleteRetiredPacks, ExecutePlan, RepackStore
from domain.images.jobs import PushImage
from domain.jobs.spec import JobSpec
from domain.model_checks.jobs import RunModelChecks
from domain.monitoring.jobs import ComputeWindow, TidyPredictions
from domain.promotions.jobs import GatherEvidence, ReplayPromotion
from domain.registry.jobs import LookAtMirror, MirrorAlias, MirrorVersion
from domain.repositories.jobs import SyncRepository
from domain.reproductions.jobs import ReproduceRun
from domain.training.jobs import EndTracking, ImportModel, TrainModel
from domain.verifications.jobs import VerifyStore
from domain.webhooks.jobs import DeliverWebhook
from workers.handlers import (
    access,
    batch_predictions,
    comparisons,
    data_checks,
    datasets,
    deployments,
    explanations,
    eyeballs,
    gate_drills,
    gc,
    images,
    model_checks,
    monitoring,
    pipelines,
    promotions,
    registry,
    repositories,
    reproductions,
    training,
    verifications,
    webhooks,
)
from workers.run import Handler
from workers.tick import Chore, nudge_due, reap_lost, tell_tick

HANDLERS: dict[type[JobSpec], Handler] = {
    PublishAccess: access.publish_access,
    BuildVersion: datasets.build_version,
    DiffVersions: datasets.diff_versions,
    RunDataChecks: data_checks.run_data_checks,
    QuarantineRows: data_checks.quarantine_rows,
    TrainModel: training.train_model,
    EndTracking: training.end_tracking,
    ImportModel: training.import_model,
    ReproduceRun: reproductions.reproduce_run,
    MirrorVersion: registry.mirror_version,
    MirrorAlias: registry.mirror_alias,
    LookAtMirror: registry.look_at_mirror,
    PushImage: images.push_image,
    CompareVersions: comparisons.compare_versions,
    RunModelChecks: model_checks.run_model_checks,
    PickRows: eyeballs.pick_rows,
    GatherEvidence: promotions.gather_evidence,
    ReplayPromotion: promotions.replay_promotion,
    PublishRoutes: deployments.publish_routes,
    RollOut: deployments.roll_out,
    CountQuality: deployments.count_quality,
    LookUpPrediction: deployments.look_up_prediction,
    ReadPredictions: deployments.read_predictions,
    ExplainPrediction: explanations.explain_prediction,
    PredictBatch: batch_predictions.predict_batch,
    DrillGates: gate_drills.drill_gates,
    ComputeWindow: monitoring.compute_window,
    TidyPredictions: monitoring.tidy_predictions,
    SyncRepository: repositories.sync_repository,
    ComputePlan: gc.compute_plan,
    ExecutePlan: gc.execute_plan,
    DeleteRetiredPacks: gc.delete_retired_packs,
    RepackStore: gc.repack_store,
    CompressPacks: gc.compress_packs,
    VerifyStore: verifications.verify_store,
    DeliverWebhook: webhooks.deliver_webhook,
}

CHORES: list[Chore] = [
    tell_tick,
    reap_lost,
    nudge_due,
    monitoring.open_windows,
    monitoring.take_traffic,
    monitoring.tidy_by_the_hour,
    gate_drills.order_due_drills,
    pipelines.fire_schedules,
    repositories.look_for_pushed_objects,
    gc.repack_when_scattered,
    gc.compress_when_loose,
    datasets.measure_versions,
    registry.order_look_at_mirror,
    webhooks.forget_old_deliveries,
]
