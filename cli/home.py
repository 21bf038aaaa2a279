"""The home directory as the supervisor and the client see it: the lock, the address, the token."""

import fcntl
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOME = Path(".millrace")
# A supervisor that was killed leaves its watchdog to stop the processes; it holds the lock until they are gone.
CLEANUP_SECONDS = 20.0


class HomeError(Exception):
    """The home cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Home:
    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def address_file(self) -> Path:
        return self.path / "address"

    @property
    def token_file(self) -> Path:
        return self.path / "token"

    def address(self) -> str | None:
        """The URL that the running supervisor wrote, or None."""
        return _first_line(self.address_file)

    def token(self) -> str | None:
        return _first_line(self.token_file)

    def running(self) -> bool:
        """Whether a supervisor holds the home now, or the watchdog of one that was killed."""
        try:
            descriptor = os.open(self.path / "lock", os.O_RDWR)
        except OSError:
            return False
        try:
            return not _flock(descriptor)
        finally:
            os.close(descriptor)

    def prepare(self) -> None:
        """Make the directory, readable by its owner only. Raises HomeError when it cannot be written."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
            probe = self.path / f".probe-{secrets.token_hex(4)}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise HomeError(
                f"Cannot write to the home {self.path}: {error.strerror}. Choose another with --home."
            ) from error

    def lock(self, address: str) -> int:
        """Hold the home until the returned descriptor is closed. Raises HomeError while another supervisor holds it."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + CLEANUP_SECONDS
        while not _flock(descriptor):
            holder = _holder(descriptor)
            if _alive(holder.get("pid")) or time.monotonic() > deadline:
                os.close(descriptor)
                raise HomeError(
                    f"Millrace is already running on {self.path} "
                    f"(process {holder.get('pid', 'unknown')}, {holder.get('address', 'no address yet')}). "
                    "Stop that one first, or give this one another --home and --port."
                )
            time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "address": address}).encode(), 0)
        return descriptor


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(descriptor: int) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in json.loads(os.pread(descriptor, 4096, 0)).items()}
    except ValueError:
        return {}


def _alive(pid: str | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
