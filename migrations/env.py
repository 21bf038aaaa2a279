"""Alembic's entry: runs the chain on the connection it is handed by `migrations.run`."""

from alembic import context

from domain.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    user_module_prefix="domain.db.",
)
with context.begin_transaction():
    context.run_migrations()
