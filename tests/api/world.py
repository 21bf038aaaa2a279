"""One of everything behind the API, made without a training: for tests that knock at every route."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import httpx
from anyio.from_thread import start_blocking_portal
from sqlalchemy import select
from structlog.testing import capture_logs

from adapters.runtime import Runtime, open_runtime
from adapters.settings import Settings
from api.bootstrap import bootstrap
from api.main import create_app
from domain.access import service as access
from domain.access.actor import Role
from domain.batch_predictions import service as batch_predictions
from domain.batch_predictions.specs import BatchAsk
from domain.comparisons import service as comparisons
from domain.comparisons.specs import ComparisonSpec
from domain.datasets import service as datasets
from domain.datasets.manifest import ManifestEntry
from domain.datasets.specs import ColumnProfile, TableProfile, UploadSource
from domain.db import WriteSession, new_id
from domain.deployments import service as deployments
from domain.deployments.queries import active_rollout
from domain.deployments.specs import EndpointSettings
from domain.experiments.models import Run
from domain.experiments.queries import get_experiment
from domain.eyeballs import service as eyeballs
from domain.eyeballs.specs import EyeballAsk
from domain.gate_drills import service as gate_drills
from domain.gc import service as gc
from domain.jobs import service as jobs
from domain.model_checks import service as model_checks
from domain.model_checks.specs import ModelSuite
from domain.monitoring.alerts import AlertKind
from domain.monitoring.models import Alert, MonitoringWindow
from domain.pins import service as pins
from domain.pipelines import service as pipelines
from domain.pipelines.specs import PipelineSpec
from domain.registry.models import OutsideChange
from domain.registry.queries import get_model, get_version
from domain.registry.specs import InputColumn, Package, Signature
from domain.repositories import service as repositories
from domain.repositories.addresses import parse_address
from domain.reproductions import service as reproductions
from domain.sweeps.models import Sweep, SweepTrial
from domain.sweeps.specs import Objective, SweepSpec
from domain.tables import metadata
from domain.training.jobs import TrainModel
from domain.training.specs import TrainSpec
from domain.verifications import service as verifications
from domain.webhooks import service as webhooks
from tests.conftest import DoorTransport, RecordingQueue
from tests.domain.deployments.versions import ANN, add_versions, decide, request

_BODY_BYTES: Final = 2**20


@dataclass(frozen=True)
class World:
    """`names` says what stands behind a word of a path: `datasets` -> `people`, `jobs` -> an id.

    `built` are its contents as they were at first.
    """

    runtime: Runtime
    client: httpx.Client
    names: dict[str, str]
    tokens: dict[Role, str]
    built: str = ""

    def contents(self) -> str:
        """A digest of every row and the name of every object: what has to be the same after a refusal."""
        digest = sha256()
        with self.runtime.reading() as session:
            for table in metadata.sorted_tables:
                for row in session.execute(select(table).order_by(*table.primary_key)):
                    digest.update(f"{table.name}{tuple(row)}".encode())
        for store in (self.runtime.data, self.runtime.models):
            digest.update(str(sorted(found.key for found in store.list(""))).encode())
        return digest.hexdigest()


@contextmanager
def build_world(home: Path, database_url: str) -> Iterator[World]:
    """The world on a migrated database, spoken to with the admin token."""
    settings = Settings(home=home, database_url=database_url, max_body_bytes=_BODY_BYTES, _env_file=None)
    with ExitStack() as stack:
        stack.enter_context(capture_logs())  # thousands of requests, each a line
        runtime = replace(open_runtime(settings), queue=RecordingQueue())
        stack.callback(runtime.close)
        token = bootstrap(runtime)
        transport = DoorTransport(create_app(runtime), stack.enter_context(start_blocking_portal()))
        headers = {"Authorization": f"Bearer {token}"}
        client = httpx.Client(transport=transport, base_url="http://millrace", headers=headers)
        stack.enter_context(client)
        world = World(runtime, client, _fill(runtime), _tokens(runtime))
        yield replace(world, built=world.contents())


def _tokens(runtime: Runtime) -> dict[Role, str]:
    small = [role for role in Role if role != Role.ADMIN]
    with runtime.transaction() as session:
        return {role: access.create_token(session, name=role, owner=role, role=role)[1] for role in small}


def _fill(runtime: Runtime) -> dict[str, str]:
    with runtime.transaction(ANN) as session:
        datasets.create_dataset(session, name="people")
        entries = [ManifestEntry("people.csv", "b" * 32, 10)]
        people, _ = datasets.add_version(session, dataset="people", entries=entries, source=UploadSource())
        age = ColumnProfile(name="age", type="integer", nulls=0, distinct=1)
        datasets.describe_version(session, version=people, profile=TableProfile(rows=1, columns=[age]))
        run_ids = [version.run_id for version in add_versions(session, 2)]
        for run_id in run_ids:
            run = session.get_one(Run, run_id)
            run.mlflow_run_id = ""  # no MLflow stands behind the API
            run.spec, run.package = SPEC, package_of(run_id).as_json()
        suite = ModelSuite.model_validate(SUITE)
        model_checks.put_suite(session, model=get_model(session, "m"), name="words", suite=suite, document="checks")
        endpoint, _ = deployments.put_endpoint(session, name="e", model="m", settings=EndpointSettings())
        promotion_id = request(session, 1)
        comparison, _ = comparisons.request(
            session,
            model=get_model(session, "m"),
            spec=ComparisonSpec(versions=[1, 2], datasets=["d@1"]),
        )
        first = get_version(session, "m", 1)
        pin, _ = pins.pin_row(session, version=first, instance={"x": 1.0}, expect=2.0, within=0.5)
        eyeball, _ = eyeballs.ask(session, version=first, question=EyeballAsk())
        batch, _ = batch_predictions.request(session, ask=BatchAsk(dataset="d@1", model="m@1", into="people"))
        gate_drill, _ = gate_drills.request(session, model="m")
        change_id = _outside_change(session, get_model(session, "m").id)
        pipelines.put_pipeline(session, name="p", spec=PipelineSpec.model_validate(PIPELINE))
        repositories.register(session, name="team", address=parse_address("https://forge.example/team.git"))
        spare = jobs.submit(session, TrainModel(run_id=run_ids[0]), subject="runs")
        alert_id, window_id = _alert(session, endpoint.id)
        plan, _ = gc.request_plan(session, grace=timedelta(hours=1))
        verification, _ = verifications.start(session)
        sweep_id, reproduction_id = _sweep(session), _reproduction(session, run_ids[0])
        webhooks.create(session, name="chat", url="http://receiver.example/hook", types=["RunFailed"])
        delivery = webhooks.send_test(session, name="chat")
    with runtime.transaction(ANN) as session:
        decide(session, promotion_id)  # and so a rollout begins
    with runtime.transaction(ANN) as session:
        turn = pipelines.start(session, name="p", trigger="manual")
        rollout = active_rollout(session, endpoint.id)
        assert rollout is not None
    return {
        "datasets": "people", "versions": "1", "content": "people.csv", "experiments": "e", "runs": run_ids[0],
        "models": "m", "promotions": promotion_id, "endpoints": "e", "rollouts": rollout.id, "predictions": new_id(),
        "plans": plan.id, "verifications": verification.id, "alerts": alert_id, "pipelines": "p", "windows": window_id,
        "outside-changes": change_id, "comparisons": comparison.id, "gate-drills": gate_drill.id,
        "batch-predictions": batch.id, "pipeline-runs": turn.id, "jobs": spare.id, "tokens": Role.VIEWER,
        "repositories": "team", "git": "github", "suites": "words",
        "sweeps": sweep_id, "reproductions": reproduction_id, "pins": pin.id, "eyeballs": eyeball.id,
        "rows": "0123456789abcdef",
        "webhooks": "chat", "webhook-deliveries": delivery.id,
    }  # fmt: skip


def package_of(run_id: str) -> Package:
    signature = Signature(task="regression", target="y", inputs=[InputColumn(name="x", type="number")])
    return Package(flavor="onnx", reason="they agree", signature=signature, agreement=None, run_id=run_id, files=[])


def _outside_change(session: WriteSession, model_id: str) -> str:
    change = OutsideChange(
        id=new_id(), model_id=model_id, kind="alias", alias="champion", found="1", policy="flag",
        seen_at=session.now(), note="",
    )  # fmt: skip
    session.add(change)
    session.flush()
    return change.id


def _sweep(session: WriteSession) -> str:
    spec = SweepSpec(
        base=TrainSpec.model_validate(SPEC),
        space={"strength": [1.0]},
        method="grid",
        objective=Objective(metric="validation_mae", goal="min"),
    )
    experiment = get_experiment(session, "e")
    sweep = Sweep(
        id=new_id(), experiment_id=experiment.id, spec=spec.as_json(), trials=1, created_by="ann",
        created_at=session.now(),
    )  # fmt: skip
    session.add(sweep)
    session.flush()
    session.add(SweepTrial(sweep_id=sweep.id, number=1, params={"strength": 1.0}))
    session.flush()
    return sweep.id


def _reproduction(session: WriteSession, run_id: str) -> str:
    reproduction, _ = reproductions.request(session, run_id=run_id, tolerance=0.0)
    return reproduction.id


def _alert(session: WriteSession, endpoint_id: str) -> tuple[str, str]:
    window = MonitoringWindow(
        id=new_id(), endpoint_id=endpoint_id, segments=[], first_id="0", last_id="1", rows=2, opened_at=session.now()
    )
    session.add(window)
    session.flush()
    alert = Alert(
        id=new_id(), endpoint_id=endpoint_id, kind=AlertKind.DRIFT, severity="warning", reason="far", next_step="look",
        window_id=window.id, opened_at=session.now(), last_seen_at=session.now(),
    )  # fmt: skip
    session.add(alert)
    session.flush()
    return alert.id, window.id


SPEC: Final = TrainSpec(dataset="d", trainer="linear", task="regression", target="y", model="m").as_json()
SUITE: Final = {"checks": [{"check": "metric", "metric": "mae", "max": 60}]}
PIPELINE: Final[dict[str, Any]] = {"build": {"dataset": "d"}, "train": SPEC, "model": "m"}
