"""One Alembic chain for SQLite and Postgres. `python -m migrations upgrade|downgrade|check`."""
