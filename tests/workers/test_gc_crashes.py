"""A collection that is cut short anywhere, and one that others write into: nothing is lost, nothing is left half."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from adapters.chunk_store.contents import Contents
from adapters.chunk_store.packs import pack_key
from adapters.object_store.protocol import ObjectStore
from adapters.runtime import Runtime, open_runtime, utc_now
from adapters.settings import Settings
from domain.access.actor import PLATFORM, Actor
from domain.contents.models import Chunk, Content, Pack
from domain.contents.service import ChunksGone, ContentsGone, hold, record
from domain.db import WriteSession, new_id
from domain.gc import collection, marks, service
from domain.gc.states import PlanState
from domain.jobs import service as jobs
from domain.jobs.queries import get_job
from domain.jobs.states import JobState
from tests.conftest import ON_BOTH_DATABASES, Drain, RecordingQueue, SteppingClock, TrackingInMemory
from tests.workers.collecting import (
    GRACE,
    add_version,
    counted,
    delete_version,
    execute,
    fill,
    noise,
    plan_of,
    readable,
    request_plan,
)
from workers.dataset_cache import DatasetCache
from workers.handlers.table import HANDLERS
from workers.run import run_job
from workers.toolbox import Toolbox


class Crash(BaseException):
    """The process dies here: nothing catches it."""


@dataclass
class Fuse:
    """Burns down by one with each step; at zero the process dies."""

    steps: int

    def burn(self) -> None:
        self.steps -= 1
        if self.steps == 0:
            raise Crash


class DyingStore:
    """An object store whose process dies before or after one of its writes."""

    def __init__(self, store: ObjectStore, fuse: Fuse) -> None:
        self._store = store
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def delete(self, key: str) -> None:
        self._fuse.burn()
        self._store.delete(key)
        self._fuse.burn()

    def upload(self, path: Path, key: str) -> None:
        self._fuse.burn()
        self._store.upload(path, key)
        self._fuse.burn()

    def local_path(self, key: str) -> Path | None:
        return None  # so that packs are uploaded, which can be cut short


@dataclass(frozen=True)
class DyingRuntime(Runtime):
    """A runtime whose process dies before a transaction, before its commit, or after it."""

    fuse: Fuse = field(default_factory=lambda: Fuse(0))

    @contextmanager
    def transaction(
        self, actor: Actor = PLATFORM, *, request_id: str | None = None, job_id: str | None = None
    ) -> Iterator[WriteSession]:
        self.fuse.burn()
        with super().transaction(actor, request_id=request_id, job_id=job_id) as session:
            yield session
            self.fuse.burn()
        self.fuse.burn()


def dying(runtime: Runtime, steps: int) -> DyingRuntime:
    fuse = Fuse(steps)
    parts = {name: getattr(runtime, name) for name in ("settings", "database", "models", "queue", "clock")}
    store: Any = DyingStore(runtime.data, fuse)
    return DyingRuntime(**parts, data=store, contents=Contents(store, runtime.database, utc_now), fuse=fuse)


def run(runtime: Runtime, job_id: str) -> None:
    home = runtime.settings.home
    cache = DatasetCache(home / "cache", 2**30)
    tools = Toolbox(runtime=runtime, tracking=TrackingInMemory(), scratch=home, cache=cache)
    assert run_job(job_id, tools=tools, handlers=HANDLERS, worker="test", stop_work=lambda: None)


@dataclass
class Prepared:
    """A home with a plan that is being executed, to be copied for each crash."""

    home: Path
    job_id: str
    plan_id: str
    kept: dict[str, bytes]
    clock: SteppingClock

    def copy(self, home: Path) -> Runtime:
        shutil.copytree(self.home, home)
        settings = Settings(home=home, lease_seconds=10.0, heartbeat_seconds=5.0, _env_file=None)
        return replace(open_runtime(settings), clock=self.clock, queue=RecordingQueue())


@pytest.fixture
def prepared(runtime: Runtime, clock: SteppingClock, drain: Drain) -> Prepared:
    fill(runtime)
    delete_version(runtime, "a", 1)
    delete_version(runtime, "b", 2)
    runtime.data.put(pack_key(new_id()), b"by a process that died")
    clock.advance(GRACE)
    plan_id = request_plan(runtime)
    drain()
    clock.advance(GRACE)
    kept = readable(runtime)
    job_id = execute(runtime, plan_id)
    with runtime.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Prepared(runtime.settings.home, job_id, plan_id, kept, clock)


def finish(runtime: Runtime, prepared: Prepared) -> None:
    """What the platform does when a worker is gone: its lease runs out, and the job is run again."""
    prepared.clock.advance(20)
    with runtime.transaction() as session:
        jobs.reap(session)
    with runtime.reading() as session:
        state = get_job(session, prepared.job_id).state
    if state != JobState.SUCCEEDED:
        run(runtime, prepared.job_id)
        with runtime.reading() as session:
            assert get_job(session, prepared.job_id).error is None


def state_of(runtime: Runtime, plan_id: str) -> dict[str, Any]:
    """Where a collection ends, but for the sizes of packs that were written anew."""
    with runtime.reading() as session:
        digests = sorted(session.scalars(select(Content.digest)))
        chunks = sorted(session.scalars(select(Chunk.digest)))
        condemned = session.scalar(select(func.count()).where(Chunk.condemned.is_not(None)))
        in_use = session.scalar(select(func.count()).where(Pack.retired_at.is_(None)))
    receipt = plan_of(runtime, plan_id).receipt
    return {"contents": digests, "chunks": chunks, "condemned": condemned, "packs": in_use, "receipt": receipt}


@pytest.mark.slow
def test_ends_the_same_wherever_it_was_cut_short(prepared: Prepared, tmp_path: Path) -> None:
    whole = prepared.copy(tmp_path / "whole")
    run(whole, prepared.job_id)
    expected = state_of(whole, prepared.plan_id)
    assert expected["receipt"]["compacted"] == 1
    whole.close()
    crashes = 0
    for steps in count(1):
        home = tmp_path / f"crash-{steps}"
        runtime = prepared.copy(home)
        fuse = dying(runtime, steps)
        try:
            run(fuse, prepared.job_id)
        except Crash:
            crashes += 1
            assert readable(runtime) == prepared.kept, f"after {steps} steps"
            finish(runtime, prepared)
        assert readable(runtime) == prepared.kept, f"resumed after {steps} steps"
        assert plan_of(runtime, prepared.plan_id).state == PlanState.DONE
        assert state_of(runtime, prepared.plan_id) == expected, f"after {steps} steps"
        _no_pack_is_missing(runtime)
        runtime.close()
        shutil.rmtree(home)
        if fuse.fuse.steps > 0:
            break
    assert crashes > 40


def _no_pack_is_missing(runtime: Runtime) -> None:
    with runtime.reading() as session:
        rows = set(session.scalars(select(Pack.id)))
    assert rows <= {found.key.rpartition("/")[2] for found in runtime.data.list("packs")}


@pytest.mark.slow
def test_a_killed_process_is_taken_up_again(prepared: Prepared, tmp_path: Path) -> None:
    """The real thing: SIGKILL, twice, to a process that is in the middle of it."""
    runtime = prepared.copy(tmp_path / "killed")
    for step in ("contents", "chunks"):
        env = {**os.environ, "MILLRACE_HOME": str(runtime.settings.home), "MILLRACE_DATABASE_URL": ""}
        program = [
            sys.executable,
            "-m",
            "tests.workers.collector",
            prepared.job_id,
            str(prepared.clock.ahead.total_seconds()),
        ]
        process = subprocess.Popen(program, env=env, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        while process.poll() is None and not plan_of(runtime, prepared.plan_id).receipt[step]:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert readable(runtime) == prepared.kept
        prepared.clock.advance(20)
        with runtime.transaction() as session:
            jobs.reap(session)
    finish(runtime, prepared)
    assert plan_of(runtime, prepared.plan_id).state == PlanState.DONE
    assert readable(runtime) == prepared.kept
    runtime.close()


def test_a_plan_whose_job_gave_up_is_executed_again(runtime: Runtime, clock: SteppingClock, drain: Drain) -> None:
    fill(runtime)
    delete_version(runtime, "a", 1)
    clock.advance(GRACE)
    plan_id = request_plan(runtime)
    drain()
    clock.advance(GRACE)
    job_id = execute(runtime, plan_id)
    with runtime.transaction() as session:
        jobs.cancel(session, job_id)
    assert plan_of(runtime, plan_id).state == PlanState.FAILED
    execute(runtime, plan_id)
    drain()
    assert plan_of(runtime, plan_id).state == PlanState.DONE


Held = Callable[[], None]


@ON_BOTH_DATABASES
class TestWriters:
    """Uploads at the very moment at which what they rely on is collected."""

    DATA = noise(300_000, 9)

    @pytest.fixture
    def condemned(self, runtime: Runtime, clock: SteppingClock, drain: Drain) -> tuple[str, set[bytes]]:
        """A plan that has deleted its contents and condemned their chunks."""
        add_version(runtime, "a", {"x.bin": self.DATA})
        delete_version(runtime, "a", 1)
        clock.advance(GRACE)
        plan_id = request_plan(runtime)
        drain()
        clock.advance(GRACE)
        execute(runtime, plan_id)
        with runtime.transaction() as session:
            session.execute(delete(Content))
        with runtime.reading() as session:
            dead = marks.dead_chunks(session, before=runtime.clock())
        with runtime.transaction() as session:
            collection.condemn(session, plan_id=plan_id, chunks=sorted(dead))
        assert dead
        return plan_id, dead

    def test_a_writer_takes_condemned_chunks_back(self, runtime: Runtime, condemned: tuple[str, set[bytes]]) -> None:
        plan_id, dead = condemned
        stored = runtime.contents.add(self.DATA)
        with runtime.transaction() as session:
            assert collection.delete_chunks(session, plan_id=plan_id, chunks=sorted(dead)) == 0
        assert runtime.contents.read(stored.md5) == self.DATA

    def test_a_writer_that_comes_too_late_is_told(self, runtime: Runtime, condemned: tuple[str, set[bytes]]) -> None:
        plan_id, dead = condemned
        batch = runtime.contents.batch()
        batch.add_stream(BytesIO(self.DATA))
        batch.chunks.small()  # it has looked up what is known
        with runtime.transaction() as session:
            assert collection.delete_chunks(session, plan_id=plan_id, chunks=sorted(dead)) == len(dead)
        with pytest.raises(ChunksGone):
            batch.keep()
        assert runtime.contents.read(runtime.contents.add(self.DATA).md5) == self.DATA

    def test_many_at_once_lose_nothing(self, runtime: Runtime, condemned: tuple[str, set[bytes]]) -> None:
        """Deletion in small steps against eight writers of the same and of like bytes."""
        plan_id, dead = condemned

        def write(number: int) -> tuple[str, bytes]:
            data = self.DATA + b"%d" % number
            while True:
                try:
                    return runtime.contents.add(data).md5, data
                except ChunksGone:
                    continue

        def collect(chunk: bytes) -> None:
            with runtime.transaction() as session:
                collection.delete_chunks(session, plan_id=plan_id, chunks=[chunk])

        with ThreadPoolExecutor(12) as pool:
            writers = [pool.submit(write, number) for number in range(8)]
            collectors = [pool.submit(collect, chunk) for chunk in sorted(dead)]
            for collector in collectors:
                collector.result()
            written = [writer.result() for writer in writers]
        for digest, data in written:
            assert runtime.contents.read(digest) == data

    def test_a_version_is_not_made_of_contents_that_went(
        self, runtime: Runtime, condemned: tuple[str, set[bytes]]
    ) -> None:
        with pytest.raises(ContentsGone, match="no longer has"), runtime.transaction() as session:
            hold(session, ["0" * 32])


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_chunk_that_a_writer_holds_is_not_condemned(runtime: Runtime) -> None:
    """The lock itself: a transaction that relies on a chunk and has not ended yet."""
    runtime.contents.add(noise(50_000, 1))
    with runtime.reading() as session:
        chunks = list(session.scalars(select(Chunk.digest)))
    with runtime.transaction() as writer:
        record(writer, relied_on=chunks)
        with runtime.transaction() as session:
            collection.condemn(session, plan_id="p", chunks=chunks)
    with runtime.reading() as session:
        assert session.scalars(select(Chunk.condemned)).all() == [None] * len(chunks)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_content_that_is_held_is_skipped(runtime: Runtime, clock: SteppingClock, drain: Drain) -> None:
    add_version(runtime, "a", {"x.bin": noise(50_000, 1)})
    delete_version(runtime, "a", 1)
    clock.advance(GRACE)
    plan_id = request_plan(runtime)
    drain()
    clock.advance(GRACE)
    execute(runtime, plan_id)
    with runtime.reading() as session:
        digests = list(session.scalars(select(Content.digest)))
    with runtime.transaction() as writer:
        hold(writer, digests)
        with runtime.transaction() as session:
            kept = collection.delete_contents(session, plan_id=plan_id, digests=digests, listings={})
    assert set(kept) == set(digests)
    assert counted(runtime).contents == len(digests)
    assert service.READERS_SECONDS > 0
