"""Every page of Setup, imported so that its routes hang on the blueprint.

Here: the list. Not here: the pages.
"""

from __future__ import annotations

from fieldstone.web.setup import (
    approval_processes,
    bp,
    changes,
    expressions,
    fields,
    home,
    layouts,
    navigation,
    objects,
    permissions,
    queues,
    record_types,
    roles,
    rules,
    users,
    views,
    words,
)

__all__ = [
    "approval_processes",
    "bp",
    "changes",
    "expressions",
    "fields",
    "home",
    "layouts",
    "navigation",
    "objects",
    "permissions",
    "queues",
    "record_types",
    "roles",
    "rules",
    "users",
    "views",
    "words",
]
