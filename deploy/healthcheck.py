"""Is this container well? `healthcheck.py URL` wants a 200; `healthcheck.py worker` wants a pong of worker@this-host.

Called by the healthchecks of docker-compose.yml; ends with status 0 when well and 1 when not.
"""

import os
import socket
import sys
from urllib.error import URLError
from urllib.request import urlopen

from celery import Celery
from kombu.exceptions import OperationalError

TIMEOUT_SECONDS = 3.0


def answers(url: str) -> bool:
    """Whether the URL answers 200 in time."""
    try:
        with urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310  # the URL is written in docker-compose.yml
            return bool(response.status == 200)
    except (URLError, OSError):
        return False


def pongs(node: str) -> bool:
    """Whether the Celery node `NODE@this host` answers a ping through the broker of the settings."""
    app = Celery("healthcheck", broker=os.environ["MILLRACE_REDIS_URL"], set_as_current=False)
    try:
        return bool(app.control.ping(destination=[f"{node}@{socket.gethostname()}"], timeout=TIMEOUT_SECONDS))
    except (OperationalError, OSError):
        return False


if __name__ == "__main__":
    target = sys.argv[1]
    sys.exit(not (answers(target) if "://" in target else pongs(target)))
