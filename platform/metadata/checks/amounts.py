"""Seventh stage: is anything too much?

Here: the limits table of metadata, counted. Not here: the numbers (`fieldstone/limits.py`).
Source: spec/metadata.md, section 9.
"""

from __future__ import annotations

from collections import Counter

from sqlalchemy.types import TypeEngine

from fieldstone import limits
from fieldstone.db.column_types import ChoiceSet, PlainText
from fieldstone.metadata.checks.proposed import Proposed
from fieldstone.metadata.definitions.layouts import PageLayoutDef
from fieldstone.metadata.definitions.objects import LOOKUPS, ObjectDef
from fieldstone.metadata.field_types import FIELD_TYPES

PER_OBJECT = (
    ("record_type", "RECORD_TYPES_AN_OBJECT"),
    ("page_layout", "LAYOUTS_AN_OBJECT"),
    ("list_view", "LIST_VIEWS_AN_OBJECT"),
    ("validation_rule", "VALIDATION_RULES_AN_OBJECT"),
)
NUMBER_BYTES = 16  # the widest fixed column: a numeric of 18 digits, an id; texts are kept apart when a row grows


def check_amounts(proposed: Proposed) -> None:
    """Note every limit that is exceeded."""
    definitions = proposed.definitions
    _within(proposed, "", "", "OBJECTS", len(definitions.objects))
    for definition in definitions.objects.values():
        if not _is_as_before(proposed, definition):
            _object(proposed, definition)
        for kind, name in PER_OBJECT:
            _within(proposed, definition.path, "", name, len(definitions.all(kind, definition.name)))
    for layout in definitions.all("page_layout"):
        assert isinstance(layout, PageLayoutDef)
        _within(proposed, layout.path, "/tabs", "LAYOUT_ITEMS", sum(1 for _ in layout.items()))
        _within(proposed, layout.path, "/tabs", "RELATED_LISTS", sum(1 for _ in layout.related_lists()))


def _is_as_before(proposed: Proposed, definition: ObjectDef) -> bool:
    paths = {definition.path, *(field.path for field in definition.fields.values())}
    return proposed.moved is not None and all(proposed.unchanged(path) for path in paths)


def _within(proposed: Proposed, path: str, pointer: str, name: str, count: int) -> None:
    limit = getattr(limits, name)
    if count > limit:
        proposed.refuse(path, pointer, "limit_exceeded", name=name, limit=limit, count=count)


def _object(proposed: Proposed, definition: ObjectDef) -> None:
    fields = [field for field in definition.fields.values() if (definition.name.lower(), field.name.lower()) not in proposed.bad]
    types = Counter(field.type for field in fields)
    asked = sum(1 for field in fields if field.indexed or field.unique or field.external_id) + len(definition.keys)
    columns = [spec for field in fields for spec in FIELD_TYPES[field.type].columns(field)]
    for name, count in (
        ("FIELDS_AN_OBJECT", len(fields)),
        ("LOOKUPS_AN_OBJECT", sum(types[name] for name in LOOKUPS)),
        ("MASTERS_AN_OBJECT", types["master_detail"]),
        ("ROLL_UPS_AN_OBJECT", types["roll_up"]),
        ("INDEXES_AN_OBJECT", asked),
        ("COLUMNS_A_TABLE", len(columns)),
        ("SORT_KEYS_AN_OBJECT", sum(1 for spec in columns if spec.key is not None)),
    ):
        _within(proposed, definition.path, "/fields", name, count)
    width = sum(_bytes(spec.type) for spec in columns)
    if width > limits.FIXED_BYTES_A_ROW:
        proposed.refuse(definition.path, "/fields", "row_too_wide", limit=limits.FIXED_BYTES_A_ROW, count=width)
    for field in fields:
        _within(proposed, field.path, f"/fields/{field.name}", "PICKLIST_VALUES", len(field.values))


def _bytes(type_: TypeEngine[object]) -> int:
    return 0 if isinstance(type_, PlainText | ChoiceSet) else NUMBER_BYTES
