"""Apps: what stands in the navigation (meta-schema: app.json).

Here: an app and its items. Not here: who sees it (`permission_sets.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition, Label

PAGES = ("home", "approvals", "notifications", "recycle_bin")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppItemDef:
    """One entry: an object's tab (with the view it opens), or a page of the platform."""

    target: str | None = None  # API name of an object; `object` in JSON
    list_view: str | None = None
    page: str | None = None  # one of PAGES
    label: Label = made(default_factory=dict)  # instead of the target's own


@dataclass(frozen=True, slots=True, kw_only=True)
class AppDef(Definition):
    """One app."""

    kind: ClassVar[str] = "app"

    icon: str = "layout-grid"
    color: str = "blue"
    order: int = 100
    items: tuple[AppItemDef, ...] = ()
