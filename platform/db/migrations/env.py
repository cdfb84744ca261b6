"""What Alembic runs for every command: it works on the connection that `migrate` hands over, inside its transaction."""

from alembic import context

from fieldstone.db.migrations import VERSION_TABLE
from fieldstone.db.system import SYSTEM

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SYSTEM,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
