"""Run one job: claim it, keep its lease, call its handler, record how it ended. Called by the Celery task."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import structlog
from pydantic import ValidationError

from adapters.runtime import Runtime
from domain.access.actor import SCOPES, Actor, Role
from domain.db import WriteSession
from domain.errors import DomainError, Unavailable
from domain.jobs import service as jobs
from domain.jobs.service import Cancelled, Claim, LeaseLost
from domain.jobs.spec import JobSpec
from workers.stages import Meter
from workers.toolbox import Toolbox

log = structlog.get_logger(__name__)


S = TypeVar("S", bound=JobSpec)


class RunningJob(Generic[S]):
    """A claimed job in the hands of its handler."""

    def __init__(self, runtime: Runtime, claim: Claim, spec: S) -> None:
        self.id = claim.job_id
        self.subject = claim.subject
        self.spec = spec
        self.actor = Actor(claim.actor, Role.DEVELOPER, SCOPES[Role.DEVELOPER])
        self._runtime = runtime
        self._claim = claim
        self._meter = Meter(claim.fence)
        self._lock = threading.Lock()
        self._lines: list[tuple[str, str]] = []
        self._fraction = 0.0
        self._message = ""

    def progress(self, fraction: float, message: str = "") -> None:
        """How far the job is (0..1); written with the next heartbeat."""
        with self._lock:
            self._fraction = min(1.0, max(0.0, fraction))
            self._message = message or self._message

    def stage(self, name: str) -> None:
        """What the job does from here on, in one word: what it takes is measured under this name."""
        self._meter.stage(name)

    def log(self, line: str, *, level: str = "info") -> None:
        """A line for the person who follows the job; written with the next heartbeat."""
        with self._lock:
            self._lines.append((level, line))

    @contextmanager
    def transaction(self) -> Iterator[WriteSession]:
        """A transaction that a worker which has lost the job cannot commit."""
        with self._runtime.transaction(self.actor, request_id=self._claim.request_id, job_id=self.id) as session:
            jobs.hold(session, self._claim)
            yield session

    def beat(self) -> None:
        """Extend the lease; write progress, stages and waiting log lines. Raises LeaseLost or Cancelled."""
        stages = self._meter.measured()
        with self._lock:
            fraction, message, lines = self._fraction, self._message, self._lines
            self._lines = []
        try:
            with self._runtime.transaction(self.actor, job_id=self.id) as session:
                jobs.heartbeat(
                    session,
                    self._claim,
                    lease_seconds=self._runtime.settings.lease_seconds,
                    progress=fraction,
                    message=message,
                )
                jobs.measured(session, self._claim, stages=stages)
                for level, line in lines:
                    jobs.log(session, self.id, line, level=level)
        except BaseException:
            with self._lock:
                self._lines = lines + self._lines
            raise

    def end(self, record: Callable[[WriteSession, Claim], object]) -> None:
        """Write the last log lines, what the stages took and how the job ended, in one commit."""
        with self._lock:
            lines = list(self._lines)
        with self.transaction() as session:
            for level, line in lines:
                jobs.log(session, self.id, line, level=level)
            jobs.measured(session, self._claim, stages=self._meter.measured())
            record(session, self._claim)
        with self._lock:  # only now: a commit that failed has written none of them
            self._lines = self._lines[len(lines) :]


Handler = Callable[[RunningJob[Any], Toolbox], dict[str, Any] | None]


def kill_this_process() -> None:
    """Stop whatever the job is doing, native code included. The pool starts a new process in its place."""
    os.kill(os.getpid(), signal.SIGKILL)


class _Heart:
    """The thread that keeps the lease. When the job is cancelled or lost it stops the process that computes."""

    def __init__(self, job: RunningJob[Any], seconds: float, stop_work: Callable[[], None]) -> None:
        self._job = job
        self._seconds = seconds
        self._stop_work = stop_work
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat-{job.id}", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                if self._may_go_on():
                    continue
            except LeaseLost:
                log.warning("lease_lost", job_id=self._job.id)
            except Exception as error:  # noqa: BLE001 - the database may be away; the lease outlasts a missed beat
                log.warning("heartbeat_failed", job_id=self._job.id, error=str(error))
                continue
            self._stop_work()
            return

    def _may_go_on(self) -> bool:
        try:
            self._job.beat()
        except Cancelled:
            self._job.end(jobs.cancelled)
            log.info("job_cancelled", job_id=self._job.id)
            return False
        return True


def run_job(
    job_id: str,
    *,
    tools: Toolbox,
    handlers: Mapping[type[JobSpec], Handler],
    worker: str,
    stop_work: Callable[[], None] = kill_this_process,
) -> bool:
    """Claim and run the job; False when there was nothing to claim. Errors of the handler are recorded, not raised."""
    runtime = tools.runtime
    with runtime.transaction(job_id=job_id) as session:
        claim = jobs.claim(session, job_id, worker=worker, lease_seconds=runtime.settings.lease_seconds)
    if claim is None:
        return False
    with structlog.contextvars.bound_contextvars(job_id=job_id, job_kind=claim.kind, request_id=claim.request_id):
        spec_type = next((known for known in handlers if known.kind() == claim.kind), None)
        if spec_type is None:
            _record_unreadable(runtime, claim, f"This worker has no handler for {claim.kind}.")
            return True
        try:
            spec = spec_type.model_validate(claim.payload)
        except ValidationError as error:
            _record_unreadable(runtime, claim, f"This worker cannot read the order for {claim.kind}: {error}")
            return True
        job = RunningJob(runtime, claim, spec)
        try:
            with _Heart(job, runtime.settings.heartbeat_seconds, stop_work):
                result = handlers[spec_type](job, tools)
            job.end(lambda session, held: jobs.finish(session, held, result=result))
        except LeaseLost as error:
            log.warning("result_refused", reason=error.message)
        except Exception as error:  # noqa: BLE001 - the worker outlives every handler; the job keeps what went wrong
            _record_failure(job, error)
    return True


def _record_failure(job: RunningJob[Any], error: Exception) -> None:
    if isinstance(error, DomainError):
        details = {"code": error.code, "message": error.message, "where": error.where, "fix": error.fix}
        retry = isinstance(error, Unavailable)
        log.info("job_refused", **details)
    else:
        details = {"code": "unexpected", "message": f"{type(error).__name__}: {error}"[:2000]}
        retry = True
        log.error("job_crashed", exc_info=error)
    try:
        job.end(lambda session, held: jobs.fail(session, held, error=details, retry=retry))
    except LeaseLost as lost:
        log.warning("failure_refused", reason=lost.message)


def _record_unreadable(runtime: Runtime, claim: Claim, message: str) -> None:
    """A worker older than the server that queued the job leaves it to a newer one."""
    with runtime.transaction(job_id=claim.job_id) as session:
        jobs.fail(session, claim, error={"code": "unknown_job_kind", "message": message}, retry=True)
