"""`Recorder`: what has been packed becomes findable, in one transaction. Small batches that meet go together."""

import threading
from collections.abc import Callable
from datetime import datetime

from adapters.chunk_store.batch import Batch, Ready
from adapters.chunk_store.packs import PackFile, pack_key
from adapters.database import Database
from adapters.object_store.protocol import ObjectStore
from domain.access.actor import PLATFORM
from domain.contents import service
from domain.db import WriteSession


class Recorder:
    """One per process: it is among the threads of one process that writers share."""

    def __init__(self, store: ObjectStore, database: Database, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._database = database
        self._clock = clock
        self._gathering = threading.Lock()
        self._recording = threading.Lock()
        self._waiting: list[_Waiting] = []

    def record(self, ready: Ready) -> None:
        """Make what has been packed findable. When it is refused its packs are taken back.

        Not so when the commit itself fails: without an answer it may have happened, and what it names must stay. A pack
        that no row names is deleted by a collection.
        """
        committing = False
        try:
            with WriteSession(self._database.writes, clock=self._clock, actor=PLATFORM) as session:
                service.record(
                    session,
                    packs=ready.packs,
                    chunks=ready.chunks,
                    contents=ready.contents,
                    relied_on=sorted(ready.relied_on - {row["digest"] for row in ready.chunks}),
                    again=sorted(ready.again),
                )
                committing = True
                session.commit()
        except BaseException:
            if not committing:
                for pack in ready.packs:
                    self._store.delete(pack_key(pack["id"]))
            raise

    def commit(self, batch: Batch) -> None:
        """Seal and record a batch. Small ones that come at the same time share a pack and a transaction."""
        frames = batch.small()
        if frames is None:
            self.record(batch.seal())
            return
        mine = _Waiting(batch)
        with self._gathering:
            self._waiting.append(mine)
        with self._recording:  # whoever gets in first works for all that wait
            if not mine.done:
                with self._gathering:
                    taken, self._waiting = self._waiting, []
                self._all_of(taken)
        if mine.error is not None:
            raise mine.error

    def _all_of(self, taken: list["_Waiting"]) -> None:
        try:
            if len(taken) > 1 and self._merged(taken):
                return
            for one in taken:  # alone, or each for itself to find the one that cannot be recorded
                try:
                    self.record(one.batch.seal())
                except Exception as error:  # noqa: BLE001 - handed to the thread that waits for it
                    one.error = error
        finally:
            for one in taken:
                one.done = True

    def _merged(self, taken: list["_Waiting"]) -> bool:
        """One pack for all of them; False, with nothing recorded, when that did not work."""
        ready = Ready()
        frames = [frame for one in taken for frame in one.batch.small() or []]
        for one in taken:
            ready.contents += one.batch.ready.contents
            ready.relied_on |= one.batch.ready.relied_on
            ready.again |= one.batch.ready.again
        pack = PackFile(self._store) if frames else None
        try:
            if pack is not None:
                for frame in frames:
                    pack.add(frame)
                ready.packs.append(pack.seal())
                ready.chunks += pack.chunks
            self.record(ready)
        except Exception:  # noqa: BLE001 - each is tried alone next, and says what is wrong
            if pack is not None:
                pack.discard()
            return False
        return True


class _Waiting:
    """A batch that waits for its turn, or for somebody to take it along."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.done = False
        self.error: Exception | None = None
