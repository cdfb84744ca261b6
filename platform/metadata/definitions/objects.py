"""Objects, their fields and keys (meta-schemas: object.json, object_extension.json, field.json).

Here: what a field is, and the system fields that every object has without asking.
Not here: what a field's type means (`metadata/field_types/`), where a document becomes an ObjectDef (`metadata/load.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from types import MappingProxyType
from typing import ClassVar

from fieldstone.metadata.definitions.definition import Definition, Label

FEATURES_ON = ("activities", "files", "feed", "history", "approvals", "search", "reports", "recent", "merge", "api")
FEATURES_OFF = ("teams",)

LOOKUPS = frozenset({"lookup", "master_detail", "user"})  # types of fields that hold the id of one record of one object
COMPUTED = frozenset({"formula", "roll_up"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PicklistValue:
    """One value of a picklist; the tuple it stands in is display and sort order."""

    name: str
    label: Label
    color: str | None = None  # one of COLORS
    active: bool = True  # inactive: kept where stored, filterable, not choosable
    default: bool = False
    id: str = ""
    owner: str = "org"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDef(Definition):
    """One field of an object. `object` is the object's API name; options a type does not have stay at their default."""

    kind: ClassVar[str] = "field"

    type: str  # name in FIELD_TYPES
    column: str | None = None  # physical column; None: the type has none, or a live formula or roll-up
    state: str = "live"  # "live", "write_only" (being filled, invisible) or "archived"
    help: Label | None = None
    was: tuple[str, ...] = ()  # former names, still accepted as input keys

    required: bool = False
    unique: bool = False
    ignore_case: bool = False
    external_id: bool = False  # implies unique and indexed
    indexed: bool = False
    history: bool = False
    searchable: bool = False
    sensitive: bool = False
    default: object = None  # constant, typed
    default_formula: str | None = None  # source without the leading "="

    length: int | None = None  # characters
    precision: int | None = None  # digits in all
    scale: int | None = None  # digits after the point
    min: object = None  # typed: Decimal, date or datetime
    max: object = None
    pattern: str | None = None  # text: RE2, the whole value; auto_number: such as "D-{YYYY}-{00000}"
    start: int = 1  # of an auto-number
    region: str | None = None  # of a phone; None: the org's
    collated: bool = False  # sorts by language: a sort key stands beside it
    matched: bool = False  # is compared without case by itself or in a composite key: a match key stands beside it

    values: tuple[PicklistValue, ...] = ()  # of a picklist, those of its value set included
    value_set: str | None = None
    restricted: bool = True
    controlled_by: str | None = None  # picklist or checkbox of the same object
    allowed: Mapping[str, tuple[str, ...]] | None = None  # by value of the controlling field ("true", "false" of a checkbox)
    max_chosen: int | None = None

    to: str | None = None  # target object; of a user field "user"
    on_delete: str = "set_null"  # "restrict", "set_null", "cascade"
    children: str | None = None  # name of the relation on the target
    filter: str | None = None  # lookup filter or roll-up filter
    filter_message: Label | None = None
    active_only: bool = True
    reparent: bool = False

    returns: str | None = None  # type of a formula's result
    formula: str | None = None
    blanks: str = "zero"  # or "blank"
    relation: str | None = None  # of a roll-up, always as "child.lookup"
    function: str | None = None  # count, sum, min, max
    field: str | None = None  # field of the child that is rolled up
    declassified: bool = False
    declassified_reason: str | None = None
    stored: bool = True  # formula, roll_up: stored or live, decided by the platform; everything else is stored
    why_live: str | None = None  # reason code when not stored: "parent", "clock", "user", "stamp", "live_field"

    @property
    def system(self) -> bool:
        """Whether the platform keeps it: one of the fields every object has without asking."""
        return self.owner == "platform"

    @property
    def computed(self) -> bool:
        """Whether nobody writes it: formula or roll-up."""
        return self.type in COMPUTED

    @property
    def read_only(self) -> bool:
        """Whether no payload may write it: system fields (but the owner on create), computed ones and auto-numbers."""
        return self.system or self.type in COMPUTED or self.type == "auto_number"

    @property
    def result_type(self) -> str:
        """The type that its value has: of a formula or roll-up what it returns, else its own."""
        return self.returns or self.type

    def value(self, name: str) -> PicklistValue | None:
        """Return the picklist value called `name`, None if there is none."""
        return next((value for value in self.values if value.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDef:
    """A composite unique key; a record with a blank part does not count."""

    name: str
    fields: tuple[str, ...]
    ignore_case: bool = False
    id: str = ""
    owner: str = "org"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDef(Definition):
    """One object: a table. `fields` are the live ones of all owners in order of birth; `hidden` those a plan fills or archived."""

    kind: ClassVar[str] = "object"

    plural: Label = made(default_factory=dict)
    icon: str = "box"
    color: str = "blue"
    name_field: str = "name"
    owned_by: str = "user_or_queue"  # "user_or_queue", "user", "none"
    default_access: str = "private"  # "private", "read", "read_write", "by_parent"
    hierarchy: bool = True
    features: frozenset[str] = frozenset(FEATURES_ON)
    keys: tuple[KeyDef, ...] = ()
    fields: Mapping[str, FieldDef] = made(default_factory=dict)
    hidden: Mapping[str, FieldDef] = made(default_factory=dict)  # state "write_only" or "archived"
    system_fields: Mapping[str, FieldDef] = made(default_factory=dict)
    record_types: tuple[str, ...] = ()  # API names, in order
    table: str = ""  # physical name
    system: bool = False  # of the platform's own pack: can be extended, not removed
    index: Mapping[str, FieldDef] = made(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", MappingProxyType(index_of(self.fields, self.system_fields, self.name_field)))

    def field(self, name: str) -> FieldDef | None:
        """Return the live or system field called `name`: any letter case; an exact name wins over an alias. None: no such field.

        Aliases (metadata.md, section 1): `name` is the name field; `AccountId` and `Account__r` the lookup `account`; `OwnerId`,
        `CreatedDate`, `RecordTypeId` and the like the system fields. Former names (`was`) are not found here: see `formerly`.
        """
        return self.index.get(name.lower())

    def formerly(self, name: str) -> FieldDef | None:
        """Return the field that was once called `name` and is not any more."""
        if name.lower() in self.index:
            return None
        return next((found for found in self.fields.values() if name.lower() in (old.lower() for old in found.was)), None)

    @property
    def name_fielddef(self) -> FieldDef:
        """The field that names a record."""
        return self.fields[self.name_field]

    @property
    def all_fields(self) -> tuple[FieldDef, ...]:
        """Every visible field: `id` and `row_version` first, the object's own, then the stamps."""
        head = [self.system_fields[name] for name in ("id", "row_version", "record_type") if name in self.system_fields]
        tail = [found for name, found in self.system_fields.items() if name not in ("id", "row_version", "record_type")]
        return (*head, *self.fields.values(), *tail)


SYSTEM_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "ownerid": "owner",
        "createddate": "created_at",
        "createdbyid": "created_by",
        "createdby": "created_by",
        "lastmodifieddate": "updated_at",
        "lastmodifiedbyid": "updated_by",
        "lastmodifiedby": "updated_by",
        "systemmodstamp": "updated_at",
        "recordtypeid": "record_type",
        "recordtype": "record_type",
        "isdeleted": "deleted_at",  # in expressions: whether there is such a moment
    }
)


def index_of(fields: Mapping[str, FieldDef], system_fields: Mapping[str, FieldDef], name_field: str) -> dict[str, FieldDef]:
    """Return fields by every spelling in lower case: aliases first, so that exact names overwrite them."""
    found: dict[str, FieldDef] = {}
    for alias, name in SYSTEM_ALIASES.items():
        if name in system_fields:
            found[alias] = system_fields[name]
    for item in fields.values():
        if item.type in LOOKUPS:
            for alias in lookup_aliases(item.name):
                found.setdefault(alias, item)
    named = fields.get(name_field)
    if named is not None:
        found["name"] = named
    found |= system_fields
    found |= {name.lower(): item for name, item in fields.items()}
    return found


def lookup_aliases(name: str) -> tuple[str, ...]:
    """Return the other spellings of a lookup, in lower case: `account` is also AccountId and Account__r; `Thing__c` also Thing__r."""
    lower = name.lower()
    if lower.endswith("__c"):
        return (f"{lower.removesuffix('__c')}__r",)
    if name.endswith("Id") and len(name) > 2:  # an imported AccountId is gone through as Account
        return (lower.removesuffix("id"), f"{lower.removesuffix('id')}__r")
    return (f"{lower}__r", f"{lower}id")
