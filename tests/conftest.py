"""What every suite shares: a runtime on a temporary home, the API spoken to with a token, and queued jobs run here."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from sqlalchemy import Engine, select
from starlette.types import ASGIApp

from adapters.database import Database
from adapters.mlflow_server import TrackingAway
from adapters.model_files import save_python_model
from adapters.runtime import Runtime, open_runtime
from adapters.settings import Settings
from adapters.tracking import ForeignRun, NotTracked, RunRecord, RunStart, Steps, TrackedRun
from api.bootstrap import bootstrap
from api.main import make_app, put_on
from domain.jobs.models import Job
from domain.jobs.queries import get_job
from domain.jobs.states import JobState
from domain.registry.mirror import SeenModel, SeenVersion
from migrations import run as migrations
from tests.documented import undocumented
from tests.servers import Postgres
from tests.servers import postgres as postgres_server
from workers.dataset_cache import DatasetCache
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: files are dealt out to processes in order, and a long one at the end runs alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


class RecordingQueue:
    """A queue that only remembers: tests decide when a worker wakes."""

    def __init__(self) -> None:
        self.nudged: list[str] = []

    def nudge(self, job_id: str) -> None:
        self.nudged.append(job_id)

    def depth(self) -> int | None:
        return len(self.nudged)

    def workers(self) -> list[str] | None:
        return []


@dataclass
class SteppingClock:
    """Real time, plus what the test adds."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@dataclass
class TrackingInMemory:
    """MLflow as handlers know it, without a server: `away` makes it not answer."""

    runs: dict[str, RunRecord] = field(default_factory=dict)
    live: dict[str, Steps] = field(default_factory=dict)
    ended: dict[str, bool] = field(default_factory=dict)
    versions: dict[tuple[str, int], TrackedRun] = field(default_factory=dict)
    aliases: dict[tuple[str, str], int] = field(default_factory=dict)
    away: bool = False

    def begin_run(self, start: RunStart) -> str:
        self._answer()
        self.live[start.run_id] = []
        return start.run_id.replace("-", "")

    def log_steps(self, mlflow_run_id: str, steps: Steps) -> None:
        self._answer()
        next(told for run_id, told in self.live.items() if run_id.replace("-", "") == mlflow_run_id).extend(steps)

    def end_run(self, mlflow_run_id: str, *, cancelled: bool) -> None:
        self._answer()
        self.ended[mlflow_run_id] = cancelled

    def log_run(self, record: RunRecord, *, begun: str = "", told: int = 0) -> TrackedRun:
        self._answer()
        self.runs.setdefault(record.run_id, record)
        tracked = record.run_id.replace("-", "")
        return TrackedRun(tracked, f"models:/m-{tracked}")

    def register(self, model: str, version: int, tracked: TrackedRun) -> None:
        self._answer()
        self.versions.setdefault((model, version), tracked)

    def look_up_run(self, run_id: str) -> ForeignRun:
        self._answer()
        raise NotTracked(f"MLflow has no run {run_id!r}.")

    def download_model(self, uri: str, folder: Path) -> Path:
        self._answer()
        record = next((one for one in self.runs.values() if uri.endswith(one.run_id.replace("-", ""))), None)
        if record is None or record.model is None:
            raise NotTracked(f"MLflow has no model {uri!r}.")
        save_python_model(record.model, folder / "model")
        return folder / "model"

    def mirror_alias(self, model: str, alias: str, version: int | None) -> None:
        self._answer()
        if version is None:
            self.aliases.pop((model, alias), None)
        elif (model, version) not in self.versions:
            raise NotTracked(f"MLflow has no version {version} of {model!r}.")
        else:
            self.aliases[model, alias] = version

    def look(self, model: str) -> SeenModel:
        self._answer()
        versions = [SeenVersion(str(n), n, None, None) for name, n in self.versions if name == model]
        return SeenModel({alias: str(n) for (name, alias), n in self.aliases.items() if name == model}, versions)

    def _answer(self) -> None:
        if self.away:
            raise TrackingAway("MLflow does not answer.", where="mlflow")


@pytest.fixture
def tracking() -> TrackingInMemory:
    return TrackingInMemory()


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


# For suites that must hold on both: each test runs on SQLite and again on Postgres.
ON_BOTH_DATABASES = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as running:
        yield running


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """A Postgres database as the migrations build it: made once, copied for each test."""
    name = postgres.create()
    database = Database(postgres.url(name))
    migrations.upgrade(database.writes)
    database.dispose()
    return name


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database built by the migrations: SQLite, unless the suite asks for both."""
    if getattr(request, "param", "sqlite") == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        name = server.create(template=request.getfixturevalue("migrated_postgres"))
        yield server.url(name)
        server.drop(name)
        return
    path = tmp_path / "home" / "millrace.db"
    path.parent.mkdir()
    shutil.copy(request.getfixturevalue("migrated"), path)
    yield f"sqlite:///{path}"


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        home=tmp_path / "home",
        database_url=database_url,
        heartbeat_seconds=0.2,
        lease_seconds=10.0,
        _env_file=None,
    )


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file as the migrations build it: made once, copied for each test."""
    path = tmp_path_factory.mktemp("migrated") / "millrace.db"
    database = Database(f"sqlite:///{path}")
    migrations.upgrade(database.writes)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


_FIRST: dict[str, Engine] = {}


def take_over_compiled(database: Database) -> None:
    """Each test has engines of its own, and SQLAlchemy compiles statements for each: here the first ones' serve all."""
    first = _FIRST.setdefault(database.dialect, database.engine)
    for engine in (database.reads, database.writes):
        engine.dialect = first.dialect  # a part of the key
        engine._compiled_cache = first._compiled_cache  # there is no other way to hand it over


@pytest.fixture
def runtime(settings: Settings, clock: SteppingClock, queue: RecordingQueue) -> Iterator[Runtime]:
    """A runtime on a fresh database."""
    settings.home.mkdir(exist_ok=True)
    opened = open_runtime(settings)
    take_over_compiled(opened.database)
    yield replace(opened, clock=clock, queue=queue)
    opened.close()


class DoorTransport(httpx.BaseTransport):
    """Calls an ASGI application in an event loop that runs beside the test. Answers are read to their end.

    A problem that the API's description does not have fails the test that met it.
    """

    def __init__(self, app: ASGIApp, portal: BlockingPortal) -> None:
        self._app = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._portal.call(self._answer, request)
        assert (lacking := undocumented(request, answer)) is None, lacking
        return answer

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        asked = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        response = await self._app.handle_async_request(asked)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)


@pytest.fixture
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as opened:
        yield opened


@pytest.fixture(scope="session")
def every_route() -> FastAPI:
    """The API on no runtime: made once, since its routes cost more than most tests."""
    return make_app()


@pytest.fixture
def client(runtime: Runtime, portal: BlockingPortal, every_route: FastAPI) -> Iterator[httpx.Client]:
    """The API, spoken to with the admin token."""
    token = bootstrap(runtime)
    put_on(every_route, runtime)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(
        transport=DoorTransport(every_route, portal), base_url="http://millrace/api/v1/", headers=headers
    ) as opened:
        yield opened
    portal.call(every_route.state.mlflow.aclose)


@pytest.fixture
def tools(runtime: Runtime, settings: Settings, tracking: TrackingInMemory) -> Toolbox:
    """What a worker works with."""
    scratch = settings.home / "scratch"
    scratch.mkdir()
    cache = DatasetCache(settings.cache_dir, settings.cache_bytes)
    return Toolbox(runtime=runtime, tracking=tracking, scratch=scratch, cache=cache)


Drain = Callable[[], list[Job]]


@pytest.fixture
def drain(tools: Toolbox) -> Drain:
    """Runs the queued jobs that are due, and those that follow from them, here; gives them as they ended."""

    def run_all() -> list[Job]:
        ended: list[str] = []
        while due := _due(tools.runtime):
            for job_id in due:
                assert run_job(job_id, tools=tools, handlers=HANDLERS, worker="test", stop_work=lambda: None)
                ended.append(job_id)
        with tools.runtime.reading() as session:
            return [get_job(session, job_id) for job_id in ended]

    return run_all


def _due(runtime: Runtime) -> list[str]:
    query = select(Job.id).where(Job.state == JobState.QUEUED, Job.available_at <= runtime.clock())
    with runtime.reading() as session:
        return list(session.scalars(query.order_by(Job.priority.desc(), Job.id)))
