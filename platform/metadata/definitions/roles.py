"""Roles: the hierarchy of people above and below (meta-schema: role.json).

Here: a role and its parent. Not here: who holds it (data), what it opens (`records/gate/sharing.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.loading import Document, Loading


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDef(Definition):
    """One role."""

    kind: ClassVar[str] = "role"

    parent: str | None = None  # the role above


def load_role(document: Document, loading: Loading) -> RoleDef:
    """Build a role from its document."""
    return RoleDef(**loading.head(document), parent=document.get("parent"))
