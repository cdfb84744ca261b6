"""A change goes in, an outcome comes out; between them an item carries one record through the save pipeline.

Here: `Change`, `Outcome`, `Item`, `Batch`, `Work`: the data that the steps of `save.py` work on.
Not here: the steps (`steps/`), their order (`save.py`), SQL (`gate/write.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from fieldstone.errors import Problem

if TYPE_CHECKING:
    from fieldstone.db.transaction import Transaction
    from fieldstone.metadata.definitions.objects import ObjectDef
    from fieldstone.metadata.snapshot import Snapshot
    from fieldstone.records.gate.access import Rights
    from fieldstone.records.gate.sharing import Reader
    from fieldstone.records.gate.write import Looked
    from fieldstone.records.principal import Principal

Action: TypeAlias = Literal["create", "update", "delete", "restore", "transfer"]
Given: TypeAlias = Literal["json", "form", "cell", "typed"]  # how values are to be read (spec/metadata.md, section 3)
Status: TypeAlias = Literal["created", "updated", "unchanged", "deleted", "restored", "refused"]
Values: TypeAlias = Mapping[str, Any]

NOTHING: Values = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What somebody wants to have changed on one record. Absent fields stay as they are, None makes a field blank."""

    object: str
    action: Action
    id: str | None = None  # of the record; never on create, where the platform makes it
    values: Values = field(default_factory=lambda: NOTHING)  # by API name, as they came in
    given: Given = "json"
    row_version: int | None = None  # the version the caller has seen; None: the last writer of each field wins
    record_type: str | None = None  # on create; on update: change of record type
    # Of imports: `cell_formats` (by field), `keep_auto_numbers`, `ignore_forbidden`, `stamps` ({"created_at", "created_by"} of the old
    # system), `leave_out_automations` (those before the save), `approved_before` (guarded values may be set). Of forms: `layout`.
    # Of the clone action: `clone` (True: the values come from another record).
    options: Values = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one change; `index` is its place in the call."""

    index: int
    status: Status
    object: str
    id: str | None = None
    row_version: int | None = None
    problems: tuple[Problem, ...] = ()
    code: str = "invalid"  # of a refused one: what kind of refusal (`errors.py`)
    record: Values | None = None  # as the principal may read it after the save, if that was asked for and they still see it


@dataclass(slots=True)
class Item:
    """One record on its way through the pipeline. Images hold typed values by API name, lookups as ids."""

    index: int
    change: Change
    id: str = ""
    prior: dict[str, Any] | None = None  # before the save; None for a new record
    image: dict[str, Any] = field(default_factory=dict)  # as it is to be; parents' values stand under paths such as "account.name"
    given: set[str] = field(default_factory=set)  # fields the caller named
    changed: set[str] = field(default_factory=set)  # stored fields that differ from the prior image
    access: int = 0  # what the principal may do with the record: READ, EDIT or FULL of `gate/access.py`
    problems: list[Problem] = field(default_factory=list)
    code: str | None = None  # of the refusal, where it is not plain bad input
    status: Status | None = None  # set when the item leaves the pipeline
    looked: dict[str, tuple[str, Looked]] = field(default_factory=dict)  # lookup → the id that was looked up, and what it led to
    conflict: tuple[Values, Values] | None = None  # readable values as they are and as they were to be, of a stale version

    @property
    def is_new(self) -> bool:
        """Whether the save makes the record."""
        return self.prior is None

    @property
    def is_clone(self) -> bool:
        """Whether the save makes the record out of another one's values."""
        return self.is_new and self.change.options.get("clone") is True

    def refuse(
        self, code: str, /, *, field: str | None = None, pointer: str | None = None, own: str | None = None, **params: object
    ) -> None:
        """Note a problem; the record will not be saved. `own` is the refusal's code if it is not plain bad input."""
        if own is not None and self.code is None:
            self.code = own
        place = pointer if pointer is not None else f"/{field}" if field is not None else None
        self.problems.append(Problem(code=code, params=params, field=field, pointer=place))

    def problem_at(self, name: str) -> bool:
        """Whether a problem of this field has been noted already: one cause is reported once."""
        return any(problem.field == name for problem in self.problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A record that changed because another did: its roll-ups, and stored formulas that read them."""

    object: str
    id: str
    prior: Values
    image: Values
    changed: frozenset[str]
    row_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a save happens, where it is not a person's own command: an automation, an approval, a cascade."""

    kind: str  # "approval", "automation", "cascade", "roll_up", …
    id: str = ""  # of the instance, automation or record
    depth: int = 0


@dataclass(slots=True)
class Work:
    """What all batches of one transaction share. It ends with the transaction; a discarded attempt leaves nothing of it."""

    channel: str = "api"
    cause: Cause | None = None
    save_in: Callable[..., tuple[Outcome, ...]] | None = None  # saves further changes in this transaction
    rows_written: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    correlation: str = ""
    currency: str = "USD"  # in which messages write amounts: ISO 4217
    shared: dict[Any, Any] = field(default_factory=dict)  # what steps handed in by workflow keep between batches


@dataclass(slots=True)
class Batch:
    """Records of one object on their way through one action; at most 200. Steps read and write it."""

    tx: Transaction
    asking: Reader
    object: ObjectDef
    action: Action
    items: list[Item]
    work: Work
    derived: list[Derived] = field(default_factory=list)  # filled by the step `derived`

    @property
    def snapshot(self) -> Snapshot:
        """The metadata this save works on."""
        return self.asking.snapshot

    @property
    def principal(self) -> Principal:
        """Who saves."""
        return self.asking.principal

    @property
    def rights(self) -> Rights:
        """What they may do."""
        return self.asking.rights

    @property
    def now(self) -> datetime:
        """The time of the save, whole seconds, as stamps carry it."""
        return self.tx.now.replace(microsecond=0)

    @property
    def live(self) -> list[Item]:
        """The items that are still on their way: neither refused nor settled."""
        return [item for item in self.items if item.status is None and not item.problems]

    @property
    def open(self) -> list[Item]:
        """The items whose problems are still being collected: all but those that left the pipeline."""
        return [item for item in self.items if item.status is None and item.code is None]


Step: TypeAlias = Callable[[Batch], None]


def outcomes(items: Iterable[Item], object_name: str) -> tuple[Outcome, ...]:
    """Return what became of `items`, in the order of the call."""
    return tuple(outcome(item, object_name) for item in sorted(items, key=lambda item: item.index))


def outcome(item: Item, object_name: str) -> Outcome:
    """Return what became of one item."""
    if item.problems:
        return Outcome(
            index=item.index,
            status="refused",
            object=object_name,
            id=item.change.id,
            problems=tuple(item.problems),
            code=item.code or "invalid",
        )
    version = item.image.get("row_version")
    return Outcome(index=item.index, status=item.status or "unchanged", object=object_name, id=item.id or None, row_version=version)


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Cut `items` into pieces of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]
