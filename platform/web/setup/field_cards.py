"""Field types as an admin chooses them: a card each, with an example, and the options that its form shows.

Here: one line a type. Not here: what a type means (`metadata/field_types/`), which options the meta-schema allows it (read from there).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from fieldstone.metadata import meta_schemas


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCard:
    """One type: its tile, its name, an example of what stands in such a field."""

    type: str
    icon: str
    hue: str
    label: LazyString
    note: LazyString


CARDS: Mapping[str, FieldCard] = {
    type_: FieldCard(type=type_, icon=icon, hue=hue, label=name, note=note)
    for type_, icon, hue, name, note in (
        ("text", "type", "blue", _l("Text"), _l("One line, such as a name or a code")),
        ("text_area", "text", "blue", _l("Text area"), _l("Some lines, up to 4,000 characters")),
        ("long_text", "align-left", "blue", _l("Long text"), _l("Notes, up to 131,072 characters")),
        ("rich_text", "bold", "blue", _l("Rich text"), _l("Text with headings, lists and links")),
        ("number", "hash", "emerald", _l("Number"), _l("Exact, such as 12 or 3.75")),
        ("currency", "banknote", "emerald", _l("Currency"), _l("An amount of money, exact to the cent")),
        ("percent", "percent", "emerald", _l("Percent"), _l("15 is shown as 15%")),
        ("checkbox", "square-check", "teal", _l("Checkbox"), _l("Yes or no")),
        ("date", "calendar", "amber", _l("Date"), _l("A day")),
        ("datetime", "calendar-clock", "amber", _l("Date and time"), _l("A moment, shown in the reader's zone")),
        ("picklist", "list", "violet", _l("Picklist"), _l("One of a list, such as Open, Won, Lost")),
        ("multi_picklist", "list-checks", "violet", _l("Multi picklist"), _l("Several of a list")),
        ("lookup", "link-2", "sky", _l("Lookup"), _l("A link to a record of another object")),
        ("master_detail", "network", "sky", _l("Master-detail"), _l("Belongs to a record: goes and is seen with it")),
        ("user", "user", "sky", _l("User"), _l("A person of the org")),
        ("email", "mail", "pink", _l("Email"), _l("An address that can be written to")),
        ("phone", "phone", "pink", _l("Phone"), _l("A number that can be called")),
        ("url", "globe", "pink", _l("Web address"), _l("A link to a page")),
        ("auto_number", "list-ordered", "orange", _l("Auto-number"), _l("Counts up by itself, such as V-00042")),
        ("formula", "square-function", "red", _l("Formula"), _l("Worked out from other fields")),
        ("roll_up", "sigma", "red", _l("Roll-up summary"), _l("Counts or sums records that point here")),
    )
}
SYSTEM_CARDS = {"id": "hash", "owner": "user"}

# Options by how the form shows them. Which of them a type has, its meta-schema says.
SWITCHES = (
    "required", "unique", "external_id", "ignore_case", "indexed", "history", "searchable", "sensitive", "restricted",
    "active_only", "reparent",
)  # fmt: skip
WHOLE_NUMBERS = ("length", "precision", "scale", "start", "max_chosen")
BOUNDS = ("min", "max")
TEXTS = (
    "pattern", "region", "to", "on_delete", "children", "value_set", "controlled_by", "returns", "blanks", "relation", "function",
    "field",
)  # fmt: skip
EXPRESSIONS = ("formula", "filter")
LABELS = ("filter_message",)


@cache
def options_of(type_: str) -> frozenset[str]:
    """Return the options that fields of a type have. Raises KeyError for a type that does not exist."""
    return frozenset(meta_schemas.resolved("field")["x-by"]["parts"][type_]["properties"])


@cache
def defaults_of(type_: str) -> Mapping[str, object]:
    """Return what options are when a document does not say."""
    return meta_schemas.defaults("field", type_)
