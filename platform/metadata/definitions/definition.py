"""What every definition has: a name, a label, an identity, an owner.

Here: `Definition`, `Identity` and the small types that several kinds share.
Not here: the kinds themselves (a file each beside this one), which of them exist (`kinds.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from typing import ClassVar, TypeAlias

Label = Mapping[str, str]  # text by BCP 47 tag; the key "" holds a text given without a tag: it is in the org's language

Source: TypeAlias = Mapping[str, object]

# The twelve hues an admin may pick, in the order of the style sheet's classes h1 to h12, and one without hue.
COLORS = ("blue", "violet", "pink", "red", "orange", "amber", "yellow", "green", "emerald", "teal", "cyan", "sky", "gray")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the store knows of a definition beyond its document: it stays when the name changes (metadata.md, section 1).

    `physical` is the table or column name, None for what has neither. `state`: "live"; "write_only" while a plan fills it;
    "archived" after removal.
    """

    id: str = ""
    physical: str | None = None
    state: str = "live"
    owner: str = "org"  # "org" or the name of a pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One named thing that an admin or a pack defines. Only `load` builds one, from a document that its meta-schema accepted."""

    kind: ClassVar[str]

    name: str  # API name; `api_name` in JSON
    label: Label
    object: str | None = None  # API name of the object it belongs to; None for kinds of the org
    description: Label | None = None
    id: str = ""  # definition id, "" before the store gave one
    owner: str = "org"  # "org" or the name of a pack
    path: str = ""  # of its document, such as "list_views/deal/closing_soon.json"
    source: Source = made(default_factory=dict, repr=False)  # the document (of a field: its part) as loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """A field (or path) to sort by."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """For whom something is; all empty: for everybody."""

    profiles: frozenset[str] = frozenset()
    permission_sets: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    record_types: frozenset[str] = frozenset()

    @property
    def everybody(self) -> bool:
        """Whether no profile, permission set or role narrows it."""
        return not (self.profiles or self.permission_sets or self.roles)


EVERYBODY = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceDef:
    """What to do at one stage of a path: fields to look at, and a text."""

    fields: tuple[str, ...] = ()
    text: Label = made(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PathDef:
    """The stages of a picklist shown as a path, with guidance by API name of the value."""

    field: str
    guidance: Mapping[str, GuidanceDef] = made(default_factory=dict)
