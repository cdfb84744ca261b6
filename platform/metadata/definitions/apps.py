"""Apps: what stands in the navigation (meta-schema: app.json).

Here: an app and its items. Not here: who sees it (`permission_sets.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import Definition, Label
from fieldstone.metadata.definitions.loading import Document, Loading

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


def load_app(document: Document, loading: Loading) -> AppDef:
    """Build an app from its document."""
    return AppDef(
        **loading.head(document),
        icon=document.get("icon", "layout-grid"),
        color=document.get("color", "blue"),
        order=int(document.get("order", 100)),
        items=tuple(_item(item) for item in document["items"]),
    )


def _item(part: Document) -> AppItemDef:
    return AppItemDef(target=part.get("object"), list_view=part.get("list_view"), page=part.get("page"), label=labels.of(part.get("label")))
