"""Runs the migrations on the connection that SQLStore hands over."""

from alembic import context

from quitus_collector.adapters.sql import filing_tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=filing_tables.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
