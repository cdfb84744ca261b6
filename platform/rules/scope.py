"""What the names in an expression mean: the protocol that the owner of the names implements.

Here: what an expression has to know about a name.
Not here: where names come from (`metadata`), where their values are (rows and columns, handed in by the caller).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fieldstone.rules.value_types import ValueType

if TYPE_CHECKING:
    from fieldstone.rules.tree import Checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What one name stands for."""

    path: tuple[str, ...]  # canonical API names: ("account", "owner", "name"); globals: ("$User", "Id")
    type: ValueType
    number_field: bool = False  # number, currency or percent field: the null mode zero acts on it
    percent: bool = False  # rows and columns hold points (15); reading it gives the fraction (0.15)
    picklist: tuple[str, ...] | None = None  # API names of the values, to warn of one that does not exist
    checkbox: bool = False  # blank reads as false
    user_dependent: bool = False  # differs per user: read from the context, bound as a parameter
    formula: Checked | None = None  # a formula field, expanded in place; its own paths start at the record that holds it
    own: bool = True  # a field of the current record itself: what record-change functions take
    holds: ValueType | None = None  # of a FIELD, whose path is ("$ObjectType", object, "Fields", name): the type of its values
    key: bool = False  # of a FIELD: the name field of its object
    length: int | None = None  # characters a text may have: what cannot become too long is not measured


class Scope(Protocol):
    """What names mean in one place: the fields of an object, its parents, the globals."""

    @property
    def object_label(self) -> str:
        """The object as people call it, for "There is no field X on Y"."""

    def resolve(self, name: str) -> Resolved | None:
        """Return what `name`, dotted and in any letter case, stands for; None if there is no such thing."""

    def lacking(self, name: str) -> tuple[str, str]:
        """Return of a name that stands for nothing the steps from the first that is not there, and the object that lacks it as people
        call it; of a global the whole name and "".
        """

    def nearest(self, name: str) -> str | None:
        """Return the existing name most like `name`, None if nothing comes close."""
