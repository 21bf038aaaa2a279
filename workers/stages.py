"""`Meter`: what each stage of a job takes in wall time, CPU time and memory. One per job, called by `workers.run`.

It looks where a stage begins and with each heartbeat, and not in between: Linux remembers the peak of a process's
memory until it is told to forget it, so a peak of the worker counts however short it was. Of child processes no CPU
time is lost, but a memory peak between two looks is; elsewhere than on Linux this holds for the worker itself, too.
"""

import resource
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

import psutil

from domain.jobs.usage import Stage

FIRST_STAGE = "prepare"
"""What is done before the handler says what it does: it reads what the order is about."""

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_FORGET_PEAK = "5"  # proc(5), /proc/pid/clear_refs


class Meter:
    """Stages follow each other; one that is named again goes on where it was left. Safe to ask from any thread."""

    def __init__(self, attempt: int) -> None:
        self._attempt = attempt
        self._process = psutil.Process()
        self._lock = Lock()
        self._stages: dict[str, Stage] = {}
        self._peak_is_known = _forget_peak()
        self._begin(FIRST_STAGE, self._now()[0])

    def stage(self, name: str) -> None:
        """From now on the job is in this stage."""
        with self._lock:
            self._begin(name, self._look())

    def measured(self) -> list[Stage]:
        """All stages so far; the last one as far as it has come."""
        with self._lock:
            self._look()
            return list(self._stages.values())

    def _begin(self, name: str, cpu: float) -> None:
        self._before = self._stages.get(name) or _nothing(self._attempt, name)
        self._peak = self._before.peak_bytes
        self._wall, self._cpu = time.perf_counter(), cpu
        self._stages[name] = self._before

    def _look(self) -> float:
        """Bring the stage that runs up to date. Returns the CPU seconds until now."""
        cpu, resident = self._now()
        self._peak = max(self._peak, resident)
        _forget_peak()
        before = self._before
        self._stages[before.name] = before.model_copy(
            update={
                "wall_seconds": round(before.wall_seconds + time.perf_counter() - self._wall, 6),
                # A child that nobody waited for takes its share with it.
                "cpu_seconds": round(before.cpu_seconds + max(0.0, cpu - self._cpu), 6),
                "peak_bytes": self._peak,
            }
        )
        return cpu

    def _now(self) -> tuple[float, int]:
        """CPU seconds of the process and its children, ended ones included; its peak with what they hold, bytes."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = time.process_time() + ended.ru_utime + ended.ru_stime
        resident = _own_peak() if self._peak_is_known else self._process.memory_info().rss
        for child in self._process.children(recursive=True):
            with suppress(psutil.Error):  # it ended meanwhile
                used = child.cpu_times()
                cpu += used.user + used.system + used.children_user + used.children_system
                resident += child.memory_info().rss
        return cpu, resident


def _nothing(attempt: int, name: str) -> Stage:
    return Stage(attempt=attempt, name=name, wall_seconds=0.0, cpu_seconds=0.0, peak_bytes=0)


def _own_peak() -> int:
    """The most that was resident since the last `_forget_peak`, bytes."""
    return int(_STATUS.read_text().partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024


def _forget_peak() -> bool:
    """False where that is not possible: not on Linux, or in a sandbox that does not let a process do it."""
    try:
        _CLEAR.write_text(_FORGET_PEAK)
    except OSError:
        return False
    return True
