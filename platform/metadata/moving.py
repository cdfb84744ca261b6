"""Which stored values a change moves into new columns, and in which order these are filled.

Here: what differs in a way that its column cannot keep, what reads such a field, who has to be filled before whom.
Not here: the steps that come of it (`transition`), filling (`fills`).
Source: spec/metadata.md, section 8.
"""

from __future__ import annotations

from typing import Any

from fieldstone.metadata import tables
from fieldstone.metadata.changes import Answer, ChangeSet, Rename
from fieldstone.metadata.definitions import FieldDef, ObjectDef
from fieldstone.metadata.definitions.objects import LOOKUPS
from fieldstone.metadata.formulas import DIGITS
from fieldstone.metadata.origins import NO_ANSWER, Origin
from fieldstone.metadata.snapshot import WORD, Snapshot, spellings, words


def moved_values(current: Snapshot, proposed: Snapshot, changes: ChangeSet) -> dict[str, tuple[FieldDef, FieldDef]]:
    """Return the fields, by definition id with old and new form, whose stored values cannot stay in the column they are in.

    A field entered by people moves when its type or scale changes, a computed one when it is computed otherwise or reads one that moves
    or whose values are rewritten. What a rename alone changes in a formula is no change.
    """
    pairs = _pairs(current, proposed)
    renames = changes.rename
    moved = {made.id: (prior, made) for prior, made in pairs if _entered_differs(prior, made) or _computed_differs(prior, made, renames)}
    holders = {made.id: definition for definition in proposed.objects.values() for made in definition.fields.values()}
    names: dict[str, set[str]] = {}  # of what moves or is rewritten, by object
    rewritten = [made for _, made in pairs if _is_rewritten(changes.answers.get(pointer_of(holders[made.id], made), NO_ANSWER))]
    for made in (*(made for _, made in moved.values()), *rewritten):
        names.setdefault(holders[made.id].name.lower(), set()).update(spellings(made.name, of=holders[made.id]))
    grown = bool(names)
    while grown:
        grown = False
        for prior, made in pairs:
            if made.computed and made.id not in moved and made.stored and _reads(made) & names.get(_read_object(made), frozenset()):
                moved[made.id] = (prior, made)
                names.setdefault(holders[made.id].name.lower(), set()).update(spellings(made.name, of=holders[made.id]))
                grown = True
    return moved


def pointer_of(definition: ObjectDef, made: FieldDef) -> str:
    """Return where a field stands, as answers and problems name it: "objects/deal.json#/fields/amount"."""
    path = made.path or definition.path
    return f"{path}#/fields/{made.name}"


def _is_rewritten(answer: Answer) -> bool:
    """Whether an answer changes values of a column in place."""
    return answer.fill is not None or bool(answer.replace)


def _pairs(current: Snapshot, proposed: Snapshot) -> list[tuple[FieldDef, FieldDef]]:
    before = {made.id: made for definition in current.objects.values() for made in definition.fields.values()}
    return [(before[made.id], made) for definition in proposed.objects.values() for made in definition.fields.values() if made.id in before]


def _entered_differs(prior: FieldDef, made: FieldDef) -> bool:
    if prior is made or made.computed or (prior.column is None and made.column is None):
        return False
    if made.type in LOOKUPS and prior.type in LOOKUPS:
        return (prior.to or "").lower() != (made.to or "").lower()
    return prior.type != made.type or _column_types(prior) != _column_types(made)


def _computed_differs(prior: FieldDef, made: FieldDef, renames: tuple[Rename, ...]) -> bool:
    if prior is made or not made.computed:
        return False
    if (prior.type, prior.stored) != (made.type, made.stored):
        return True
    if not made.stored:
        return False
    if any(getattr(prior, name) != getattr(made, name) for name in ("function", "blanks", "returns", "scale", "length")):
        return True
    # What did not fit a formula's field is blank; a roll-up has the digits of what it sums, which are widened in place.
    if made.type == "formula" and (made.precision or DIGITS) > (prior.precision or DIGITS):
        return True
    for name in ("formula", "relation", "field", "filter"):
        before, after = getattr(prior, name), getattr(made, name)
        if before != after and _plain_words(before, renames) != _plain_words(after, ()):
            return True
    return False


def _plain_words(source: str | None, renames: tuple[Rename, ...]) -> str:
    """Return an expression with its renamed words replaced, without white space: enough to tell a rename from a change."""
    new_names = {rename.place.name.lower(): rename.to for rename in renames}
    return "".join(WORD.sub(lambda found: new_names.get(found[0].lower(), found[0]), source or "").split())


def _column_types(field: FieldDef) -> tuple[tuple[str, str], ...]:
    """Return suffix and kind of each column; the precision of a number is no part of it, because it can be widened in place."""
    return tuple((spec.suffix, _kind_of(spec.type)) for _, spec in tables.column_specs(field))


def _kind_of(column_type: Any) -> str:
    scale = getattr(column_type, "scale", None)
    return type(column_type).__name__ if scale is None else f"{type(column_type).__name__}({scale})"


def in_order(origins: list[Origin], proposed: Snapshot) -> tuple[Origin, ...]:
    """Return the origins of hidden columns, each after those it reads: entered ones, then the computed ones as they read one another."""
    entered = [origin for origin in origins if origin.how in ("convert", "value")]
    computed = [origin for origin in origins if origin.how in ("formula", "roll_up")]
    ordered: list[Origin] = []
    while computed:
        waited_for: dict[str, set[str]] = {}  # names of what is not in order yet, by object
        for origin in computed:
            waited_for.setdefault(origin.object.lower(), set()).update(spellings(origin.field.name, of=proposed.object(origin.object)))
        ready = [origin for origin in computed if not _inputs(origin.field) & waited_for.get(_read_object(origin.field), set())]
        ready = ready or computed[:1]  # a name in a text that is nobody's may hold back for ever
        ordered += ready
        computed = [origin for origin in computed if origin not in ready]
    return (*entered, *ordered)


def _read_object(made: FieldDef) -> str:
    """Return the object, in lower case, whose fields a stored field is computed from: a formula that reads another one is not stored."""
    return (made.relation or "").partition(".")[0].lower() if made.type == "roll_up" else (made.object or "").lower()


def _inputs(made: FieldDef) -> frozenset[str]:
    """Return what a stored field reads but itself: a formula may say its own name in a text."""
    return _reads(made) - ({made.name.lower()} if made.type == "formula" else set())


def _reads(made: FieldDef) -> frozenset[str]:
    return words(" ".join(part for part in (made.formula, made.field, made.filter) if part is not None))
