"""Addresses of Git repositories: what may be one at all. Pure; which of them may be reached, the settings say."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import unquote, urlsplit

from domain.errors import Invalid

MAX_ADDRESS = 1_000
_SCP = re.compile(r"^(?:(?P<user>[A-Za-z0-9._][A-Za-z0-9._-]*)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^:].*)$")
_HOST = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:.]+$")
_PORTS = {"https": 443, "http": 80, "ssh": 22}
_FIX = "Give https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, or an absolute path of the server's machine."


class BadAddress(Invalid):
    code = "bad_git_address"


@dataclass(frozen=True)
class GitAddress:
    """A parsed address. `text` is what git is given; `host` is in lower case, and empty for a local path."""

    kind: Literal["https", "http", "ssh", "local"]
    text: str
    host: str
    port: int
    path: str

    @property
    def key(self) -> str:
        """The same for all ways to write one repository: `host/path` without scheme, user, `.git` and letter case."""
        if self.kind == "local":
            return self.path
        port = "" if self.port == _PORTS[self.kind] else f":{self.port}"
        return f"{self.host}{port}/{self.path.strip('/').removesuffix('.git').lower()}"


def parse_address(text: str, *, where: str = "address") -> GitAddress:
    """`text` as an address that git takes for no option, command or other transport; `BadAddress` otherwise."""
    reason = _odd(text)
    if reason is not None:
        raise BadAddress(f"{_shown(text)} is no address of a Git repository: {reason}.", where=where, fix=_FIX)
    try:
        return _parse(text)
    except ValueError as error:
        raise BadAddress(
            f"{_shown(text)} is no address of a Git repository: {error}.", where=where, fix=_FIX
        ) from error


def key_of(text: str) -> str | None:
    """The key of an address that somebody else wrote; None when it is none."""
    try:
        return parse_address(text).key
    except BadAddress:
        return None


def _odd(text: str) -> str | None:
    if not text or len(text) > MAX_ADDRESS:
        return f"it is empty or longer than {MAX_ADDRESS} characters"
    if not text.isprintable() or any(char.isspace() for char in text):
        return "it has blanks or control characters"
    if text.startswith("-"):
        return "it begins like an option"
    if "::" in text.partition("/")[0]:
        return "it names a helper program, which is never run"
    return None


def _parse(text: str) -> GitAddress:
    if text.startswith("/"):
        return _local(text, text)
    if "://" not in text:
        found = _SCP.match(text)
        if found is None or found["host"].lower() in {"file", *_PORTS} or "\\" in text:
            raise ValueError("it is neither a URL nor an absolute path")
        path = found["path"]
        _refuse_option(path)
        return GitAddress("ssh", text, found["host"].lower(), 22, path)
    parts = urlsplit(text)
    match parts.scheme:
        case "file":
            if parts.netloc not in {"", "localhost"}:
                raise ValueError("a file URL has no host")
            return _local(text, unquote(parts.path))
        case "https" | "http" | "ssh" as kind:
            _refuse_secrets(parts.username, parts.password, kind)
            host = (parts.hostname or "").lower()
            if not _HOST.match(host):
                raise ValueError("its host is none")
            if parts.query or parts.fragment or not parts.path.strip("/"):
                raise ValueError("it needs a path, and nothing behind it")
            _refuse_option(parts.path.lstrip("/"))
            return GitAddress(kind, text, host, parts.port or _PORTS[kind], parts.path)
    raise ValueError(f"the transport {parts.scheme!r} is not one of https, ssh and file")


def _local(text: str, path: str) -> GitAddress:
    if ".." in PurePosixPath(path).parts or not path.startswith("/"):
        raise ValueError("a local path is absolute, without `..`")
    return GitAddress("local", path if text.startswith("file:") else text, "", 0, str(PurePosixPath(path)))


def _refuse_option(path: str) -> None:
    if path.startswith("-"):
        raise ValueError("its path begins like an option")


def _refuse_secrets(user: str | None, password: str | None, kind: str) -> None:
    if password is not None or (user is not None and kind != "ssh"):
        raise ValueError("it carries a user or a password, which belong into the server's credentials file")
    if user is not None and not re.fullmatch(r"[A-Za-z0-9._][A-Za-z0-9._-]*", user):
        raise ValueError("its user is none")


def _shown(text: str) -> str:
    """The address for a message, without what may be a secret in it."""
    bare = re.sub(r"//[^/@]*@", "//***@", text)
    return repr(bare if len(bare) <= 100 else f"{bare[:97]}...")
