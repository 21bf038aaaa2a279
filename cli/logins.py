"""`Logins`: the tokens a person gave for servers, each for its own server only. Read by `open_client`."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlunsplit

import typer

from cli.client import ClientError, Status, address_parts

ONLY_THE_OWNER = 0o600


@dataclass(frozen=True)
class Login:
    """A server, the token for it, and whom it took the token for."""

    url: str
    token: str
    name: str
    role: str


def logins_file() -> Path:
    """In the person's own configuration folder (XDG_CONFIG_HOME, `~/.config`; macOS: Application Support)."""
    return Path(typer.get_app_dir("millrace")) / "logins.json"


class Logins:
    """A file of them, written whole beside the old one, and from its first byte on readable by its owner only."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or logins_file()

    @property
    def current(self) -> str | None:
        """The address of the server that commands go to when none is named."""
        return self._read()[0]

    def all(self) -> list[Login]:
        return list(self._read()[1].values())

    def token(self, url: str) -> str | None:
        """The token that was given for this very server."""
        found = self._read()[1].get(normal(url))
        return found.token if found else None

    def keep(self, login: Login) -> None:
        """Remember a login, and make its server the current one."""
        _, known = self._read()
        self._write(login.url, known | {login.url: login})

    def use(self, url: str) -> None:
        """Make a server that is known the current one."""
        _, known = self._read()
        self._write(self.known(url), known)

    def known(self, url: str) -> str:
        """The address of the login that is meant by an address or a host. Raises ClientError when there is none."""
        known = self._read()[1]
        meant = [one for one in known if url in {one, one.partition("://")[2]} or ("://" in url and normal(url) == one)]
        if not meant:
            servers = ", ".join(known) or "none"
            fix = f"`millrace login {url}`. There are logins for: {servers}."
            raise ClientError(f"There is no login for {url}.", fix=fix, status=Status.NOT_FOUND)
        return meant[0]

    def forget(self, urls: list[str]) -> None:
        """Remove logins. When the current one is among them, there is no current one any more."""
        current, known = self._read()
        left = {url: login for url, login in known.items() if url not in urls}
        self._write(current if current in left else None, left)

    def _read(self) -> tuple[str | None, dict[str, Login]]:
        try:
            content: Any = json.loads(self.path.read_text(encoding="utf-8"))
            known = {url: Login(url, **login) for url, login in content["servers"].items()}
            current = content["current"]
        except FileNotFoundError:
            return None, {}
        except OSError as error:
            raise ClientError(f"Cannot read {self.path}: {error.strerror}.", status=Status.USAGE) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            fix = f"Remove it (`rm {self.path}`) and log in again."
            raise ClientError(f"{self.path} holds no logins.", fix=fix, status=Status.USAGE) from error
        return current if current in known else None, known

    def _write(self, current: str | None, known: dict[str, Login]) -> None:
        servers = {url: {k: v for k, v in asdict(login).items() if k != "url"} for url, login in known.items()}
        beside = self.path.with_name(f".{self.path.name}-{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(beside, flags, ONLY_THE_OWNER), "w", encoding="utf-8") as file:
                json.dump({"current": current, "servers": servers}, file, indent=2)
            beside.replace(self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise ClientError(f"Cannot write {self.path}: {error.strerror}.", status=Status.USAGE) from error


def normal(url: str) -> str:
    """The address as it is the same for each way to write it. Raises ClientError when it is none."""
    return urlunsplit(address_parts(url))
