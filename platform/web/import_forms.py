"""The page on which columns find their fields: its form as a mapping, and a mapping as its form.

Here: `Sheet` (what is known of the file), `ColumnRow`, `of_form`, `first_mapping`, where problems belong.
Not here: the views (`imports.py`), what a mapping does (`data/mapping.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.data import column_formats, csv_files, suggestions
from fieldstone.data.column_formats import Profile
from fieldstone.data.csv_files import Reading
from fieldstone.data.mapping import STAMP, ColumnMap, ImportMapping, operation_of
from fieldstone.data.suggestions import Suggestion
from fieldstone.errors import Problem
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label, word

MOST_VALUES = 60  # of a column that are shown to be mapped
MORE = 4  # lines for expressions and constants that are always free
DATES = frozenset({"date", "datetime"})
NUMBERS = frozenset({"number", "currency", "percent"})


@lru_cache(maxsize=8)
def profiles(path: Path, reading: Reading) -> tuple[Profile, ...]:
    """Return what the columns of a kept file look like; files are kept by their content, so that this stays true."""
    return column_formats.profile(reading.columns, (row.cells for row in csv_files.rows(path, reading) if row.problem is None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A file on its way into an object: how it is read, what its columns look like, what they probably mean."""

    definition: ObjectDef
    reading: Reading
    profiles: tuple[Profile, ...]
    dates: Mapping[str, str]  # formats that a person chose, by column
    suggested: Mapping[str, Suggestion]

    def date_format(self, column: str) -> str | None:
        """The format of a column's dates: chosen, or the only one that fits; None for ISO, and while none was chosen."""
        found = self.dates.get(column) or next(each.date_format for each in self.profiles if each.name == column)
        return None if found == "Y-M-D" else found


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRow:
    """One line of the page: a column of the file, the field it goes to, the values that need a word."""

    index: int
    profile: Profile
    target: str = ""
    reason: str = ""
    values: Sequence[tuple[str, str, int]] = ()  # as in the file, as meant, in how many rows
    choices: Sequence[tuple[str, str]] = ()  # of the field's list
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreRow:
    """One line for a value that no single column has: an expression or a constant."""

    index: int
    target: str = ""
    kind: str = "expression"
    text: str = ""
    date: str = ""
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingForm:
    """The page as it stands."""

    mapping: ImportMapping
    columns: Sequence[ColumnRow]
    more: Sequence[MoreRow]
    fields: Sequence[tuple[str, str]]
    keys: Sequence[tuple[str, str]]
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    summary: Sequence[Mapping[str, str]] = ()


def fields_to_choose(definition: ObjectDef, also: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Return the fields that the person may write, by API name, those that must be filled marked; and `also`, of another mapping."""
    editable = current.rights.editable(definition.name)
    found = [(each.name, label(each) + (" *" if each.required else "")) for each in definition.fields.values() if each.name in editable]
    owner, stamp = definition.field("owner"), definition.field(STAMP)
    if owner is not None:
        found.append((owner.name, label(owner)))
    if stamp is not None and current.rights.setup("modify_all_data"):
        found.append((STAMP, label(stamp)))
    known = {name for name, _label in found}
    return found + [(name, name) for name in dict.fromkeys(also) if name not in known]


def first_mapping(sheet: Sheet) -> ImportMapping:
    """Return the mapping that is offered first: every suggestion taken, and records found by name where a column holds it."""
    columns = tuple(
        _column(sheet, name, sheet.suggested[name].field) for name in dict.fromkeys(sheet.reading.columns) if name in sheet.suggested
    )
    named = any(each.field == sheet.definition.name_field for each in columns)
    return ImportMapping(
        object=sheet.definition.name,
        operation="create_or_skip" if named else "create",
        found_by=(sheet.definition.name_field,) if named else (),
        columns=columns,
    )


def _column(sheet: Sheet, column: str, target: str) -> ColumnMap:
    """Return a column's way to its field, with the formats of its cells."""
    profile = next(each for each in sheet.profiles if each.name == column)
    found = sheet.definition.field(target.partition(".")[0])
    made = ColumnMap(field=target, column=column)
    if found is not None and found.type in DATES:
        made = replace(made, date=sheet.date_format(column))
    if found is not None and found.type in NUMBERS and profile.number_format == "1.234,5":
        made = replace(made, decimal=",")
    return made


# --- from the form ------------------------------------------------------------------------------------------------------------


def of_form(sheet: Sheet, typed: MultiDict[str, str]) -> tuple[ImportMapping, list[str]]:
    """Return the mapping that was typed, and for each of its columns the control it comes from.

    Raises Refused (import_operation) for an operation that the page does not offer.
    """
    columns: list[ColumnMap] = []
    controls: list[str] = []
    for index, name in enumerate(sheet.reading.columns):
        if target := typed.get(f"c.{index}", ""):
            columns.append(replace(_column(sheet, name, target), values=_values(typed, index)))
            controls.append(f"c.{index}")
    for index in _more_indexes(typed):
        target, text = typed.get(f"x.{index}.field", ""), typed.get(f"x.{index}.text", "").strip()
        if target:
            kind, form = typed.get(f"x.{index}.kind", "expression"), typed.get(f"x.{index}.date") or None
            constant, expression = (text, None) if kind == "constant" else (None, text)
            columns.append(ColumnMap(field=target, date=form, constant=constant, expression=expression))
            controls.append(f"x.{index}.text")
    blank: Literal["ignore", "clear"] = "clear" if typed.get("blank") == "clear" else "ignore"
    columns = [replace(each, blank=blank, round="1" in typed.getlist("round")) for each in columns]
    operation = operation_of(typed.get("operation", "create"))
    mapping = ImportMapping(
        object=sheet.definition.name,
        operation=operation,
        found_by=tuple(name for name in typed.getlist("found_by") if name) if operation != "create" else (),
        columns=tuple(columns),
        record_type=typed.get("record_type") or None,
        leave_out_automations="1" in typed.getlist("leave_out"),
    )
    return mapping, controls


def _values(typed: MultiDict[str, str], index: int) -> dict[str, str]:
    found = {}
    for place in range(MOST_VALUES):
        given, meant = typed.get(f"v.{index}.{place}.from"), typed.get(f"v.{index}.{place}.to", "").strip()
        if given and meant:
            found[given] = meant
    return found


def _more_indexes(typed: MultiDict[str, str]) -> list[int]:
    return sorted({int(name.split(".")[1]) for name in typed if name.startswith("x.") and name.split(".")[1].isdigit()})


def doubled(mapping: ImportMapping) -> list[Problem]:
    """Return a problem for each field that two columns go to."""
    names = [each.field for each in mapping.columns]
    return [
        Problem(code="import_field_twice", field=name, pointer=f"/columns/{index}/field")
        for index, name in enumerate(names)
        if name in names[:index]
    ]


# --- to the form --------------------------------------------------------------------------------------------------------------


def form_of(sheet: Sheet, mapping: ImportMapping, problems: Sequence[Problem] = (), controls: Sequence[str] = ()) -> MappingForm:
    """Return the page of a mapping, each problem at the control it is about."""
    errors = _errors(sheet, problems, controls)
    by_column = {each.column: each for each in mapping.columns if each.column is not None}
    columns = [
        _row(sheet, index, profile, by_column.get(profile.name), errors.get(f"c.{index}", ()))
        for index, profile in enumerate(sheet.profiles)
    ]
    given = [each for each in mapping.columns if each.column is None]
    more = [_more(index, each, errors.get(f"x.{index}.text", ())) for index, each in enumerate(given)]
    more += [MoreRow(index=index) for index in range(len(more), len(more) + (1 if more else MORE // 2))]
    targets = [each.field for each in mapping.columns]
    fields = fields_to_choose(sheet.definition, targets)
    words = dict(fields)
    keys = [(name, words[name].removesuffix(" *")) for name in dict.fromkeys(each.partition(".")[0] for each in targets) if name in words]
    return MappingForm(
        mapping=mapping,
        columns=columns,
        more=more,
        fields=fields,
        keys=keys,
        errors=errors,
        summary=[{"id": f"f-{name}", "label": _place(sheet, name), "text": text} for name, texts in errors.items() for text in texts],
    )


def _row(sheet: Sheet, index: int, profile: Profile, mapped: ColumnMap | None, problems: Sequence[str]) -> ColumnRow:
    if mapped is None:
        return ColumnRow(index=index, profile=profile, problems=problems)
    found = sheet.definition.field(mapped.field.partition(".")[0])
    suggestion = sheet.suggested.get(profile.name)
    reason = _reason(suggestion) if suggestion is not None and suggestion.field == mapped.field else ""
    return ColumnRow(
        index=index,
        profile=profile,
        target=mapped.field,
        reason=reason,
        values=_shown_values(profile, found, mapped),
        choices=[(each.name, label(each)) for each in found.values if each.active] if found is not None else (),
        problems=problems,
    )


def _shown_values(profile: Profile, found: FieldDef | None, mapped: ColumnMap) -> list[tuple[str, str, int]]:
    """Return the values that have a word already and those of a picklist that need one."""
    given = dict.fromkeys(mapped.values, 0)
    if found is not None and found.type == "picklist" and profile.distinct:
        given |= dict(suggestions.values_to_map(profile, found))
    return [(value, mapped.values.get(value, ""), profile.distinct.get(value, 0)) for value in list(given)[:MOST_VALUES]]


def _more(index: int, mapped: ColumnMap, problems: Sequence[str]) -> MoreRow:
    kind = "constant" if mapped.constant is not None else "expression"
    text = (mapped.constant if mapped.constant is not None else mapped.expression) or ""
    return MoreRow(index=index, target=mapped.field, kind=kind, text=text, date=mapped.date or "", problems=problems)


def _reason(suggestion: Suggestion) -> str:
    words: dict[str, str] = {
        "name": _("Named like the field"),
        "label": _("Named like the field"),
        "synonym": _("Often means the same"),
        "values": _("The values fit"),
        "likeness": _("The names are alike"),
    }
    return words[suggestion.reason]


def _errors(sheet: Sheet, problems: Sequence[Problem], controls: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for problem in problems:
        parts = (problem.pointer or "").split("/")
        name = "found_by"
        if len(parts) > 2 and parts[1] == "columns" and parts[2].isdigit() and int(parts[2]) < len(controls):
            name = controls[int(parts[2])]
        elif len(parts) > 1 and parts[1] == "operation":
            name = "operation"
        found.setdefault(name, []).append(word(problem, sheet.definition.name))
    return found


def _place(sheet: Sheet, control: str) -> str:
    if control.startswith("c."):
        return sheet.reading.columns[int(control.split(".")[1])]
    words: dict[str, str] = {"found_by": _("Records are found by"), "operation": _("What becomes of a row")}
    return words.get(control) or str(_("Other values"))
