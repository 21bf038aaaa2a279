"""`GitAccess`: which addresses this installation may read from. Everything that reads from elsewhere asks here first.

An address of the machine itself or of its network would let anybody who may register a repository read what only the
server can reach. So local paths and internal addresses are refused unless the settings name them, also when a public
name resolves to one; what was resolved is what is connected to.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TypeAlias

from adapters.settings import Settings
from domain.errors import Forbidden, Unavailable
from domain.repositories.addresses import GitAddress

Address: TypeAlias = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]
_LOCAL_NAMES = ("localhost", ".localhost", ".local", ".internal", ".localdomain")


class AddressRefused(Forbidden):
    """The address is the machine's own, or internal, and the settings do not name it."""

    code = "git_address_refused"


class HostUnknown(Unavailable):
    code = "git_host_unknown"


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the machine's resolver knows them. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class GitAccess:
    """The folders and hosts that the settings allow, and how names are resolved."""

    folders: Sequence[Path] = ()
    hosts: frozenset[str] = frozenset()
    resolve: Resolve = resolve

    @classmethod
    def of(cls, settings: Settings) -> "GitAccess":
        folders = [Path(one) for one in _words(settings.git_allow_local)]
        return cls(folders, frozenset(one.lower() for one in _words(settings.git_allow_hosts)))

    def refuse(self, address: GitAddress) -> None:
        """Say no to what the address alone tells; `pinned` looks closer. Raises AddressRefused."""
        if address.kind == "local":
            self._refuse_folder(Path(address.path))
        elif not self._named(address.host, address.port):
            if address.kind == "http":
                raise AddressRefused(
                    f"{address.host} would be asked without encryption.", where="address", fix="Use https or ssh."
                )
            self._refuse_host(address.host)

    def refuse_folder(self, path: Path) -> Path:
        """The folder with its links resolved, which is below an allowed one. Raises AddressRefused."""
        self._refuse_folder(path)
        real = path.resolve()
        if not any(real.is_relative_to(folder.resolve()) for folder in self.folders):
            raise AddressRefused(
                f"{path} is a link out of the folders that repositories may lie in.", where="address", fix=_FOLDER_FIX
            )
        return real

    def pinned(self, host: str, port: int) -> str | None:
        """The IP address to connect to; None for a host that the settings name. Raises AddressRefused, HostUnknown."""
        if self._named(host, port):
            return None
        self._refuse_host(host)
        try:
            found = [ip_address(one.partition("%")[0]) for one in self.resolve(host, port)]
        except OSError as error:
            raise HostUnknown(f"The host {host!r} cannot be resolved: {error.strerror}.", where="address") from error
        for one in found:
            if _internal(one):
                raise AddressRefused(
                    f"The host {host!r} has the internal address {one}.", where="address", fix=_HOST_FIX
                )
        return str(found[0])

    def _refuse_folder(self, path: Path) -> None:
        if not any(path.is_relative_to(folder) for folder in self.folders):
            raise AddressRefused(
                f"{path} is on the server's own machine, and not in a folder that repositories may lie in.",
                where="address",
                fix=_FOLDER_FIX,
            )

    def _refuse_host(self, host: str) -> None:
        try:
            internal = _internal(ip_address(host))
        except ValueError:
            internal = host.endswith(_LOCAL_NAMES) or "." not in host
        if internal:
            raise AddressRefused(f"{host} is an internal address.", where="address", fix=_HOST_FIX)

    def _named(self, host: str, port: int) -> bool:
        return host in self.hosts or f"{host}:{port}" in self.hosts


_FOLDER_FIX = "An admin allows folders with MILLRACE_GIT_ALLOW_LOCAL."
_HOST_FIX = "An admin allows hosts with MILLRACE_GIT_ALLOW_HOSTS."


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _internal(address: Address) -> bool:
    """Whether the address is not of the public internet; an IPv4 address inside an IPv6 one counts as itself."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and int(address) >> 32 in {0, 0x64FF9B << 64}:  # IPv4-compatible, and NAT64 (RFC 6052)
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _internal(inner)
    return not address.is_global or address.is_multicast
