"""Which registries this installation talks to, and with which credentials. Both are settings, and nowhere else."""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.settings import Settings
from domain.errors import Forbidden, Unavailable

_LOOPBACK = ("127.0.0.1", "localhost")
_FIX = "An admin allows registries with MILLRACE_REGISTRY_HOSTS."


class RegistryRefused(Forbidden):
    """The settings do not name the host."""

    code = "registry_not_allowed"


class CredentialsUnreadable(Unavailable):
    code = "registry_credentials_unreadable"


@dataclass(frozen=True)
class RegistryAccess:
    """`hosts` may be spoken to over https; those of `plain` and this machine itself over http."""

    hosts: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    credentials: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 60.0

    @classmethod
    def of(cls, settings: Settings) -> "RegistryAccess":
        """Raises CredentialsUnreadable."""
        words = [word.strip().lower() for word in settings.registry_hosts.split(",") if word.strip()]
        plain = frozenset(word.removeprefix("http://") for word in words if word.startswith("http://"))
        credentials = {}
        if settings.registry_auth_file != Path():
            credentials = _read(settings.registry_auth_file)
        return cls(frozenset(words) | plain, plain, credentials, settings.registry_timeout_seconds)

    def refuse(self, host: str) -> None:
        """Raises RegistryRefused for a host (with its port) that may not be spoken to."""
        if host not in self.hosts and not _is_loopback(host):
            raise RegistryRefused(f"The settings do not allow the host {host!r}.", where="registry", fix=_FIX)

    def scheme(self, host: str) -> str:
        return "http" if host in self.plain or _is_loopback(host) else "https"


def _is_loopback(host: str) -> bool:
    return host.partition(":")[0] in _LOOPBACK


def _read(path: Path) -> dict[str, tuple[str, str]]:
    """Host -> user and password, from a file as `docker login` and `skopeo login` write it."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["auths"]
        return {host.lower(): _pair(entry["auth"]) for host, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, NotBase64) as error:
        # Not what the error says: it may quote the file.
        raise CredentialsUnreadable(
            f"The file of registry credentials cannot be read ({type(error).__name__}).",
            where="MILLRACE_REGISTRY_AUTH_FILE",
            fix='It is written by `docker login`: {"auths": {"HOST": {"auth": "…"}}}.',
        ) from None


def _pair(text: str) -> tuple[str, str]:
    user, _, password = b64decode(text, validate=True).decode().partition(":")
    return user, password
