"""What the names in an expression mean: fields of an object, of its parents, and the globals.

Here: the `Scope` that `rules` asks. An exact name wins over an alias; letter case never counts.
Not here: the language (`rules`), values of rows and globals (the caller; of settings: `setup_values`).
Source: spec/expressions.md, section 2; spec/metadata.md, section 1.

A row is keyed by the paths that come out of here: "amount", "account.name", "owner.name", "$Record.account" (the edited record, in lookup
filters); globals by their full name: "$User.Id", "$Permission.skip_stages", "$Setup.crm_settings.active_days", "$Organization.Name".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol, TypeVar, cast

from fieldstone.errors import Refused
from fieldstone.metadata import labels, owners
from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.definitions.fields import SYSTEM_FIELDS
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.definitions.settings import CustomLabelDef, CustomMetadataDef, CustomSettingDef
from fieldstone.metadata.field_types import value_type
from fieldstone.metadata.formulas import DIGITS, NUMBERS
from fieldstone.metadata.names import nearest
from fieldstone.metadata.owners import OWNER, QUEUE, QUEUE_OWNER, USER_OWNER
from fieldstone.rules import Blanks, Checked, Resolved, Use, ValueType, check
from fieldstone.rules.shown import as_shown

T = TypeVar("T")


class Source(Protocol):
    """What a scope needs of a snapshot, or of definitions that are not one yet."""

    @property
    def language(self) -> str: ...

    @property
    def objects(self) -> Mapping[str, ObjectDef]: ...

    def find(self, kind: str, name: str, object_name: str | None = None) -> Definition | None: ...

    def all(self, kind: str, object_name: str | None = None) -> tuple[Definition, ...]: ...

    def once(self, build: Callable[..., T]) -> T: ...


GLOBALS: Mapping[str, tuple[tuple[str, ...], ValueType]] = MappingProxyType(
    {
        ".".join(path).lower(): (path, type_)
        for path, type_ in (
            *((("$User", name), ValueType.ID) for name in ("Id", "Manager")),
            *((("$User", name), ValueType.TEXT) for name in ("Name", "Username", "Email", "Title", "Language", "Zone", "Profile", "Role")),
            (("$Profile", "Name"), ValueType.TEXT),
            (("$UserRole", "Name"), ValueType.TEXT),
            *((("$Organization", name), ValueType.TEXT) for name in ("Name", "Language", "Zone")),
        )
    }
)

# What `owner.` and `created_by.` lead to where no pack brings the object `user`: enough for a set of documents on its own.
PEOPLE = ObjectDef(
    name="user",
    label={"en": "User", "zh-Hans": "用户", "zh-Hant": "使用者"},
    owned_by="none",
    fields={
        name: FieldDef(name=name, label={}, object="user", type=type_, to=to, column=name)
        for name, type_, to in (
            *((name, "text", None) for name in ("name", "username", "title", "language", "zone", "profile", "role")),
            *(("email", "email", None), ("active", "checkbox", None), ("manager", "user", "user")),
        )
    },
    system_fields={name: SYSTEM_FIELDS[name] for name in ("id", "created_at", "updated_at")},
    table="user",
)

# In these a formula field is expanded: its unrounded value counts, in the null mode of the outer expression. Everywhere else a formula
# field is what people see of it, stored or not: rounded, in its own null mode, blank where it fails.
EXPANDING = frozenset({Use.FORMULA, Use.DEFAULT})


def scope(source: Source, object_name: str | None, use: Use = Use.FORMULA, *, record: str | None = None) -> ObjectScope:
    """Return what names mean for an expression about records of `object_name` (None: about nothing but globals).

    `record`: in a lookup filter the object of the record being edited, which `$Record` means; `object_name` is then the target.
    """
    return source.once(Scopes).of(object_name, use, record)


class Scopes:
    """The scopes of one source, and the formulas they expand: each is checked once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._scopes: dict[tuple[str | None, Use, str | None], ObjectScope] = {}
        self._formulas: dict[tuple[str, str], Checked | None] = {}
        self._shown: dict[tuple[str, str], Checked | None] = {}
        self._owners: dict[str, Checked] = {}

    def of(self, object_name: str | None, use: Use, record: str | None) -> ObjectScope:
        """Return the scope for one place; the same one at every call."""
        key = (object_name and object_name.lower(), use, record and record.lower())
        if key not in self._scopes:
            definition = None if object_name is None else self.object(object_name)
            edited = None if record is None else self.object(record)
            self._scopes[key] = ObjectScope(self, definition, edited, use)
        return self._scopes[key]

    def object(self, name: str) -> ObjectDef | None:
        """Return an object by name; people are always there."""
        found = self.source.find("object", name)
        if found is None and name.lower() == "user":
            return PEOPLE
        return cast("ObjectDef | None", found)

    def formula(self, field: FieldDef) -> Checked | None:
        """Return a formula field's expression, checked; None while it is being checked (a cycle) or when it is wrong."""
        key = ((field.object or "").lower(), field.name.lower())
        if key not in self._formulas:
            self._formulas[key] = None
            try:
                where = self.of(field.object, Use.FORMULA, None)
                self._formulas[key] = check(field.formula or "", where, Use.FORMULA, blanks=Blanks(field.blanks))
            except Refused:
                pass
        return self._formulas[key]

    def shown(self, field: FieldDef) -> Checked | None:
        """Return a formula field that is not stored as people see it; None as for `formula`."""
        key = ((field.object or "").lower(), field.name.lower())
        if key not in self._shown:
            formula = self.formula(field)
            digits = {"before": _before_point(field), "scale": decimals_of(field)}
            self._shown[key] = formula and as_shown(formula, **digits, length=field.length)
        return self._shown[key]

    def owner(self, field: FieldDef | None) -> Checked:
        """Return a field of the queue that owns a record, as a formula over its owner; None: the id of the person who does."""
        key = field.name if field is not None else ""
        if key not in self._owners:
            queues = [queue for queue in self.source.all("queue") if isinstance(queue, QueueDef)]
            made = owners.of_user(queues) if field is None else owners.of_queue(field, queues, self.source.language)
            self._owners[key] = made
        return self._owners[key]


class ObjectScope:
    """The names of one object; the `Scope` of `rules`."""

    def __init__(self, scopes: Scopes, definition: ObjectDef | None, record: ObjectDef | None, use: Use) -> None:
        self.scopes = scopes
        self.definition = definition
        self.record = record
        self.use = use

    @property
    def object_label(self) -> str:
        """The object as people of the org call it."""
        return self.label_of(self.definition)

    def label_of(self, definition: ObjectDef | None) -> str:
        """Return an object as people of the org call it, "" for none."""
        if definition is None:
            return ""
        language = self.scopes.source.language
        return labels.text(definition.label, language, language, definition.name)

    def resolve(self, name: str) -> Resolved | None:
        """Return what `name` stands for, None if there is no such thing."""
        if name.startswith("$"):
            return self._global(name)
        if self.definition is None:
            return None
        return self._path(self.definition, name, ())

    def lacking(self, name: str) -> tuple[str, str]:
        """Return what of `name` is not there, and the object that lacks it as people of the org call it; "" for a global."""
        definition, steps = self.definition, name.split(".")
        if steps[0].lower() == "$record" and self.record is not None:
            definition, steps = self.record, steps[1:]
        elif name.startswith("$"):
            return name, ""
        while definition is not None and len(steps) > 1 and (following := self.through(definition, steps[0])) is not None:
            definition, steps = following[1], steps[1:]
        return ".".join(steps), self.label_of(definition)

    def nearest(self, name: str) -> str | None:
        """Return the name that was probably meant, in full."""
        if name.startswith("$"):
            return nearest(name, self._globals())
        *way, last = name.split(".")
        definition = self.definition
        for index, step in enumerate(way):
            if definition is None:
                return None
            following = self.through(definition, step)
            if following is None and definition.field(step) is not None:
                return None  # it is there, but nothing stands behind it
            if following is None:
                return self._near(definition, way[:index], step, [*way[index + 1 :], last])
            definition = following[1]
        return self._near(definition, way, last, []) if definition is not None else None

    def _near(self, definition: ObjectDef, before: list[str], step: str, behind: list[str]) -> str | None:
        former = definition.formerly(step)
        fields = {name: tuple(field.label.values()) for name, field in names_of(definition)}
        found = former.name if former is not None else nearest(step, fields, fields)
        if found in owners.SPELLINGS and not behind:
            behind = [QUEUE.name_field]  # it is no value by itself
        return ".".join([*before, found, *behind]) if found is not None else None

    def through(self, definition: ObjectDef, step: str) -> tuple[FieldDef, ObjectDef] | None:
        """Return the lookup that `step` names, and where it leads; an owner leads to a person unless it is called `Owner:Queue`."""
        lower = step.lower()
        field = definition.field(OWNER if lower in (USER_OWNER, QUEUE_OWNER) else step)
        if field is None:
            return None
        if lower == QUEUE_OWNER:
            return (field, QUEUE) if definition.owned_by == "user_or_queue" else None
        to = "user" if field.type == "owner" else field.to
        target = None if to is None else self.scopes.object(to)
        return None if target is None else (field, target)

    def _path(self, definition: ObjectDef, name: str, prefix: tuple[str, ...]) -> Resolved | None:
        *way, last = name.split(".")
        path = list(prefix)
        for step in way:
            following = self.through(definition, step)
            if following is None:
                return None
            path.append(following[0].name)
            definition = following[1]
        field = owners.queue_field(last) if definition is QUEUE else definition.field(last)
        if field is None:
            return None
        if definition is QUEUE:
            return self._owner(field, tuple(path))
        if field.name == "id" and way and way[-1].lower() == USER_OWNER:
            return self._owner(None, tuple(path))
        if field.name == "id" and len(path) > len(prefix):  # the id of a parent is what the lookup holds
            return Resolved(path=tuple(path), type=ValueType.ID, own=False)
        if field.name == "deleted_at" and last.lower() == "isdeleted":
            whether = check("NOT(ISBLANK(deleted_at))", self.scopes.of(definition.name, Use.FORMULA, None), Use.FORMULA)
            return Resolved(path=(*path, field.name), type=whether.type, formula=whether, own=not path)
        return self._field(field, (*path, field.name), own=not path)

    def _field(self, field: FieldDef, path: tuple[str, ...], own: bool) -> Resolved:
        type_ = value_type(field)
        formula = None
        if field.type == "formula" and (not field.stored or self.use in EXPANDING):
            formula = self.scopes.formula(field) if self.use in EXPANDING else self.scopes.shown(field)
        return Resolved(
            path=path,
            type=type_,
            number_field=type_ is ValueType.NUMBER,
            percent=field.result_type == "percent" and formula is None,
            picklist=tuple(value.name for value in field.values) if field.values and field.restricted else None,
            checkbox=field.result_type == "checkbox",
            user_dependent=formula is not None and formula.user_dependent,
            formula=formula,
            own=own,
            length=field.length,
        )

    def _owner(self, field: FieldDef | None, path: tuple[str, ...]) -> Resolved:
        """Return what is known of the owner at the end of `path` without a record of it: see `Scopes.owner`."""
        formula = self.scopes.owner(field)
        return Resolved(path=path, type=formula.type, formula=formula, own=False)

    def _global(self, name: str) -> Resolved | None:
        lower = name.lower()
        if lower in GLOBALS:
            path, type_ = GLOBALS[lower]
            return Resolved(path=path, type=type_, user_dependent=True, own=False)
        head, _, rest = name.partition(".")
        match head.lower():
            case "$record" if self.record is not None and rest:
                return self._record(rest)
            case "$recordtype" if self.definition is not None and rest.lower() in ("name", "developername", "id"):
                return self.resolve("record_type")
            case "$permission":
                permission = self.scopes.source.find("custom_permission", rest)
                if permission is not None:
                    path = ("$Permission", permission.name)
                    return Resolved(path=path, type=ValueType.BOOLEAN, checkbox=True, user_dependent=True, own=False)
            case "$setup":
                return self._setup(rest)
            case "$custommetadata":
                return self._custom_metadata(rest)
            case "$label":
                label = self.scopes.source.find("custom_label", rest)
                if label is not None:
                    return Resolved(path=("$Label", label.name), type=ValueType.TEXT, user_dependent=True, own=False)
            case "$objecttype":
                return self._any_field(rest)
        return None

    def _record(self, rest: str) -> Resolved | None:
        assert self.record is not None
        found = self._path(self.record, rest, ("$Record",))
        return None if found is None else replace(found, own=False)

    def _custom_metadata(self, rest: str) -> Resolved | None:
        name, _, behind = rest.partition(".")
        table = self.scopes.source.find("custom_metadata", name)
        record, _, field_name = behind.partition(".")
        if not isinstance(table, CustomMetadataDef):
            return None
        found = next((each for each in table.records if each.lower() == record.lower()), None)
        field = next((field for key, field in table.fields.items() if key.lower() == field_name.lower()), None)
        if found is None or field is None:
            return None
        return replace(self._field(field, ("$CustomMetadata", table.name, found, field.name), own=False), user_dependent=True)

    def _any_field(self, rest: str) -> Resolved | None:
        """Return a field of an object as such, of no record: `$ObjectType.product.Fields.price`, for VLOOKUP."""
        of, _, behind = rest.partition(".")
        head, _, name = behind.partition(".")
        definition = self.scopes.object(of)
        field = definition.field(name) if definition is not None and head.lower() == "fields" else None
        if definition is None or field is None:
            return None
        found = self._field(field, ("$ObjectType", definition.name, "Fields", field.name), own=False)
        percent, key = field.result_type == "percent", field.name == definition.name_field
        return replace(found, type=ValueType.FIELD, holds=found.type, key=key, percent=percent, number_field=False, formula=None)

    def _setup(self, rest: str) -> Resolved | None:
        name, _, field_name = rest.partition(".")
        setting = self.scopes.source.find("custom_setting", name)
        if not isinstance(setting, CustomSettingDef):
            return None
        field = next((field for key, field in setting.fields.items() if key.lower() == field_name.lower()), None)
        if field is None:
            return None
        return replace(self._field(field, ("$Setup", setting.name, field.name), own=False), user_dependent=True)

    def _globals(self) -> Iterator[str]:
        yield from (".".join(path) for path, _ in GLOBALS.values())
        yield from (f"$Permission.{item.name}" for item in self.scopes.source.all("custom_permission"))
        for setting in self.scopes.source.all("custom_setting"):
            if isinstance(setting, CustomSettingDef):
                yield from (f"$Setup.{setting.name}.{name}" for name in setting.fields)
        for table in self.scopes.source.all("custom_metadata"):
            if isinstance(table, CustomMetadataDef):
                yield from (f"$CustomMetadata.{table.name}.{record}.{name}" for record in table.records for name in table.fields)
        yield from (f"$Label.{item.name}" for item in self.scopes.source.all("custom_label"))

    def names(self) -> Iterator[tuple[str, FieldDef | None]]:
        """Yield what an editor offers: own fields, the lookups to go on from, globals. A name, and the field if it is one."""
        if self.definition is not None:
            yield from names_of(self.definition)
        if self.record is not None:
            yield from ((f"$Record.{name}", field) for name, field in names_of(self.record))
        yield from ((name, None) for name in self._globals())


def names_of(definition: ObjectDef) -> Iterator[tuple[str, FieldDef]]:
    """Yield the names that may follow a lookup to an object: its fields, and an owner that may be a queue as either."""
    for field in definition.all_fields:
        yield field.name, field
        if field.type == "owner" and definition.owned_by == "user_or_queue":
            yield from ((name, field) for name in owners.SPELLINGS)


def steps_of(source: Source, object_name: str, path: str) -> tuple[FieldDef, ...] | None:
    """Return the fields that a path such as "account.industry" goes through, the last one included; None if it leads nowhere."""
    where = scope(source, object_name)
    definition, found = where.definition, []
    *way, last = path.split(".")
    for step in way:
        following = where.through(definition, step) if definition is not None else None
        if following is None:
            return None
        found.append(following[0])
        definition = following[1]
    field = None if definition is None else owners.queue_field(last) if definition is QUEUE else definition.field(last)
    return None if field is None else (*found, field)


def decimals_of(field: FieldDef) -> int | None:
    """Return how many decimals a numeric field has in expressions, where a percent is its fraction; None if it is no number."""
    if field.result_type not in NUMBERS:
        return None
    return (field.scale or 0) + (2 if field.result_type == "percent" else 0)


def _before_point(field: FieldDef) -> int | None:
    """Return how many digits before the point a numeric field has in expressions; None if it is no number."""
    if field.result_type not in NUMBERS:
        return None
    return (field.precision or DIGITS) - (field.scale or 0) - (2 if field.result_type == "percent" else 0)


def setup_values(source: Source, profile: str | None, language: str, username: str | None = None) -> dict[str, object]:
    """Return what `$Setup`, `$CustomMetadata` and `$Label` read for a user of `profile` who reads `language`: every value by full name."""
    values: dict[str, object] = {}
    for setting in source.all("custom_setting"):
        if isinstance(setting, CustomSettingDef):
            values |= {f"$Setup.{setting.name}.{name}": setting.value(name, profile, username) for name in setting.fields}
    for table in source.all("custom_metadata"):
        if isinstance(table, CustomMetadataDef):
            cells = ((record, name) for record in table.records for name in table.fields)
            values |= {f"$CustomMetadata.{table.name}.{record}.{name}": table.value(record, name) for record, name in cells}
    for item in source.all("custom_label"):
        if isinstance(item, CustomLabelDef):
            values[f"$Label.{item.name}"] = labels.text(item.text, language, source.language)
    return values
