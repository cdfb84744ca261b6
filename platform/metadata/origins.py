"""What a plan does to the values of records that are there: where a hidden column's values come from, which live ones change in place.

Here: the two descriptions, as data.
Not here: who needs them (`transition`), doing it (`fills` for records that are there, `pending` for those that are saved meanwhile).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made

from fieldstone.metadata.changes import Answer
from fieldstone.metadata.definitions import FieldDef

NO_ANSWER = Answer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the values of a hidden column come from.

    how: "convert" the field's old value, "value" of an expression or a constant, "formula", "roll_up".
    """

    how: str
    object: str  # API name after the change
    field: FieldDef  # the column to fill
    old: FieldDef | None = None
    answer: Answer = NO_ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """Values of a live column that change in place: blanks that get a value, picklist values that go."""

    object: str
    table: str
    field: FieldDef
    blanks: Answer | None = None  # its `fill`
    replace: Mapping[str, str | None] = made(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """A column that its field no longer uses; what it holds is kept until it is purged."""

    table: str
    name: str  # base column
    definition: str
    field: str  # text of the field's part of the document
    columns: Mapping[str, str]  # physical columns with their types
