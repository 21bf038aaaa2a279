"""The database engine, for SQLite (embedded) and Postgres, and the sessions opened on it.

SQLite runs in WAL mode; writers begin with BEGIN IMMEDIATE, since a plain BEGIN that reads and then writes fails
at once with "database is locked" when another writer was faster. Readers begin plainly.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

_BUSY_SECONDS = 30
_WRITES = "millrace_writes"


class Database:
    """One engine. `writes` and `reads` are the same engine with different transaction openings."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.dialect = parsed.get_backend_name()
        if self.dialect == "sqlite":
            if parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, pool_size=20, max_overflow=40)
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.engine = create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=20)
        self.reads: Engine = self.engine
        self.writes: Engine = self.engine.execution_options(**{_WRITES: True})

    def ping(self) -> None:
        """Raise what the driver raises when the database does not answer."""
        with self.reads.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    def revision(self) -> str | None:
        """The migration that the schema is at; None for one that was not made by migrations."""
        with self.reads.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()

    def dispose(self) -> None:
        self.engine.dispose()


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by its own rules; None leaves that to the engine's "begin" event.
    handle: Any = connection
    handle.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
