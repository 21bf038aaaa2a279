"""`connect`: finds the server and the token as the command line does."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from millrace.client import Client
from millrace.errors import Misuse
from millrace.http import is_local

DEFAULT_URL = "http://127.0.0.1:8000"


def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    serving: str | None = None,
    home: str | Path | None = None,
    progress: bool = True,
) -> Client:
    """A client of the server at `url`; absent, at MILLRACE_URL, else of the one that runs on this machine.

    `token` (MILLRACE_TOKEN) is found in the home of a server of this machine, and such a token goes nowhere else.
    `serving` (MILLRACE_SERVING_URL) is for predictions where serving runs by itself. The server is not asked yet.
    """
    folder = Path(home or os.environ.get("MILLRACE_HOME") or ".millrace")
    address = _checked(url or os.environ.get("MILLRACE_URL") or _line(folder / "address") or DEFAULT_URL)
    beside = _checked(serving or os.environ.get("MILLRACE_SERVING_URL") or address)
    here = is_local(address) and is_local(beside)
    secret = token or os.environ.get("MILLRACE_TOKEN") or (_line(folder / "token") if here else None)
    return Client(address, secret, serving=beside, progress=progress)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Misuse(f"{url!r} is not an address.", fix="Give one as http://host:port.")
    return url.rstrip("/")


def _line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
