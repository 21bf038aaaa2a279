"""Collections on a real store: what goes, what stays and why, what is given back, and who may not interfere."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import md5
from io import BytesIO

import pytest
from sqlalchemy import func, insert, select

from adapters.chunk_store.packs import pack_key
from adapters.runtime import Runtime
from domain.contents.models import Chunk, Content
from domain.datasets import service as datasets
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import DatasetFile, DatasetObject, DatasetVersion
from domain.datasets.pins import pin_version
from domain.datasets.queries import get_dataset, get_version
from domain.datasets.specs import UploadSource
from domain.db import new_id
from domain.events.queries import latest_of
from domain.gc import marks, service
from domain.gc.models import PlanContent, PlanPack
from domain.gc.reach import Fate
from domain.gc.service import CollectionUnderWay, GracePeriod, PlanNotReady
from domain.gc.states import PlanState
from domain.jobs.models import Job
from domain.jobs.states import JobState
from tests.conftest import ON_BOTH_DATABASES, Drain, SteppingClock
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


def planned(runtime: Runtime, plan_id: str) -> dict[str, PlanContent]:
    with runtime.reading() as session:
        rows = session.scalars(select(PlanContent).where(PlanContent.plan_id == plan_id))
        return {row.origin: row for row in rows}


def digest_of(runtime: Runtime, name: str, number: int, path: str) -> str:
    with runtime.reading() as session:
        version = get_version(session, name, number)
        return session.get_one(DatasetFile, (version.id, path)).md5


def keeps(runtime: Runtime, plan_id: str) -> dict[str, int]:
    return {root["kind"]: root["keeps"] for root in plan_of(runtime, plan_id).roots}


@pytest.fixture
def filled(runtime: Runtime, clock: SteppingClock) -> Runtime:
    """`fill`, with a@1 and b@2 deleted, when everything is old enough to go."""
    fill(runtime)
    delete_version(runtime, "a", 1)
    delete_version(runtime, "b", 2)
    clock.advance(GRACE)
    return runtime


class TestPlan:
    @ON_BOTH_DATABASES
    def test_lists_what_only_deleted_versions_had(self, filled: Runtime, drain: Drain) -> None:
        plan_id = request_plan(filled)
        drain()
        plan, found = plan_of(filled, plan_id), planned(filled, plan_id)
        assert plan.state == PlanState.READY
        assert {"a@1 table.csv", "a@1 own.bin", "a@1 small/0", "b@2 gone.bin"} <= found.keys()
        assert not [origin for origin in found if "a@2" in origin or "b@1" in origin]
        assert "a@1 small/1" not in found
        assert (plan.contents, plan.content_bytes) == (len(found), sum(row.size for row in found.values()))
        assert found["b@2 gone.bin"].last_needed_at > filled.clock() - timedelta(seconds=GRACE + 60)

    def test_proves_it_by_what_was_looked_at(self, filled: Runtime, drain: Drain) -> None:
        plan_id = request_plan(filled)
        drain()
        roots_of = {root["kind"]: root for root in plan_of(filled, plan_id).roots}
        assert roots_of["dataset_versions"]["looked_at"] == 2
        assert roots_of["dataset_versions"]["keeps"] == roots_of["all"]["keeps"] > 0
        assert {kind for kind, root in roots_of.items() if root["keeps"]} == {"dataset_versions", "all"}
        assert set(roots_of) >= {"pins", "runs", "model_versions", "endpoints", "dvc_objects", "jobs_in_flight"}

    def test_says_what_becomes_of_packs(self, filled: Runtime, drain: Drain) -> None:
        plan_id = request_plan(filled)
        drain()
        with filled.reading() as session:
            packs = list(session.scalars(select(PlanPack).where(PlanPack.plan_id == plan_id)))
        assert {pack.fate for pack in packs} == {Fate.DELETED, Fate.COMPACTED}
        dead = sum(pack.dead_bytes for pack in packs)
        assert 1_200_000 < dead < plan_of(filled, plan_id).freed_bytes + 20_000
        assert plan_of(filled, plan_id).chunks == sum(pack.dead_chunks for pack in packs)

    def test_changes_nothing(self, filled: Runtime, drain: Drain) -> None:
        before = counted(filled)
        request_plan(filled)
        drain()
        assert counted(filled) == before

    def test_is_empty_where_everything_is_needed(self, runtime: Runtime, clock: SteppingClock, drain: Drain) -> None:
        fill(runtime)
        clock.advance(GRACE)
        plan_id = request_plan(runtime)
        drain()
        plan = plan_of(runtime, plan_id)
        assert (plan.contents, plan.chunks, plan.packs, plan.freed_bytes) == (0, 0, 0, 0)

    def test_leaves_the_young_alone(self, runtime: Runtime, drain: Drain) -> None:
        fill(runtime)
        delete_version(runtime, "a", 1)
        plan_id = request_plan(runtime)
        drain()
        assert plan_of(runtime, plan_id).contents == 0
        assert keeps(runtime, plan_id)["grace_period"] == counted(runtime).contents

    def test_leaves_what_came_since_a_job_in_flight_began(self, filled: Runtime, drain: Drain) -> None:
        with filled.transaction() as session:
            started = session.now() - timedelta(days=30)
            session.add(
                Job(
                    id=new_id(), kind="BuildVersion", subject="x", payload={}, state=JobState.RUNNING, priority=0,
                    attempt=1, max_attempts=3, fence=1, available_at=started, created_at=started, actor="ann",
                    lease_until=session.now() + timedelta(days=1), progress=0.0, message="",
                )
            )  # fmt: skip
        plan_id = request_plan(filled)
        drain()
        assert plan_of(filled, plan_id).contents == 0
        assert keeps(filled, plan_id)["jobs_in_flight"] == counted(filled).contents

    def test_a_pin_keeps_a_version_even_if_it_was_deleted_all_the_same(self, filled: Runtime, drain: Drain) -> None:
        with filled.transaction() as session:
            version = get_version(session, "b", 1)
            pin_version(session, version=version, reason="x")
        plan_id = request_plan(filled)
        drain()
        assert keeps(filled, plan_id)["pins"] == 1

    @ON_BOTH_DATABASES
    def test_what_was_pushed_to_a_remote_stays_with_all_its_listing_names(self, filled: Runtime, drain: Drain) -> None:
        own = digest_of(filled, "a", 1, "own.bin")
        listing = filled.contents.put_listing(json.dumps([{"md5": own, "relpath": "own.bin"}]).encode())
        with filled.transaction() as session:
            dataset = get_dataset(session, "a")
            session.execute(
                insert(DatasetObject).values(dataset_id=dataset.id, digest=listing, size=1, pushed_at=session.now())
            )
        plan_id = request_plan(filled)
        drain()
        assert "a@1 own.bin" not in planned(filled, plan_id)
        assert keeps(filled, plan_id)["dvc_objects"] == 2

    def test_stops_at_a_listing_it_cannot_read(self, filled: Runtime, drain: Drain) -> None:
        with filled.transaction() as session:
            dataset = get_dataset(session, "a")
            session.add(DatasetObject(dataset_id=dataset.id, digest="f" * 32 + ".dir", size=1, pushed_at=session.now()))
        plan_id = request_plan(filled)
        job = drain()[-1]
        assert (job.error or {})["code"] == "unreadable_listing"
        plan = plan_of(filled, plan_id)
        assert (plan.state, "f" * 32 in plan.reason) == (PlanState.FAILED, True)


class TestMarks:
    @ON_BOTH_DATABASES
    def test_part_by_part_comes_to_the_same(self, filled: Runtime) -> None:
        with filled.reading() as session:
            going = {digest_of(filled, "a", 1, path) for path in ("own.bin", "table.csv")}
            whole = marks.dead_chunks(session, before=filled.clock(), going=going)
            parts = marks.dead_chunks(session, before=filled.clock(), going=going, at_once=7)
            assert whole == parts
            assert 0 < len(whole) < counted(filled).chunks

    def test_what_is_half_written_is_young(self, filled: Runtime) -> None:
        """Chunks that were recorded before the content they are to be part of: an upload that may be taken up again."""
        with filled.contents.batch() as batch:
            batch.chunks.add(noise(100_000, 77))
            batch.checkpoint()
        with filled.reading() as session:
            before = filled.clock() - timedelta(seconds=GRACE + 60)
            assert marks.dead_chunks(session, before=before) == set()
            assert len(marks.dead_chunks(session, before=filled.clock())) == 1


class TestExecute:
    @ON_BOTH_DATABASES
    def test_deletes_what_nothing_needs_and_nothing_else(
        self, filled: Runtime, clock: SteppingClock, drain: Drain
    ) -> None:
        before, kept = counted(filled), readable(filled)
        plan_id = request_plan(filled)
        drain()
        clock.advance(GRACE)
        execute(filled, plan_id)
        assert drain()[-1].error is None
        plan, after = plan_of(filled, plan_id), counted(filled)
        assert plan.state == PlanState.DONE
        assert readable(filled) == kept
        receipt = plan.receipt
        assert receipt["contents"] == before.contents - after.contents == plan.contents
        assert receipt["chunks"] == before.chunks - after.chunks == plan.chunks
        assert (receipt["skipped"], receipt["compacted"]) == (0, 1)
        assert receipt["freed_bytes"] > 400_000
        clock.advance(service.READERS_SECONDS)
        drain()
        final = counted(filled)
        assert before.bytes - final.bytes == receipt["freed_bytes"] + receipt["later_bytes"]
        assert final.packs == final.objects
        assert readable(filled) == kept
        with filled.reading() as session:
            assert session.scalar(select(func.count()).where(Chunk.condemned.is_not(None))) == 0
            (told,) = latest_of(session, ["CollectionDone"], limit=5)
            assert told.payload["contents"] == receipt["contents"]

    def test_frees_what_the_plan_said(self, filled: Runtime, clock: SteppingClock, drain: Drain) -> None:
        plan_id = request_plan(filled)
        drain()
        clock.advance(GRACE)
        execute(filled, plan_id)
        drain()
        plan = plan_of(filled, plan_id)
        freed = plan.receipt["freed_bytes"] + plan.receipt["later_bytes"]
        assert freed == pytest.approx(plan.freed_bytes, rel=0.05)

    def test_waits_for_the_grace_period(self, filled: Runtime, clock: SteppingClock, drain: Drain) -> None:
        plan_id = request_plan(filled)
        drain()
        with pytest.raises(GracePeriod, match="can be executed from"):
            execute(filled, plan_id)
        clock.advance(GRACE)
        execute(filled, plan_id)

    def test_skips_what_came_to_be_needed(self, filled: Runtime, clock: SteppingClock, drain: Drain) -> None:
        plan_id = request_plan(filled)
        drain()
        again = noise(400_000, 4)
        number = add_version(filled, "b", {"gone.bin": again})
        clock.advance(GRACE)
        execute(filled, plan_id)
        drain()
        row = next(row for row in planned(filled, plan_id).values() if row.size == len(again))
        assert (row.outcome, row.reason) == ("skipped", "needed by dataset_versions")
        assert plan_of(filled, plan_id).receipt["skipped"] == 1
        assert readable(filled)[f"b@{number} gone.bin"] == again

    def test_a_content_that_arrived_again_is_young_again(
        self, filled: Runtime, clock: SteppingClock, drain: Drain
    ) -> None:
        plan_id = request_plan(filled)
        drain()
        clock.advance(GRACE)
        with filled.transaction() as session:  # what an upload does whose version is still on its way
            content = session.get_one(Content, digest_of_deleted(filled, "gone.bin"))
            content.needed_at = session.now()
        execute(filled, plan_id)
        drain()
        row = planned(filled, plan_id)["b@2 gone.bin"]
        assert (row.outcome, row.reason) == ("skipped", "needed by grace_period")

    def test_reads_listings_that_were_pushed_meanwhile(
        self, filled: Runtime, clock: SteppingClock, drain: Drain
    ) -> None:
        plan_id = request_plan(filled)
        drain()
        own = digest_of(filled, "a", 1, "own.bin")
        listing = filled.contents.put_listing(json.dumps([{"md5": own, "relpath": "own.bin"}]).encode())
        with filled.transaction() as session:
            dataset = get_dataset(session, "a")
            session.add(DatasetObject(dataset_id=dataset.id, digest=listing, size=1, pushed_at=session.now()))
        clock.advance(GRACE)
        execute(filled, plan_id)
        drain()
        assert planned(filled, plan_id)["a@1 own.bin"].reason == "needed by dvc_objects"
        assert md5(filled.contents.read(own), usedforsecurity=False).hexdigest() == own

    def test_once(self, filled: Runtime, clock: SteppingClock, drain: Drain) -> None:
        plan_id = request_plan(filled)
        drain()
        clock.advance(GRACE)
        execute(filled, plan_id)
        with pytest.raises(PlanNotReady, match="executing"):
            execute(filled, plan_id)
        drain()
        with pytest.raises(PlanNotReady, match="done"):
            execute(filled, plan_id)

    @ON_BOTH_DATABASES
    def test_of_two_at_once_one_wins(self, filled: Runtime, clock: SteppingClock, drain: Drain) -> None:
        plans = [request_plan(filled), request_plan(filled)]
        drain()
        clock.advance(GRACE)

        def attempt(plan_id: str) -> str:
            try:
                execute(filled, plan_id)
            except (CollectionUnderWay, PlanNotReady):
                return "refused"
            return "won"

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(attempt, plans * 2)) == ["refused"] * 3 + ["won"]

    def test_deletes_packs_that_no_row_names_when_they_are_old(
        self, filled: Runtime, clock: SteppingClock, drain: Drain
    ) -> None:
        key = pack_key(new_id())
        filled.data.put(key, b"left over")
        plan_id = request_plan(filled)
        drain()
        assert plan_of(filled, plan_id).orphans == 1
        clock.advance(GRACE)
        execute(filled, plan_id)
        drain()
        assert not filled.data.exists(key)
        assert plan_of(filled, plan_id).receipt["orphans"] == 1

    @ON_BOTH_DATABASES
    def test_gives_back_what_was_written_twice(self, runtime: Runtime, clock: SteppingClock, drain: Drain) -> None:
        """Two writers of the same bytes at the same time each fill a pack, and one of them in vain."""
        data = noise(200_000, 7)
        batches = [runtime.contents.batch() for _ in range(2)]
        for batch in batches:
            batch.add_stream(BytesIO(data))
            batch.chunks.small()  # it has looked up what is known
        for batch in batches:
            batch.keep()
        stored = runtime.contents.add(data)
        with runtime.transaction() as session:
            datasets.create_dataset(session, name="a")
            entry = ManifestEntry("x", stored.md5, stored.size)
            datasets.add_version(session, dataset="a", entries=[entry], source=UploadSource())
        drain()
        clock.advance(GRACE)
        plan_id = request_plan(runtime)
        drain()
        assert (plan_of(runtime, plan_id).packs, plan_of(runtime, plan_id).contents) == (1, 0)
        clock.advance(GRACE)
        execute(runtime, plan_id)
        drain()
        assert counted(runtime).objects == 1
        assert plan_of(runtime, plan_id).receipt["freed_bytes"] > len(data)
        assert readable(runtime) == {"a@1 x": data}

    def test_a_difference_keeps_what_it_is_from(self, filled: Runtime, clock: SteppingClock, drain: Drain) -> None:
        plan_id = request_plan(filled)
        drain()
        clock.advance(GRACE)
        execute(filled, plan_id)
        drain()
        with filled.reading() as session:
            bases = set(session.scalars(select(Chunk.base).where(Chunk.base.is_not(None))))
            assert bases
            assert set(session.scalars(select(Chunk.digest).where(Chunk.digest.in_(bases)))) == bases


def digest_of_deleted(runtime: Runtime, path: str) -> str:
    with runtime.reading() as session:
        return session.scalars(
            select(DatasetFile.md5)
            .join(DatasetVersion, DatasetVersion.id == DatasetFile.version_id)
            .where(DatasetFile.path == path, DatasetVersion.deleted_at.is_not(None))
        ).one()
