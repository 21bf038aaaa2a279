"""A data store with something to collect, and the steps of a collection, for tests that take it apart."""

import random
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from adapters.runtime import Runtime
from domain.contents.models import Chunk, Content, Pack
from domain.contents.service import hold
from domain.datasets import service as datasets
from domain.datasets.manifest import ManifestEntry
from domain.datasets.models import Dataset, DatasetVersion
from domain.datasets.queries import files_of, get_version
from domain.datasets.specs import UploadSource
from domain.gc import deletion, queries, service
from domain.gc.models import Plan
from domain.jobs import service as jobs
from domain.jobs.queries import active_jobs

GRACE = 73 * 3600.0


def lines(count: int, seed: int) -> list[bytes]:
    """Rows of a csv that look like one: they compress, and edited they are alike."""
    chance = random.Random(seed)
    cities = ["Berlin", "Rome", "Oslo"]
    return [
        f"{number},2024-{chance.randint(1, 12):02},{chance.choice(cities)},{chance.gauss(0, 1):.5f}\n".encode()
        for number in range(count)
    ]


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def add_version(runtime: Runtime, name: str, files: dict[str, bytes]) -> int:
    """The number of a version with these files, in a dataset that is made when it is not there."""
    with runtime.contents.batch() as batch:
        entries = []
        for path, data in files.items():
            sink = batch.sink()
            sink.write(data)
            stored = sink.close()
            entries.append(ManifestEntry(path, stored.md5, stored.size))
    with runtime.transaction() as session:
        if session.scalar(select(Dataset.id).where(Dataset.name == name)) is None:
            datasets.create_dataset(session, name=name)
        hold(session, [entry.md5 for entry in entries])
        version, _ = datasets.add_version(session, dataset=name, entries=entries, source=UploadSource())
        datasets.validate_version(session, version_id=version.id)
        number = version.number
    with runtime.transaction() as session:  # its checks would need it for as long as nobody runs them
        for job in active_jobs(session, limit=1_000):
            jobs.cancel(session, job.id)
    return number


def delete_version(runtime: Runtime, name: str, number: int) -> None:
    with runtime.transaction() as session:
        deletion.delete_version(session, name=name, number=number)


def request_plan(runtime: Runtime) -> str:
    with runtime.transaction() as session:
        grace = timedelta(hours=runtime.settings.gc_grace_hours)
        return service.request_plan(session, grace=grace)[0].id


def execute(runtime: Runtime, plan_id: str) -> str:
    with runtime.transaction() as session:
        return service.execute(session, plan_id=plan_id).id


def plan_of(runtime: Runtime, plan_id: str) -> Plan:
    with runtime.reading() as session:
        return queries.get_plan(session, plan_id)


@dataclass(frozen=True)
class Store:
    """What the index and the store hold."""

    contents: int
    chunks: int
    packs: int
    objects: int
    bytes: int


def counted(runtime: Runtime) -> Store:
    objects = list(runtime.data.list("packs"))
    with runtime.reading() as session:
        rows = [session.scalar(select(func.count()).select_from(table)) or 0 for table in (Content, Chunk, Pack)]
    return Store(rows[0], rows[1], rows[2], len(objects), sum(found.size for found in objects))


def readable(runtime: Runtime) -> dict[str, bytes]:
    """Every file of every version that stands, as `name@n path`. Raises when one cannot be read."""
    found = {}
    with runtime.reading() as session:
        versions = list(session.scalars(select(DatasetVersion).where(DatasetVersion.deleted_at.is_(None))))
        names = {row.id: row.name for row in session.scalars(select(Dataset))}
        files = {
            (names[version.dataset_id], version.number): files_of(
                session, get_version(session, names[version.dataset_id], version.number)
            )
            for version in versions
        }
    for (name, number), entries in files.items():
        for entry in entries:
            found[f"{name}@{number} {entry.path}"] = runtime.contents.read(entry.md5)
    return found


def fill(runtime: Runtime) -> None:
    """Version 1 has a table, bytes of its own and small files; 2 is the table edited, and shares the rest in part.

    Another dataset shares a pack with nothing that goes. Deleting a@1 leaves what a@2 is a difference from.
    """
    table = lines(12_000, seed=1)
    small = {f"small/{number}": noise(500, seed=1_000 + number) for number in range(60)}
    add_version(runtime, "a", {"table.csv": b"".join(table), "own.bin": noise(900_000, 2), **small})
    table[6_000] = b"6000,edited\n"
    kept = {path: data for path, data in small.items() if path.endswith(("1", "2", "3"))}
    add_version(runtime, "a", {"table.csv": b"".join(table), **kept})
    add_version(runtime, "b", {"other.bin": noise(300_000, 3)})
    add_version(runtime, "b", {"gone.bin": noise(400_000, 4)})
