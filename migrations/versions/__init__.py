"""The revisions of the chain, written by `make migration` and read by Alembic in the order they name.

Nothing imports them. Each can be taken back, and runs on SQLite and on Postgres alike.
"""
