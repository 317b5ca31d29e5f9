"""What alembic runs: the steps that are missing, within the connection that `database` hands over."""

from alembic import context

from danqing.studio.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
