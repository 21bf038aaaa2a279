"""`/metrics` of a serving process; of several that share a port, whichever is asked answers for all of them."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector


class Scrape:
    """The metrics of `registry`, and of those who keep theirs in the same `folder`, told apart by `process`."""

    def __init__(self, registry: CollectorRegistry, folder: Path | None = None, *, seconds: float = 1.0) -> None:
        self._registry = registry
        self._folder = folder
        self._seconds = seconds

    def text(self) -> bytes:
        """In Prometheus' text format. What others did in the last second may be missing."""
        if self._folder is None:
            return generate_latest(self._registry)
        self._write(self._folder)
        together = CollectorRegistry()
        together.register(_Together(self._folder))
        return generate_latest(together)

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """While inside, others find these metrics in the folder."""
        if self._folder is None:
            yield
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        writing = asyncio.create_task(self._go_on_writing(self._folder))
        try:
            yield
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            (self._folder / f"{os.getpid()}.prom").unlink(missing_ok=True)
            with suppress(OSError):
                self._folder.rmdir()  # the last one takes it away

    async def _go_on_writing(self, folder: Path) -> None:
        while True:
            await asyncio.to_thread(self._write, folder)
            await asyncio.sleep(self._seconds)

    def _write(self, folder: Path) -> None:
        path = folder / f"{os.getpid()}.prom"
        scratch = folder / f"{os.getpid()}.writing"
        scratch.write_bytes(generate_latest(self._registry))
        scratch.replace(path)


class _Together(Collector):
    """What all living processes have written, each sample with the process that it comes from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        families: dict[str, Metric] = {}
        for path in sorted(self._folder.glob("*.prom")):
            if not _lives(int(path.stem)):
                path.unlink(missing_ok=True)  # killed: it could not take it away itself
                continue
            for family in text_string_to_metric_families(path.read_text()):
                known = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                for sample in family.samples:
                    labels = {**sample.labels, "process": path.stem}
                    known.samples.append(sample._replace(labels=labels))
        return families.values()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
