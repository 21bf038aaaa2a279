"""The files at a path of a checked-out repository, as DVC's own library reads them: from Git, or from its DVC remote.

The repository's configuration was written by others. Of its remotes only what says where they are is kept, and that
is held to what the settings allow; everything else of it (caches, credential files, other programs) is left out.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlsplit

from adapters.git_access import GitAccess
from domain.errors import Forbidden, Invalid, NotFound, Unavailable
from domain.repositories.addresses import GitAddress
from domain.repositories.pointers import DvcConfig

ROOT = Path(__file__).resolve().parents[1]
_KEPT = frozenset(
    {"url", "endpointurl", "region", "allow_anonymous_login", "version_aware", "connect_timeout", "read_timeout"}
)
_SCHEMES = frozenset({"s3", "gs", "azure", "http", "https"})
_PORTS = {"https": 443, "http": 80}
_LONGEST_LINE = 2**16


class DvcMissing(Invalid):
    code = "dvc_not_installed"


class DvcFailed(Unavailable):
    """DVC could not read a file; the remote may be away, or lack it."""

    code = "dvc_failed"


class DvcPathMissing(NotFound):
    code = "unknown_repository_path"


class RemoteRefused(Forbidden):
    """The repository's DVC remote is one that is not read."""

    code = "dvc_remote_refused"


@dataclass(frozen=True)
class DvcFile:
    """A file's path below what was asked for, and its bytes, to be read before the next one."""

    path: str
    blocks: Iterator[bytes]


def safe_config(config: DvcConfig, address: GitAddress, access: GitAccess) -> dict[str, dict[str, str]]:
    """The remotes of a repository that may be read, by name, with what says where each is. Raises RemoteRefused."""
    safe = {}
    for name, options in config.remotes.items():
        kept = {key: value for key, value in options.items() if key in _KEPT}
        kept["url"] = _checked(name, kept.get("url", ""), address, access)
        if "endpointurl" in kept:
            _refuse_host(name, kept["endpointurl"], access)
        safe[name] = kept
    return safe


def write_config(folder: Path, default: str | None, remotes: Mapping[str, Mapping[str, str]]) -> None:
    """Put the harmless configuration in the place of the repository's own."""
    lines = ["[core]", "analytics = false"]
    if default is not None:
        lines.append(f"remote = {_quoted(default)}")
    for name, options in remotes.items():
        lines.append(f"['remote {_quoted(name)}']")
        lines += [f"{key} = {_quoted(value)}" for key, value in options.items()]
    (folder / ".dvc").mkdir(exist_ok=True)
    (folder / ".dvc" / "config.local").unlink(missing_ok=True)
    (folder / ".dvc" / "config").write_text("\n".join(lines) + "\n", encoding="utf-8")


@contextmanager
def dvc_files(folder: Path, path: str, *, scratch: Path, seconds: float) -> Iterator[Iterator[DvcFile]]:
    """The files at `path`, one after the other, while inside. Raises DvcMissing, DvcPathMissing or DvcFailed."""
    if importlib.util.find_spec("dvc") is None:
        raise DvcMissing("This worker has no DVC.", fix="Install millrace[dvc] where the workers run.")
    config = {"cache": {"dir": str(scratch / "cache")}, "core": {"site_cache_dir": str(scratch / "site")}}
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_GLOBAL_CONFIG_DIR": str(scratch), "HOME": str(scratch)}
    environment |= {"DVC_SYSTEM_CONFIG_DIR": str(scratch), "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-P", "-m", "adapters.dvc_process", str(folder), path, json.dumps(config)]
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    clock = threading.Timer(seconds, _kill, [process])
    clock.start()
    with process:
        try:
            yield _read(cast("BinaryIO", process.stdout), path)
        finally:
            clock.cancel()
            _kill(process)


def _read(out: BinaryIO, path: str) -> Iterator[DvcFile]:
    while True:
        line = out.readline(_LONGEST_LINE)
        said = json.loads(line) if line.endswith(b"\n") else {"error": "DVC stopped, or took too long"}
        if "end" in said:
            return
        if said.get("missing"):
            raise DvcPathMissing(f"The repository has no {path!r} at this revision.", where="source.path")
        if "error" in said:
            raise DvcFailed(
                f"DVC cannot read {path!r}: {said['error']}.", where="source.path", fix="Was it pushed to its remote?"
            )
        blocks = _blocks(out)
        yield DvcFile(str(said["path"]), blocks)
        for _ in blocks:  # what was not read
            pass


def _blocks(out: BinaryIO) -> Iterator[bytes]:
    while True:
        size = int.from_bytes(_exactly(out, 8), "big")
        if size == 0:
            return
        yield _exactly(out, size)


def _exactly(out: BinaryIO, size: int) -> bytes:
    data = out.read(size)
    if len(data) < size:
        raise DvcFailed("DVC stopped in the middle of a file, or took too long.", where="source.path")
    return data


def _checked(name: str, url: str, address: GitAddress, access: GitAccess) -> str:
    scheme = urlsplit(url).scheme
    if scheme in _SCHEMES:
        if scheme in _PORTS:
            _refuse_host(name, url, access)
        return url
    if scheme or not url or not url.isprintable():
        raise RemoteRefused(f"The DVC remote {name!r} is {url[:100]!r}, which is not read.", where="source.git")
    path = Path(url)
    if not path.is_absolute():
        if address.kind != "local":
            raise RemoteRefused(
                f"The DVC remote {name!r} is a path relative to a clone, and there is none.", where="source.git"
            )
        path = Path(os.path.normpath(Path(address.path) / ".dvc" / url))
    return str(access.refuse_folder(path))


def _refuse_host(name: str, url: str, access: GitAccess) -> None:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise RemoteRefused(f"The DVC remote {name!r} has no plain address: {parts.hostname}.", where="source.git")
    access.pinned(parts.hostname.lower(), parts.port or _PORTS[parts.scheme])


def _quoted(value: str) -> str:
    return '"' + value.replace('"', "") + '"'


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
