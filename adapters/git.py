"""`Git`: runs git on a bare clone of somebody else's repository. Nothing that is in it is ever run.

It is given one transport, no prompts, no hooks, no submodules, no redirects, a clock and limits of bytes.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from adapters.git_access import GitAccess
from adapters.settings import Settings
from domain.errors import Invalid, Unavailable
from domain.repositories.addresses import GitAddress

_LOOK_SECONDS = 0.2
_READ_SECONDS = 60.0
_MOST_OUTPUT = 64 * 2**20
_HARMLESS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",
    "credential.helper=",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.unpackLimit=1",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "protocol.allow=never",
    "protocol.ext.allow=never",
)


class GitMissing(Unavailable):
    code = "git_missing"


class RemoteAway(Unavailable):
    """The repository cannot be read right now, or not by this worker."""

    code = "git_remote_away"


class RemoteTooLarge(Invalid):
    code = "git_remote_too_large"


class _GitFailed(Exception):
    """git ended with an error; the text is what it said."""


@dataclass(frozen=True)
class GitLimits:
    """Seconds and bytes that one fetch may take, and the file with credentials for https."""

    seconds: float
    max_bytes: int
    credentials: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "GitLimits":
        return cls(settings.git_timeout_seconds, settings.git_max_bytes, settings.git_credentials)


class Git:
    """git, for the clone of `address` in `folder`."""

    def __init__(self, folder: Path, address: GitAddress, access: GitAccess, limits: GitLimits) -> None:
        self.folder = folder
        self.address = address
        self._access = access
        self._limits = limits

    @property
    def is_there(self) -> bool:
        return (self.folder / "HEAD").is_file()

    def ask(self, *arguments: str) -> bytes:
        """Run git with the one transport of the address. Raises AddressRefused, RemoteAway or RemoteTooLarge."""
        config, environment = self._way()
        where = self.folder if self.folder.is_dir() else self.folder.parent
        try:
            return self._run(arguments, where, config, environment, self._limits.seconds)
        except _GitFailed as error:
            raise RemoteAway(
                f"{self.address.text} cannot be read: {error}", where="address", fix=_fix(self.address, str(error))
            ) from error

    def read(self, *arguments: str, seconds: float = _READ_SECONDS) -> bytes:
        """Run git on what is here; it has no transport at all. Raises RemoteAway: the clone may be made anew."""
        try:
            return self._run(arguments, self.folder, [], {}, seconds)
        except _GitFailed as error:
            raise RemoteAway(f"The clone of {self.address.text} cannot be read: {error}", where="address") from error

    def says(self, *arguments: str) -> bool:
        """Whether git ends well."""
        try:
            self._run(arguments, self.folder, [], {}, _READ_SECONDS)
        except _GitFailed:
            return False
        return True

    def _way(self) -> tuple[list[str], dict[str, str]]:
        address = self.address
        self._access.refuse(address)
        if address.kind == "local":
            self._refuse_links_out(self._access.refuse_folder(Path(address.path)))
            return ["protocol.file.allow=always"], {}
        ip = self._access.pinned(address.host, address.port)
        if address.kind == "ssh":
            ssh = "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
            if ip is not None:
                ssh += f" -o HostName={ip} -o HostKeyAlias={address.host}"
            return ["protocol.ssh.allow=always"], {"GIT_SSH_COMMAND": ssh}
        config = [f"protocol.{address.kind}.allow=always"]
        if ip is not None:
            config.append(f"http.curloptResolve={address.host}:{address.port}:{f'[{ip}]' if ':' in ip else ip}")
        if self._limits.credentials:
            config.append(f"credential.helper=store --file={self._limits.credentials}")
        return config, {}

    def _refuse_links_out(self, folder: Path) -> None:
        """A local repository may name others: its own folder by a `.git` file, and objects by `alternates`."""
        inner = folder / ".git"
        if inner.is_file():
            named = inner.read_text(encoding="utf-8", errors="replace").removeprefix("gitdir:").strip()
            self._access.refuse_folder(folder / named)
        objects = (inner if inner.is_dir() else folder) / "objects"
        if objects.exists():
            self._access.refuse_folder(objects)
        alternates = objects / "info" / "alternates"
        if alternates.is_file():
            for line in alternates.read_text(encoding="utf-8", errors="replace").splitlines():
                self._access.refuse_folder(objects / line)

    def _run(
        self,
        arguments: Sequence[str],
        folder: Path,
        config: Sequence[str],
        environment: Mapping[str, str],
        seconds: float,
    ) -> bytes:
        git = shutil.which("git")
        if git is None:
            raise GitMissing("This worker has no git.", fix="Install git 2.37 or newer beside it.")
        options = [word for setting in (*_HARMLESS, *config) for word in ("-c", setting)]
        own = {"GIT_DIR": "."} if (folder / "HEAD").is_file() else {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
        with TemporaryFile() as told, TemporaryFile() as said:
            process = subprocess.Popen(
                [git, *options, *arguments],
                cwd=folder,
                env={**_environment(), **own, **environment},
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=said,
                start_new_session=True,
            )
            with process:
                self._watch(process, seconds, (told, said))
            if process.returncode != 0:
                said.seek(0)
                raise _GitFailed(_last_words(said.read(2**16)))
            told.seek(0)
            return told.read()

    def _watch(self, process: "subprocess.Popen[bytes]", seconds: float, outputs: Sequence[IO[bytes]]) -> None:
        """Wait for the process, and end it when it takes too long, says too much or takes too much disk."""
        until = time.monotonic() + seconds
        while True:
            try:
                process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                late = time.monotonic() > until
            else:
                late = False
            large = self._size() > self._limits.max_bytes
            large |= any(os.fstat(output.fileno()).st_size > _MOST_OUTPUT for output in outputs)
            if late or large:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if large:
                shutil.rmtree(self.folder, ignore_errors=True)
                raise RemoteTooLarge(
                    f"{self.address.text} is larger than {self._limits.max_bytes:,} bytes.",
                    where="address",
                    fix="Take large files out of Git, or raise MILLRACE_GIT_MAX_BYTES.",
                )
            if late:
                raise RemoteAway(f"{self.address.text} took longer than {seconds:g} seconds.", where="address")
            if process.returncode is not None:
                return

    def _size(self) -> int:
        """Bytes of packs, the one that is arriving among them."""
        total = 0
        with suppress(OSError), os.scandir(self.folder / "objects" / "pack") as packs:
            for pack in packs:
                with suppress(OSError):
                    total += pack.stat().st_size
        return total


def _environment() -> dict[str, str]:
    """Ours without what steers git, and with what keeps it from asking, and from reading anybody's configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "LC_ALL": "C.UTF-8",
    }


def plain(text: str) -> str:
    """Text without characters that a database or a terminal stumbles over."""
    return "".join(char for char in text if char.isprintable() or char in "\n\t")


def _last_words(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines
    return plain("; ".join(told[:3]))[:500] or "git gave no reason"


def _fix(address: GitAddress, said: str) -> str | None:
    if "could not read Username" in said or "Authentication failed" in said:
        return "Private repositories over https want MILLRACE_GIT_CREDENTIALS, or use ssh with the worker's key."
    if "Host key verification failed" in said:
        return f"Put the host key of {address.host} into the worker's known_hosts."
    if "dubious ownership" in said:
        return "The repository's folder belongs to another user than the worker."
    return None
