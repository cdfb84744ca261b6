"""What `$Permission`, `$Setup`, `$CustomMetadata` and `$Label` read (meta-schemas: custom_permission, custom_setting, …).

Here: their definitions. They share one name space and the folder `settings/`.
Not here: who holds a permission (`permission_sets.py`), the platform's own settings (`fieldstone/settings.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar

from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import Definition, Label
from fieldstone.metadata.definitions.fields import load_field
from fieldstone.metadata.definitions.loading import Document, Loading, typed
from fieldstone.metadata.definitions.objects import FieldDef


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomPermissionDef(Definition):
    """A named right that expressions ask for as `$Permission.<name>`; granted by permission sets and profiles."""

    kind: ClassVar[str] = "custom_permission"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSettingDef(Definition):
    """A named set of values: of the org, overridden per profile and per user. Values are typed, by API name of the field.

    Users are data: a username that nobody has, or not yet, is no mistake. It is the same in any letter case, as at the login.
    """

    kind: ClassVar[str] = "custom_setting"

    fields: Mapping[str, FieldDef] = made(default_factory=dict)
    values: Mapping[str, object] = made(default_factory=dict)
    profiles: Mapping[str, Mapping[str, object]] = made(default_factory=dict)  # profile → its own values
    users: Mapping[str, Mapping[str, object]] = made(default_factory=dict)  # username in lower case → their own values

    def value(self, name: str, profile: str | None = None, username: str | None = None) -> object:
        """Return what `$Setup.<this>.<name>` is for a user: their own value, else their profile's, the org's, the field's default.

        A level that has the field counts, blank or not. Source: spec/expressions.md, section 2.
        """
        for level in (self.users.get((username or "").lower(), {}), self.profiles.get(profile or "", {}), self.values):
            if name in level:
                return level[name]
        return self.fields[name].default


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomMetadataDef(Definition):
    """A table that goes with the metadata: fields, and records of them by API name. Values are typed."""

    kind: ClassVar[str] = "custom_metadata"

    fields: Mapping[str, FieldDef] = made(default_factory=dict)
    records: Mapping[str, Mapping[str, object]] = made(default_factory=dict)

    def value(self, record: str, name: str) -> object:
        """Return what `$CustomMetadata.<this>.<record>.<name>` is: the record's own value, else the field's default."""
        return self.records[record].get(name, self.fields[name].default)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomLabelDef(Definition):
    """A text that expressions read as `$Label.<name>` in the reader's language."""

    kind: ClassVar[str] = "custom_label"

    text: Label = made(default_factory=dict)


def load_custom_permission(document: Document, loading: Loading) -> CustomPermissionDef:
    """Build a custom permission from its document."""
    return CustomPermissionDef(**loading.head(document))


def load_custom_setting(document: Document, loading: Loading) -> CustomSettingDef:
    """Build a custom setting from its document."""
    head = loading.head(document)
    fields = _fields(document, head["name"], loading)
    return CustomSettingDef(
        **head,
        fields=fields,
        values=_level(document.get("values", {}), fields),
        profiles={profile: _level(part, fields) for profile, part in document.get("profiles", {}).items()},
        users={username.lower(): _level(part, fields) for username, part in document.get("users", {}).items()},
    )


def load_custom_metadata(document: Document, loading: Loading) -> CustomMetadataDef:
    """Build a table of custom metadata from its document."""
    head = loading.head(document)
    fields = _fields(document, head["name"], loading)
    return CustomMetadataDef(
        **head, fields=fields, records={name: _level(part, fields) for name, part in document.get("records", {}).items()}
    )


def load_custom_label(document: Document, loading: Loading) -> CustomLabelDef:
    """Build a custom label from its document."""
    return CustomLabelDef(**loading.head(document), text=labels.of(document["text"]))


def _fields(document: Document, of: str, loading: Loading) -> dict[str, FieldDef]:
    parts = document["fields"].items()
    return {name: load_field(part, name=name, of=of, path=loading.path, column=None) for name, part in parts}


def _level(part: Document, fields: Mapping[str, FieldDef]) -> Mapping[str, object]:
    return {name: typed(value, fields.get(name)) for name, value in part.items()}
