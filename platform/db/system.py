"""The system tables: one MetaData to which each layer adds its own.

Here: `SYSTEM`, the naming of constraints, and a shorthand for a system table. A system table's name begins with `fs_`; the layer
that reads and writes it defines it, in the module that does so, with the types of `column_types`.
Not here: objects' tables, which are made from metadata, and the revisions (`migrations/`).
"""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlalchemy.schema import SchemaItem, Table

PREFIX = "fs_"

# Constraints have names on both databases, so that a later revision can find them.
SYSTEM = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def system_table(name: str, *items: SchemaItem) -> Table:
    """Return the system table `fs_<name>` and make it known to the migrations. `name` comes without the prefix."""
    if name.startswith(PREFIX):
        raise ValueError(f"{name}: the prefix is added here")
    return Table(PREFIX + name, SYSTEM, *items)
