"""Looks at one part of an installation and says how it is: used by `python -m api.doctor`. Nothing is made or changed.

Messages never have a password in them; what a driver says is cut to its first line.
"""

import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx
from redis import Redis
from redis.exceptions import AuthenticationError, RedisError
from sqlalchemy import Connection, inspect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from adapters.database import Database
from adapters.object_store.credentials import StoreCredentials
from adapters.object_store.opening import open_store
from adapters.object_store.protocol import ObjectStore
from adapters.object_store.retries import Patience
from domain.errors import DomainError

State = Literal["ok", "warn", "broken"]

OLDEST_BROKER = (6, 2)
SLOW_BROKER_MS = 50.0
CONNECT_SECONDS = 5
BRIEF = Patience(attempts=1)
POSTGRES = "postgresql+psycopg://USER:PASSWORD@HOST:5432/NAME"


@dataclass(frozen=True)
class Finding:
    """How a part is: `what` was seen, `why` it is so, and the command that mends it. `facts` are for programs."""

    part: str
    state: State
    what: str
    why: str = ""
    fix: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


def look_at_database(text: str) -> Finding:
    """Whether it answers, can be written, and at which revision its tables are (`facts["revision"]`)."""

    def broken(what: str, why: str = "", fix: str = "") -> Finding:
        return Finding("database", "broken", what, why, fix)

    setting = f"export MILLRACE_DATABASE_URL={POSTGRES}, or unset it for SQLite in the home"
    try:
        url = make_url(text)
        if url.get_backend_name() == "sqlite":
            if (trouble := _trouble_with_file(url)) is not None:
                return trouble
        elif "connect_timeout" not in url.query:
            url = url.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
        database = Database(url.render_as_string(hide_password=False))
    except NoSuchModuleError:
        return broken(f"There is no database of the kind {url.drivername!r}.", fix=setting)
    except (ArgumentError, ValueError):
        return broken("MILLRACE_DATABASE_URL is no address of a database.", fix=setting)
    except ImportError as error:
        why = f"Its driver is not installed: {error}."
        return broken("The database cannot be reached from here.", why, "pip install 'millrace[postgres]'")
    shown = url.set(query={}).render_as_string(hide_password=True)
    began = time.monotonic()
    try:
        with database.writes.connect() as connection:
            version, revision = _version(connection), _revision(connection)
    except (SQLAlchemyError, OSError) as error:
        return broken(f"The database {shown} does not answer.", _said(error), _database_fix(url))
    finally:
        database.dispose()
    facts = {"kind": database.dialect, "version": version, "revision": revision}
    milliseconds = (time.monotonic() - began) * 1000
    return Finding("database", "ok", f"{database.dialect} {version}: {shown}, {milliseconds:.0f} ms", facts=facts)


def look_at_broker(url: str) -> Finding:
    """Whether Redis or Valkey answers, how fast, and whether it is new enough. The address may have a password."""

    def broken(what: str, why: str = "", fix: str = "") -> Finding:
        return Finding("broker", "broken", what, why, fix)

    setting = "export MILLRACE_REDIS_URL=redis://:PASSWORD@HOST:6379/0, or unset it for the embedded one"
    try:
        redis = Redis.from_url(url, socket_timeout=CONNECT_SECONDS, socket_connect_timeout=CONNECT_SECONDS)
    except ValueError as error:
        return broken("MILLRACE_REDIS_URL is no address of a broker.", _said(error), setting)
    where = redis.connection_pool.connection_kwargs
    shown = f"{where.get('host', where.get('path', 'localhost'))}:{where.get('port', 6379)}"
    try:
        redis.ping()
        began = time.monotonic()
        redis.ping()
        milliseconds = (time.monotonic() - began) * 1000
        told = redis.info("server")
    except AuthenticationError as error:
        return broken(f"The broker at {shown} does not take the password.", _said(error), setting)
    except (RedisError, OSError) as error:
        return broken(f"No broker answers at {shown}.", _said(error), f"Start it, or {setting}")
    finally:
        redis.close()
    name = "Valkey" if "valkey_version" in told else "Redis"
    version = str(told.get("valkey_version", told["redis_version"]))
    facts = {"name": name, "version": version, "milliseconds": round(milliseconds, 1)}
    what = f"{name} {version} at {shown}, {milliseconds:.1f} ms"
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_BROKER:
        return broken(what, "Celery needs 6.2 or newer.", "Upgrade it, or unset MILLRACE_REDIS_URL")
    if milliseconds > SLOW_BROKER_MS:
        return Finding("broker", "warn", what, "Jobs start as late as it answers.", "Bring it nearer", facts)
    return Finding("broker", "ok", what, facts=facts)


def look_at_mlflow(url: str) -> Finding:
    """Whether MLflow's server answers, and its version."""
    setting = "export MILLRACE_MLFLOW_URL=http://HOST:5000/mlflow, or unset it for one of its own"
    try:
        with httpx.Client(timeout=CONNECT_SECONDS) as client:
            began = time.monotonic()
            answer = client.get(f"{url.rstrip('/')}/version")
            milliseconds = (time.monotonic() - began) * 1000
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        what = f"No MLflow answers at {url}."
        return Finding("mlflow", "broken", what, _said(error), f"millrace mlflow, or {setting}")
    if not answer.is_success or len(answer.text) > 40:
        what = f"{url} is not MLflow: it answers {answer.status_code} to /version."
        return Finding("mlflow", "broken", what, "Its address ends as its server's --static-prefix says.", setting)
    version = answer.text.strip()
    return Finding("mlflow", "ok", f"MLflow {version} at {url}, {milliseconds:.0f} ms", facts={"version": version})


def look_at_store(part: str, setting: str, url: str, credentials: StoreCredentials) -> Finding:
    """Whether an object can be written, read and deleted again."""
    folder = _folder(url)
    if folder and not Path(folder).exists():
        parent = next(parent for parent in Path(folder).absolute().parents if parent.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            what = f"The folder {folder} cannot be made."
            return Finding(part, "broken", what, f"{parent} cannot be written.", f"export {setting}=FOLDER")
        return Finding(part, "ok", f"{folder} does not exist yet; the first start makes it")
    key = f"doctor-{secrets.token_hex(8)}"
    content = key.encode()
    try:
        began = time.monotonic()
        store = open_store(url, credentials, patience=BRIEF)
        store.put(key, content)
        same = store.get(key) == content
        store.delete(key)
        milliseconds = (time.monotonic() - began) * 1000
    except DomainError as error:
        fix = error.fix or (f"chmod -R u+rwX {folder}" if folder else f"export {setting}=… to one that answers")
        return Finding(part, "broken", f"{folder or _shown(url)} cannot be used.", error.message, fix)
    if not same:
        return Finding(part, "broken", f"{folder or _shown(url)} gives other bytes than it was given.")
    what = f"{folder or _shown(url)}: written, read and deleted in {milliseconds:.0f} ms"
    return Finding(part, "ok", what, facts={"milliseconds": round(milliseconds)})


def opened(url: str, credentials: StoreCredentials) -> ObjectStore | None:
    """A store for one look: it is asked once. None for a folder that is not there, which opening would make."""
    folder = _folder(url)
    return None if folder and not Path(folder).exists() else open_store(url, credentials, patience=BRIEF)


def _folder(url: str) -> str:
    """The folder that a store is; empty for one that is far away."""
    return "" if "://" in url and not url.startswith("file://") else url.removeprefix("file://")


def _shown(url: str) -> str:
    """A store's address without what may be a secret in it."""
    return url.partition("?")[0].rpartition("@")[2]


def _said(error: Exception) -> str:
    """The first line of what a driver says."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).strip().splitlines()
    return lines[0].strip() if lines else type(cause).__name__


def _trouble_with_file(url: URL) -> Finding | None:
    """What can be said of a SQLite file without making it."""
    if url.database in {None, "", ":memory:"}:
        return Finding("database", "broken", "A database in memory forgets everything.", fix="Unset it")
    path = Path(str(url.database))
    if path.exists():
        return None
    parent = next(parent for parent in path.absolute().parents if parent.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        what = f"The database {path} cannot be made."
        return Finding("database", "broken", what, f"{parent} cannot be written.", "millrace up --home FOLDER")
    return Finding("database", "ok", f"{path} does not exist yet; `millrace up` makes it")


def _version(connection: Connection) -> str:
    query = "SELECT sqlite_version()" if connection.dialect.name == "sqlite" else "SHOW server_version"
    return str(connection.exec_driver_sql(query).scalar()).split()[0]


def _revision(connection: Connection) -> str | None:
    """Where the chain of migrations is; None before the first."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def _database_fix(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"Check {url.database}: is it a database, readable and writable, on a disk that is not full?"
    return f"psql {url.set(drivername='postgresql', query={}).render_as_string(hide_password=True)} says more"
