"""Permission sets and profiles: rights on objects and fields, Setup rights, apps (meta-schemas: permission_set.json, profile.json).

Here: what is granted. Grants only add up.
Not here: who holds them (data), what a principal may do in sum (`records/gate/access.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import Any, ClassVar

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.loading import Document, Loading

OBJECT_RIGHTS = ("create", "read", "edit", "delete", "view_all", "modify_all")

SETUP_RIGHTS = (
    "view_setup",
    "customize",
    "manage_automation",
    "manage_templates",
    "manage_packs",
    "manage_users",
    "manage_security",
    "manage_integrations",
    "manage_keys",
    "manage_privacy",
    "view_audit",
    "import",
    "export_org",
    "mass_update",
    "transfer_any",
    "manage_approvals",
    "edit_locked",
    "impersonate",
    "view_all_data",
    "modify_all_data",
)

# Each right includes those it needs (security.md, section 2): what a set says is completed at load.
IMPLIES: Mapping[str, tuple[str, ...]] = {
    "create": ("read",),
    "read": (),
    "edit": ("read",),
    "delete": ("read", "edit"),
    "view_all": ("read",),
    "modify_all": ("read", "edit", "delete", "view_all"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRights:
    """Rights on one object, complete with what they imply; `fields`: API name → "read" or "edit" (absent: none)."""

    rights: frozenset[str] = frozenset()
    fields: Mapping[str, str] = made(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionSetDef(Definition):
    """One permission set."""

    kind: ClassVar[str] = "permission_set"

    objects: Mapping[str, ObjectRights] = made(default_factory=dict)
    setup: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()  # custom permissions granted


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDef(Definition):
    """The one profile of a user: rights like a permission set's, and what a new session starts with."""

    kind: ClassVar[str] = "profile"

    objects: Mapping[str, ObjectRights] = made(default_factory=dict)
    setup: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    default_app: str | None = None


def load_permission_set(document: Document, loading: Loading) -> PermissionSetDef:
    """Build a permission set from its document; rights are completed with those they imply."""
    return PermissionSetDef(**loading.head(document), **_grants(document))


def load_profile(document: Document, loading: Loading) -> ProfileDef:
    """Build a profile from its document."""
    return ProfileDef(**loading.head(document), **_grants(document), default_app=document.get("default_app"))


def _grants(document: Document) -> dict[str, Any]:
    return {
        "objects": {name: _rights(part) for name, part in document.get("objects", {}).items()},
        "setup": frozenset(document.get("setup", ())),
        "apps": frozenset(document.get("apps", ())),
        "permissions": frozenset(document.get("permissions", ())),
    }


def _rights(part: Document) -> ObjectRights:
    given = part.get("rights", ())
    return ObjectRights(rights=frozenset(given).union(*(IMPLIES[right] for right in given)), fields=dict(part.get("fields", {})))
