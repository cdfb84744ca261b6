"""Forms of records: the fields of a layout as inputs, what was typed, problems at their fields.

Here: from layout and draft to what the template shows; reading what the browser sent; nothing typed is lost on the way.
Not here: markup (`fields/`, `templates/record/`), defaults and conditions (`records/draft.py`), whether a value is good
(the save).
Source: spec/metadata.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.auth import csrf
from fieldstone.errors import Conflict, Problem
from fieldstone.i18n import formats
from fieldstone.metadata.definitions.layouts import ItemDef, PageLayoutDef, SectionDef, TabDef
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.definitions.record_types import RecordTypeDef
from fieldstone.metadata.field_types import FIELD_TYPES, BadValue, Typed
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.draft import Draft
from fieldstone.records.query import Reference
from fieldstone.records.steps.defaults import defaults_of
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, text_of, word
from fieldstone.web.search import OF_RECORD
from fieldstone.web.shell import in_sentence
from fieldstone.web.shown import Failed, macros, show

OWN_FIELDS = frozenset({csrf.FIELD, "row_version", "record_type", "form_number", "changed", "again", "typed"})
SEVERAL = frozenset({"multi_picklist", "checkbox"})  # fields whose inputs send more than one value
READ_ONLY_ON_FORMS = frozenset({"auto_number", "formula", "roll_up"})


@dataclass(slots=True, kw_only=True)
class FormField:
    """One input of a form, as its template wants it."""

    definition: FieldDef
    label: str
    form: str = "f"  # what ids begin with: no id is on a page twice, also where a small form lies over another
    raw: Any = ""  # what stands in the box: as typed, else the value in the reader's form
    text: str = ""  # of a lookup: the name beside the id
    shown: Any = ""  # the value where nothing can be typed
    help: str = ""
    required: bool = False
    read_only: bool = False
    wide: bool = False
    watch: bool = False
    why: str = ""  # why nothing can be typed
    errors: list[str] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    controlled_by: str | None = None
    allowed: Mapping[str, list[str]] | None = None
    default: str | None = None  # of a create form: the default in it, as long as nobody touches it
    search: str = ""
    depends: str | None = None
    create: str | None = None  # of a lookup: address of the small form of a new record, for who may make one
    create_label: str | None = None
    icon: str = "search"

    @property
    def name(self) -> str:
        """The name of the input: the field's API name."""
        return self.definition.name

    @property
    def id(self) -> str:
        """The id of the input, for its label and for links from the summary of problems."""
        return f"{self.form}-{self.definition.name}"

    @property
    def chosen(self) -> list[str]:
        """What is ticked of a choice of several."""
        return list(self.raw) if isinstance(self.raw, list | tuple) else []

    @property
    def html(self) -> Any:
        """The input, or the value where nothing can be typed."""
        if self.read_only:
            return macros("text").edit(self)
        return macros(self.definition.type).edit(self)


@dataclass(slots=True)
class FormSection:
    """One section of a form: its heading, its inputs and texts in order."""

    definition: SectionDef
    label: str
    items: list[FormField | str]


@dataclass(slots=True)
class RecordForm:
    """A create or edit form: sections with inputs, what is wrong, where it is sent."""

    definition: ObjectDef
    layout: PageLayoutDef
    record_id: str | None
    row_version: int | None
    record_type: str | None
    number: str | None  # of a create form: good for one record
    sections: list[FormSection]
    problems: tuple[Problem, ...] = ()
    typed: bool = False  # what was typed came back after a login
    conflicts: list[Difference] = field(default_factory=list)  # what somebody else has saved meanwhile
    new_type: bool = False  # saving gives the record another record type
    clone: bool = False  # of a create form: its values came from another record

    @property
    def fields(self) -> Iterable[FormField]:
        """Every input, in reading order."""
        return (item for section in self.sections for item in section.items if isinstance(item, FormField))

    @property
    def summary(self) -> list[dict[str, str]]:
        """Every problem with its field, for the list at the top of the form: in the order of the form, those of no field first."""
        by_name = {each.name: each for each in self.fields}
        places = {name: place for place, name in enumerate(by_name)}
        found = []
        for problem in sorted(self.problems, key=lambda problem: places.get(problem.field or "", -1)):
            at = by_name.get(problem.field or "")
            entry = {"text": word(problem, self.definition.name)}
            found.append({"id": at.id, "label": at.label, **entry} if at is not None else entry)
        return found


def read(definition: ObjectDef, sent: MultiDict[str, str]) -> dict[str, Any]:
    """Return the values that a form sent, by API name, as typed: for `Change(given="form")`.

    A lookup whose name was typed but not chosen goes by that text, which the save resolves or refuses at the field.
    """
    values: dict[str, Any] = {}
    for name in sent:
        found = definition.field(name)
        if name in OWN_FIELDS or found is None or name.endswith("__text"):
            continue
        if found.type in SEVERAL:
            values[found.name] = sent.getlist(name)
        elif found.type in LOOKUPS or found.name == "owner":
            values[found.name] = sent.get(name) or _by_name(found, sent.get(f"{name}__text", ""))
        else:
            values[found.name] = sent.get(name, "")
    return values


def row_version(sent: MultiDict[str, str]) -> int | None:
    """Return the version of the record that the form was filled in on; None where it says none that can be read."""
    version = sent.get("row_version", "")
    return int(version) if version.isdecimal() and version.isascii() else None


def _by_name(found: FieldDef, typed: str) -> str:
    """Return the id of the one visible record with exactly the name typed; the text itself where it is none or several."""
    wanted = typed.strip()
    if not wanted or found.to is None:
        return wanted
    offered = current.gate.suggest(found.to, wanted, limit=5)
    ids = [each.id for each in offered if (each.name or "").casefold() == wanted.casefold()]
    return ids[0] if len(ids) == 1 else wanted


def build(
    definition: ObjectDef,
    layout: PageLayoutDef,
    draft: Draft,
    *,
    record: Mapping[str, Any] | None = None,
    typed: MultiDict[str, str] | None = None,
    problems: tuple[Problem, ...] = (),
    record_type: str | None = None,
    row_version: int | None = None,
    number: str | None = None,
) -> RecordForm:
    """Return the form of a layout. What stands in a box is what was typed into it, else what the draft came to."""
    sections = []
    for tab in layout.tabs:
        for section in tab.sections:
            items = [
                _text((tab, section, item), draft) if item.field is None else _item(definition, item, draft, record, typed, problems)
                for item in section.items
            ]
            shown = [item for item in items if item is not None]
            if any(isinstance(item, FormField) for item in shown):
                sections.append(FormSection(section, text_of(section.label), shown))
    made = RecordForm(definition, layout, draft.id, row_version, record_type, number, sections, problems, typed is not None)
    made.new_type = draft.id is not None and record_type != draft.stored_type
    return made


def _text(stands_in: tuple[TabDef, SectionDef, ItemDef], draft: Draft) -> str | None:
    """Return a text of a section, None for one that is not shown now, and for mere space."""
    item = stands_in[-1]
    shown = all(each.visible_when is None or draft.shown.get(each.visible_when, True) for each in stands_in)
    return text_of(item.text) if shown and item.component == "text" else None


def _item(
    definition: ObjectDef,
    item: ItemDef,
    draft: Draft,
    record: Mapping[str, Any] | None,
    typed: MultiDict[str, str] | None,
    problems: tuple[Problem, ...],
) -> FormField | None:
    """Return one field of a section, None for one that is not shown now or that the reader may not see."""
    found = definition.field(item.field or "")
    if found is None or found.name not in current.rights.readable(definition.name):
        return None
    state = draft.states.get(found.name)
    if (state is not None and not state.visible) or (record is None and _comes_with_the_save(found, draft)):
        return None
    return _field(definition, found, item, draft, record, typed, problems)


def _comes_with_the_save(found: FieldDef, draft: Draft) -> bool:
    """Tell whether a new record has no value of a field before it is saved, and nobody could type one: its number, its stamps."""
    if found.type == "auto_number":
        return True
    return found.system and found.name != "owner" and (found.name != "record_type" or draft.record_type is None)


def _field(
    definition: ObjectDef,
    found: FieldDef,
    item: ItemDef,
    draft: Draft,
    record: Mapping[str, Any] | None,
    typed: MultiDict[str, str] | None,
    problems: tuple[Problem, ...],
) -> FormField:
    state, value = draft.states.get(found.name), draft.values.get(found.name)
    if found.name in draft.failed:
        value = Failed(draft.failed[found.name])
    why = _why_read_only(definition, found, is_new=record is None, frozen=state is not None and state.read_only)
    made = FormField(
        definition=found,
        label=text_of(item.label) or label(found),
        help=text_of(found.help),
        required=found.required or (state is not None and state.required),
        read_only=why is not None,
        why=why or "",
        wide=item.width > 1 or found.result_type in ("long_text", "rich_text", "text_area"),
        watch=found.name in watched(current.snapshot, definition),
        errors=[word(problem, definition.name) for problem in problems if problem.field == found.name],
    )
    if made.read_only:
        made.shown = made.raw = show(found, value)
        return made
    if typed is not None and (found.name in typed or f"{found.name}__text" in typed):
        made.raw = typed.getlist(found.name) if found.type == "multi_picklist" else _last(typed, found.name)
        made.text = typed.get(f"{found.name}__text", "")
    else:
        made.raw = typeable(found, value)
        if record is None and found.name in _computed_defaults(definition, draft.record_type):
            made.default = ";".join(made.raw) if isinstance(made.raw, list) else str(made.raw)
    if found.type in LOOKUPS or found.name == "owner":
        _complete_lookup(definition, found, made, value)
    elif found.type in ("picklist", "multi_picklist"):
        _complete_choice(found, made, draft)
    return made


def _computed_defaults(definition: ObjectDef, record_type: str | None) -> frozenset[str]:
    """The fields of a new record whose default an expression gives: their own, or that of the record type."""
    return frozenset(found.name for found, _ in defaults_of(current.snapshot, definition, record_type or "").expressions)


def one(
    definition: ObjectDef,
    found: FieldDef,
    draft: Draft,
    record: Mapping[str, Any],
    typed: MultiDict[str, str] | None = None,
    problems: tuple[Problem, ...] = (),
) -> FormField:
    """Return the input of one field of a record by itself, on whatever layout it stands."""
    return _field(definition, found, ItemDef(field=found.name), draft, record, typed, problems)


def _last(typed: MultiDict[str, str], name: str) -> str:
    """The last of what was sent under a name: a ticked box comes after the hidden one that says it is there."""
    return (typed.getlist(name) or [""])[-1]


def _why_read_only(definition: ObjectDef, found: FieldDef, *, is_new: bool, frozen: bool) -> str | None:
    """Return why nothing can be typed into a field, None if something can."""
    if found.type in READ_ONLY_ON_FORMS:
        return str(_("Filled in by the system.") if found.type == "auto_number" else _("Calculated."))
    if found.name == "owner":
        return None if is_new else str(_("Changed by handing the record over."))
    if found.system:
        return str(_("Kept by the system."))
    if found.name not in current.rights.editable(definition.name):
        return str(_("You may read this field but not change it."))
    if found.type == "master_detail" and not is_new and not found.reparent:
        return str(_("A record stays with the one it belongs to."))
    return str(_("Cannot be changed at present.")) if frozen else None


def typeable(found: FieldDef, value: Any) -> Any:
    """Return a typed value as it stands in an input, in the reader's language and zone."""
    match value:
        case None:
            return [] if found.type == "multi_picklist" else ""
        case bool():
            return "1" if value else "0"
        case Decimal():
            return formats.number(value, current.language, found.scale or 0)
        case datetime():
            return value.astimezone(current.zone).strftime("%Y-%m-%dT%H:%M")
        case date():
            return value.isoformat()
        case Reference():
            return value.id or ""
        case tuple():
            return list(value)
    return str(value)


def _complete_lookup(definition: ObjectDef, found: FieldDef, made: FormField, value: Any) -> None:
    """Give a lookup its search, and the name beside its id."""
    target = current.snapshot.objects.get(found.to or "user")
    made.search = f"/o/{definition.name}/lookup/{found.name}"
    made.icon = "user" if found.to in (None, "user") or target is None else target.icon
    if target is not None and found.to != "user" and current.rights.can(target.name, "create"):
        made.create, made.create_label = f"/o/{target.name}/quick", _("New %(object)s", object=in_sentence(label(target)))
    if found.filter:
        named = {match.lower() for match in OF_RECORD.findall(found.filter)}
        known = {name.lower() for name in current.rights.readable(definition.name)}
        made.depends = ",".join(sorted(named & known)) or None
    if isinstance(value, Reference) and made.raw == (value.id or "") and not made.text:
        made.text = value.name or str(_("Unnamed"))


def _complete_choice(found: FieldDef, made: FormField, draft: Draft) -> None:
    """Give a picklist its values: the active ones of the record's type, and one that is stored although it is no more offered."""
    offered = _offered(found, draft.record_type)
    kept = {made.raw} if isinstance(made.raw, str) else set(made.raw)
    made.options = [
        (value.name, label(value))
        for value in found.values
        if (value.active and (offered is None or value.name in offered)) or value.name in kept
    ]
    if found.controlled_by is not None and found.type == "picklist":
        made.controlled_by = found.controlled_by
        made.allowed = {name: list(values) for name, values in (found.allowed or {}).items()}


def _offered(found: FieldDef, record_type: str | None) -> tuple[str, ...] | None:
    """Return the values that a record type leaves of a picklist, None for all."""
    if record_type is None or found.object is None:
        return None
    kind = current.snapshot.find("record_type", record_type, found.object)
    return kind.values.get(found.name) if isinstance(kind, RecordTypeDef) else None


def watched(snapshot: Snapshot, definition: ObjectDef) -> frozenset[str]:
    """Return the fields of an object that a condition of a form, a default or a formula reads: leaving one of them asks for the draft."""
    known = snapshot.once(_known_watched)
    found = known.get(definition.name)
    if found is None:
        found = known[definition.name] = frozenset(path[0] for each in _reacting(snapshot, definition) for path in each.reads)
    return found


def _known_watched(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    return {}


def _reacting(snapshot: Snapshot, definition: ObjectDef) -> Iterator[Compiled]:
    for record_type in ("", *definition.record_types):
        yield from (compiled for _, compiled in defaults_of(snapshot, definition, record_type).expressions)
    for found in definition.fields.values():
        if found.formula is not None:
            yield snapshot.expression(found.formula, definition.name, "formula", found.blanks)
    for layout in snapshot.all("page_layout", definition.name):
        assert isinstance(layout, PageLayoutDef)
        for part in layout.parts():
            for source in (part.visible_when, part.required_when, part.read_only_when):
                if source is not None:
                    yield snapshot.expression(source, definition.name, "layout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that somebody else has saved meanwhile: what it is now, and what was typed here."""

    label: str
    now: Any
    here: str


def differences(definition: ObjectDef, record: Mapping[str, Any], values: Mapping[str, Any], conflict: Conflict) -> list[Difference]:
    """Return the fields in which a form and the saved record differ, as far as the reader may see them."""
    typed = Typed(language=current.language, zone=current.zone, today=current.today)
    found = []
    for name, given in values.items():
        field_def = definition.field(name)
        if field_def is None or field_def.name not in current.rights.editable(definition.name) or field_def.name not in record:
            continue
        now = record[field_def.name]
        try:
            here = FIELD_TYPES[field_def.type].from_form(field_def, given, typed)
        except BadValue:
            here = given
        if here != (now.id if isinstance(now, Reference) else now):
            shown = show(field_def, _named(field_def, here)) if here is not given else given
            found.append(Difference(label=label(field_def), now=show(field_def, now), here=shown))
    return found


def _named(found: FieldDef, value: Any) -> Any:
    """Return a typed value as pages show it: the id of a lookup with the name of its record."""
    if not isinstance(value, str) or not (found.type in LOOKUPS or found.name == "owner"):
        return value
    target = found.to or "user"
    names = current.gate.names(target, [value]) if target in current.rights.visible_objects else {}
    return names.get(value, Reference(None, hidden=True))


def without_untouched(definition: ObjectDef, sent: MultiDict[str, str]) -> MultiDict[str, str]:
    """Return what was sent without the defaults nobody has touched: they are worked out anew from the rest.

    A lookup was touched, too, when something was typed where nothing stood and nothing was chosen.
    """
    untouched = set()
    for found in definition.fields.values():
        name, text = found.name, f"{found.name}__text"
        sent_now = ";".join(filter(None, sent.getlist(name))) if found.type == "multi_picklist" else _last(sent, name)
        if f"d.{name}" in sent and sent[f"d.{name}"] == sent_now and (sent_now or not sent.get(text)):
            untouched |= {name, text}
    return MultiDict((name, value) for name, value in sent.items(multi=True) if name not in untouched)


def copyable(definition: ObjectDef, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a record as a form would send them, for a copy: readable, writable, and not unique."""
    editable = current.rights.editable(definition.name)
    return {
        name: typeable(found, record[name])
        for name, found in definition.fields.items()
        if name in record and name in editable and not found.unique and not found.external_id and record[name] is not None
    }
