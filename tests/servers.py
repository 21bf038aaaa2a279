"""Real servers for tests: a Valkey and a Postgres of one's own, in a folder, gone at the end."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as RedisAway

from cli.processes import valkey as valkey_process


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def valkey(folder: Path, *, port: int | None = None) -> Iterator[str]:
    """The URL of a running Valkey that keeps its data in `folder`."""
    chosen = port or free_port()
    described = valkey_process(chosen, folder, "secret")
    url = f"redis://:secret@127.0.0.1:{chosen}/0"
    with subprocess.Popen(described.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        client = Redis.from_url(url)
        try:
            _wait_for(client)
            yield url
        finally:
            client.close()
            server.kill()


def _wait_for(client: Redis) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except RedisAway:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
