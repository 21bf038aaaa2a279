"""`upgrade`, `downgrade` and `revise`: the chain, on an open engine. Called by `millrace up`, containers and tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def revisions() -> list[str]:
    """The chain, the newest first; asks no database."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]


@contextmanager
def _changing(engine: Engine) -> Iterator[Connection]:
    """A transaction that may rebuild tables.

    SQLite alters a table by making it anew: what points at it must not be looked at until it is there again, and then
    all of it is. Its pragma counts only outside of a transaction (https://sqlite.org/lang_altertable.html, section 7).
    """
    with engine.connect() as connection:
        if connection.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        raw = connection.connection.driver_connection
        assert raw is not None  # noqa: S101 - it is open
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    raise RuntimeError(f"{len(broken)} rows would point at nothing, the first: {broken[0]}")
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema to `revision`."""
    config = _config()
    with _changing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take the schema back to `revision`."""
    config = _config()
    with _changing(engine) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def check(engine: Engine) -> None:
    """Raise when the tables in the code differ from what the chain builds."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def revise(engine: Engine, message: str) -> None:
    """Write the next revision from the difference between the code and this database."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.revision(config, message=message, autogenerate=True)
