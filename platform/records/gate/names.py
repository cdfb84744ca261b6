"""What a name in a query means to the one who asks: a field they may read, or nothing at all.

Here: `resolve`, every hop of a path checked for object and field. A field that may not be read is told apart from one that was never
defined by nobody: same code, same words, same suggestions.
Not here: which records (`sharing.py`), columns (`sources.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz.distance import DamerauLevenshtein

from fieldstone.errors import Problem, Refused
from fieldstone.limits import REFERENCE_HOPS
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.records.gate.sharing import Reader


@dataclass(frozen=True, slots=True)
class Named:
    """A field that a query names: the lookups on the way to it (none for a field of the object itself), and the field."""

    path: tuple[str, ...]  # canonical API names, the field's own last
    field: FieldDef
    holder: ObjectDef  # the object that has the field

    @property
    def name(self) -> str:
        """The path with dots, as it stands in records and queries."""
        return ".".join(self.path)

    @property
    def hops(self) -> tuple[str, ...]:
        """The lookups on the way."""
        return self.path[:-1]


def resolve(asking: Reader, definition: ObjectDef, name: str, *, pointer: str | None = None) -> Named:
    """Return the field that `name` (dotted, any letter case) means. Raises Refused (`unknown_field`) if the reader sees none such."""
    words = name.split(".")
    if len(words) > REFERENCE_HOPS + 1:
        raise Refused(Problem(code="too_many_hops", params={"name": name, "limit": REFERENCE_HOPS}, pointer=pointer), code="invalid_filter")
    holder, path = definition, []
    for index, word in enumerate(words):
        found = holder.field(word)
        if found is None or found.name not in asking.rights.readable(holder.name):
            raise unknown(asking, definition, holder, words, index, pointer)
        path.append(found.name)
        if index == len(words) - 1:
            return Named(tuple(path), found, holder)
        target = target_of(asking, found)
        if target is None:
            raise unknown(asking, definition, holder, words, index, pointer)
        holder = target
    raise AssertionError("unreachable")


def target_of(asking: Reader, found: FieldDef) -> ObjectDef | None:
    """Return the object a path goes on in after this lookup, None if it ends here or the reader may not read that object."""
    to = "user" if found.type == "owner" else found.to if found.type in LOOKUPS else None
    return asking.snapshot.objects[to] if to in asking.rights.visible_objects else None


def unknown(asking: Reader, start: ObjectDef, holder: ObjectDef, words: list[str], index: int, pointer: str | None) -> Refused:
    """Return the refusal of a name that means nothing to the reader, with the nearest one that does."""
    readable = asking.rights.readable(holder.name)
    nearest = sorted((DamerauLevenshtein.distance(words[index].lower(), name.lower()), name) for name in readable)
    suggestion = next((".".join([*words[:index], name, *words[index + 1 :]]) for distance, name in nearest if distance <= 2), None)
    params = {"name": ".".join(words), "object": start.name}
    return Refused(Problem(code="unknown_field", params=params, pointer=pointer, suggestion=suggestion), code="invalid_filter")
