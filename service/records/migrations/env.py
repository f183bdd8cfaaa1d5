"""Alembic's entry: runs on the connection it is handed (see database.migrate)."""

from alembic import context

from service.records.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
