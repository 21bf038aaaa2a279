"""`Queue`: wakes workers. Carries job ids, nothing else; losing a message loses nothing."""

from typing import Protocol

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

QUEUE_NAME = "millrace"
RUN_JOB = "millrace.run_job"
TICK = "millrace.tick"
_PING_SECONDS = 0.5


class Queue(Protocol):
    def nudge(self, job_id: str) -> None:
        """Tell a worker about a queued job. Never raises."""

    def depth(self) -> int | None:
        """Messages that wait in the broker; None when it does not answer."""

    def workers(self) -> list[str] | None:
        """The processes that answer within half a second, by name; None when the broker does not."""


class CeleryQueue:
    """Nudges over Celery. A broker that is away is logged and swallowed: `tick` nudges again."""

    def __init__(self, celery: Celery, redis_url: str) -> None:
        self._celery = celery
        self._redis = Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2)

    def nudge(self, job_id: str) -> None:
        try:
            self._celery.send_task(RUN_JOB, args=(job_id,), queue=QUEUE_NAME, retry=False, ignore_result=True)
        except (OperationalError, RedisError, OSError) as error:
            log.warning("nudge_failed", job_id=job_id, error=str(error))

    def depth(self) -> int | None:
        try:
            return int(self._redis.llen(QUEUE_NAME))
        except (RedisError, OSError):
            return None

    def workers(self) -> list[str] | None:
        try:
            answers = self._celery.control.ping(timeout=_PING_SECONDS)
        except (OperationalError, RedisError, OSError):
            return None
        return sorted(name for answer in answers or [] for name in answer)


def make_celery_client(redis_url: str) -> Celery:
    """A Celery app that can send. Workers build theirs on top of it (`workers.app`)."""
    celery = Celery("millrace", broker=redis_url, set_as_current=False)
    celery.conf.update(
        task_default_queue=QUEUE_NAME,
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "max_retries": 0,
        },
        worker_prefetch_multiplier=1,
        task_acks_late=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        timezone="UTC",
    )
    return celery
