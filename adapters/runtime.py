"""`Runtime`: the open connections of one process, and the one place where transactions begin and end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.chunk_store.contents import Contents
from adapters.database import Database
from adapters.object_store.opening import open_store
from adapters.object_store.protocol import ObjectStore
from adapters.queue import CeleryQueue, Queue, make_celery_client
from adapters.settings import Settings
from domain.access.actor import PLATFORM, Actor
from domain.db import ReadSession, WriteSession
from domain.events.service import write_outbox
from domain.reactions import react


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Runtime:
    """What a door works with. Tests replace the queue and the clock by fakes with the same protocol."""

    settings: Settings
    database: Database
    data: ObjectStore
    models: ObjectStore
    contents: Contents
    queue: Queue
    clock: Callable[[], datetime] = utc_now

    @contextmanager
    def transaction(
        self, actor: Actor = PLATFORM, *, request_id: str | None = None, job_id: str | None = None
    ) -> Iterator[WriteSession]:
        """Begin, body, reactions, events, commit; then wake workers. What follows from the body is in its commit."""
        with WriteSession(
            self.database.writes,
            clock=self.clock,
            actor=actor,
            request_id=request_id,
            job_id=job_id,
            expire_on_commit=False,
        ) as session:
            yield session
            react(session)
            write_outbox(session)
            session.commit()
            nudges = list(session.nudges)
        for waiting in nudges:
            self.queue.nudge(waiting)

    @contextmanager
    def reading(self) -> Iterator[ReadSession]:
        """A session that sees one moment and is rolled back at the end."""
        with ReadSession(self.database.reads, autoflush=False, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        self.database.dispose()


def open_runtime(settings: Settings) -> Runtime:
    """The runtime that the settings describe."""
    data = open_store(settings.store_url, settings)
    database = Database(settings.database_url)
    return Runtime(
        settings=settings,
        database=database,
        data=data,
        models=open_store(settings.model_store_url, settings),
        contents=Contents(data, database, utc_now),
        queue=CeleryQueue(make_celery_client(settings.redis_url), settings.redis_url),
    )
