"""Jobs of model checks: the gates of the policy that look at one version alone, on its frozen test rows."""

from domain.experiments.models import Run
from domain.model_checks import service
from domain.model_checks.jobs import RunModelChecks
from domain.promotions.specs import Policy
from domain.registry.models import RegisteredModel
from domain.registry.queries import get_version_by_id
from ml.inputs import frame_columns, truth
from ml.metrics import compute_all
from ml.model_checks.table import run_checks
from workers.packages import open_model
from workers.run import RunningJob
from workers.scoring import read_parquet
from workers.toolbox import Toolbox


def run_model_checks(job: RunningJob[RunModelChecks], tools: Toolbox) -> dict[str, str]:
    """Record what each check of the policy, as it is now, comes to for the packaged model, as it will be served."""
    with tools.runtime.reading() as session:
        version = get_version_by_id(session, job.spec.version_id)
        model = session.get_one(RegisteredModel, version.model_id)
        run = session.get_one(Run, version.run_id)
    checks = Policy.model_validate(model.policy).checks()
    job.stage("read")
    rows = read_parquet(tools, run.test_rows_md5)
    job.stage("check")
    job.progress(0.1, f"{len(checks)} checks on {rows.height} frozen rows")
    packaged = open_model(tools, version.package_digest)
    signature = packaged.signature
    answers = packaged.predict_columns(frame_columns(rows, signature.inputs))
    metrics = compute_all(signature.task, truth(rows, signature), answers)
    results = run_checks(checks, model=packaged, frame=rows, metrics=run.metrics, seed=run.seed)
    for result in results:
        job.log(f"{result.gate}: {result.verdict}. {result.message}")
    job.stage("record")
    with job.transaction() as session:
        report = service.record(
            session,
            version_id=version.id,
            job_id=job.id,
            policy_version=model.policy_version,
            checks=checks,
            results=results,
            metrics=metrics,
        )
    return {"verdict": report.verdict}
