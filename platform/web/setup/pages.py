"""Every page of Setup, imported so that its routes hang on the blueprint.

Here: the list. Not here: the pages.
"""

from __future__ import annotations

from fieldstone.web.setup import (
    approval_processes,
    audit_log,
    bp,
    changes,
    expressions,
    fields,
    highlight_panels,
    home,
    jobs,
    layouts,
    mailbox,
    navigation,
    objects,
    org_settings,
    packs,
    permissions,
    queues,
    record_types,
    roles,
    rules,
    sample_data,
    users,
    value_sets,
    views,
    words,
)

__all__ = [
    "approval_processes",
    "audit_log",
    "bp",
    "changes",
    "expressions",
    "fields",
    "highlight_panels",
    "home",
    "jobs",
    "layouts",
    "mailbox",
    "navigation",
    "objects",
    "org_settings",
    "packs",
    "permissions",
    "queues",
    "record_types",
    "roles",
    "rules",
    "sample_data",
    "users",
    "value_sets",
    "views",
    "words",
]
