"""The kinds by name: where their documents lie.

Here: folders, and which kinds belong to an object. `kinds.py` hangs definitions and loaders on this table.
Source: spec/metadata.md, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "object": "objects",
        "object_extension": "extensions",
        "record_type": "record_types",
        "value_set": "value_sets",
        "page_layout": "layouts",
        "highlight_panel": "highlight_panels",
        "list_view": "list_views",
        "validation_rule": "validation_rules",
        "automation": "automations",
        "approval_process": "approval_processes",
        "email_template": "email_templates",
        "app": "apps",
        "permission_set": "permission_sets",
        "profile": "profiles",
        "role": "roles",
        "queue": "queues",
        "custom_setting": "settings",
        "custom_permission": "settings",
        "custom_metadata": "settings",
        "custom_label": "settings",
        "translation": "translations",
    }
)

PER_OBJECT = frozenset(
    ("object_extension", "record_type", "page_layout", "highlight_panel", "list_view", "validation_rule", "automation", "approval_process")
)

KIND_OF_FOLDER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {folder: tuple(kind for kind in FOLDERS if FOLDERS[kind] == folder) for folder in FOLDERS.values()}
)
