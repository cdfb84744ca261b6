"""Custom permissions and custom settings: what `$Permission` and `$Setup` read (meta-schemas: custom_permission.json, custom_setting.json).

Here: their definitions. They share one name space and the folder `settings/`.
Not here: who holds a permission (`permission_sets.py`), the platform's own settings (`fieldstone/settings.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.fields import load_field
from fieldstone.metadata.definitions.loading import Document, Loading, typed
from fieldstone.metadata.definitions.objects import FieldDef


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomPermissionDef(Definition):
    """A named right that expressions ask for as `$Permission.<name>`; granted by permission sets and profiles."""

    kind: ClassVar[str] = "custom_permission"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSettingDef(Definition):
    """A named set of values: of the org, overridden per profile. Values are typed, by API name of the field."""

    kind: ClassVar[str] = "custom_setting"

    fields: Mapping[str, FieldDef] = made(default_factory=dict)
    values: Mapping[str, object] = made(default_factory=dict)
    profiles: Mapping[str, Mapping[str, object]] = made(default_factory=dict)  # profile → its own values

    def value(self, name: str, profile: str | None = None) -> object:
        """Return what `$Setup.<this>.<name>` is for `profile`: its own value, else the org's, else the field's default."""
        for level in (self.profiles.get(profile or "", {}), self.values):
            if name in level:
                return level[name]
        return self.fields[name].default


def load_custom_permission(document: Document, loading: Loading) -> CustomPermissionDef:
    """Build a custom permission from its document."""
    return CustomPermissionDef(**loading.head(document))


def load_custom_setting(document: Document, loading: Loading) -> CustomSettingDef:
    """Build a custom setting from its document."""
    head = loading.head(document)
    parts = document["fields"].items()
    fields = {name: load_field(part, name=name, of=head["name"], path=loading.path, column=None) for name, part in parts}

    def level(part: Document) -> Mapping[str, object]:
        return {name: typed(value, fields.get(name)) for name, value in part.items()}

    profiles = {profile: level(part) for profile, part in document.get("profiles", {}).items()}
    return CustomSettingDef(**head, fields=fields, values=level(document.get("values", {})), profiles=profiles)
