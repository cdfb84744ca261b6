"""Which column of a file goes to which field, and how a row becomes a change of a record.

Here: `ImportMapping` and its document form, checking one against object and file, compiling it to a function of a row.
Not here: reading the file (`csv_files.py`), finding the record a row means and saving it (`imports.py`), guesses (`suggestions.py`).
Source: spec/data.md, section 1, "Mapping".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias, get_args

from fieldstone import rules
from fieldstone.errors import Problem, Refused
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.field_types import CellFormat
from fieldstone.metadata.names import nearest
from fieldstone.records.gate.access import Rights
from fieldstone.rules.value_types import ValueType

Operation: TypeAlias = Literal["create", "update", "upsert", "create_or_skip", "update_or_skip"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)

STAMP = "created_at"  # a mapping may set it, if the person holds `modify_all_data`
NO_TABLE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """Where the value of one field comes from: a column, an expression over the row's columns, or a constant."""

    field: str  # API name; `account.erp_no` finds a lookup by a key of its target
    column: str | None = None  # header as the file has it
    expression: str | None = None  # over column names (`column_name`), all of type text
    constant: str | None = None
    values: Mapping[str, str] = made(default_factory=lambda: NO_TABLE)  # cell → what is meant by it
    date: str | None = None  # format of the column's dates, such as "M/D/Y"; None: ISO
    decimal: str = "."
    round: bool = False  # too many decimals are rounded, not refused
    blank: Literal["ignore", "clear"] = "ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMapping:
    """How the rows of a file become records of `object`."""

    object: str
    operation: Operation = "create"
    found_by: tuple[str, ...] = ()  # fields that together tell which record a row means; not needed for `create`
    columns: tuple[ColumnMap, ...] = ()
    record_type: str | None = None
    leave_out_automations: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One row, read by a mapping: cells by field as texts, or what was wrong with its expressions."""

    values: Mapping[str, str | None]
    problems: tuple[Problem, ...] = ()


Read: TypeAlias = Callable[[Sequence[str], rules.Context], Mapped]


def load(document: Mapping[str, Any]) -> ImportMapping:
    """Return the mapping that a document describes. Raises Refused with every key that is unknown or of the wrong form."""
    problems: list[Problem] = []
    known = {"kind", "api_name", "label", "object", "operation", "found_by", "columns", "record_type", "leave_out_automations"}
    problems += [_unknown(key, known, f"/{key}") for key in document if key not in known]
    if not isinstance(document.get("object"), str):
        problems.append(Problem(code="missing_key", params={"key": "object"}, pointer=""))
    operation: Operation = "create"
    try:
        operation = operation_of(document.get("operation", "create"))
    except Refused as refused:
        problems += refused.problems
    columns = [_column(entry, f"/columns/{index}", problems) for index, entry in enumerate(document.get("columns", ()))]
    if problems:
        raise Refused(problems)
    return ImportMapping(
        object=document["object"],
        operation=operation,
        found_by=tuple(document.get("found_by", ())),
        columns=tuple(columns),
        record_type=document.get("record_type"),
        leave_out_automations=bool(document.get("leave_out_automations", False)),
    )


def operation_of(given: Any) -> Operation:
    """Return the operation of that name. Raises Refused (import_operation)."""
    for known in OPERATIONS:
        if given == known:
            return known
    params = {"value": given, "allowed": ", ".join(OPERATIONS)}
    raise Refused(Problem(code="import_operation", params=params, pointer="/operation", suggestion=nearest(str(given), OPERATIONS)))


def dump(mapping: ImportMapping) -> dict[str, Any]:
    """Return the document of `mapping`, defaults left out; `load` gives the mapping back."""
    found: dict[str, Any] = {"kind": "import_mapping", "object": mapping.object, "operation": mapping.operation}
    if mapping.found_by:
        found["found_by"] = list(mapping.found_by)
    if mapping.record_type:
        found["record_type"] = mapping.record_type
    if mapping.leave_out_automations:
        found["leave_out_automations"] = True
    plain = ColumnMap(field="")
    found["columns"] = [
        {
            name: dict(value) if isinstance(value, Mapping) else value
            for name in ColumnMap.__slots__
            if (value := getattr(each, name)) != getattr(plain, name)
        }
        for each in mapping.columns
    ]
    return found


def _column(entry: Any, pointer: str, problems: list[Problem]) -> ColumnMap:
    known = set(ColumnMap.__slots__)
    if not isinstance(entry, Mapping) or not isinstance(entry.get("field"), str):
        problems.append(Problem(code="missing_key", params={"key": "field"}, pointer=pointer))
        return ColumnMap(field="")
    problems += [_unknown(key, known, f"{pointer}/{key}") for key in entry if key not in known]
    sources = [key for key in ("column", "expression", "constant") if entry.get(key) is not None]
    if len(sources) != 1:
        problems.append(Problem(code="import_source", params={"field": entry["field"], "count": len(sources)}, pointer=pointer))
    return ColumnMap(**{key: value for key, value in entry.items() if key in known})


def _unknown(key: str, known: Iterable[str], pointer: str) -> Problem:
    return Problem(code="unknown_key", params={"key": key}, pointer=pointer, suggestion=nearest(key, known))


# --- against an object and a file ---------------------------------------------------------------------------------------------


def check(mapping: ImportMapping, definition: ObjectDef, rights: Rights, columns: Sequence[str]) -> tuple[Problem, ...]:
    """Return every reason why rows with these `columns` cannot be imported by `mapping`."""
    problems: list[Problem] = []
    for index, each in enumerate(mapping.columns):
        pointer = f"/columns/{index}"
        problems += _check_field(each, definition, rights, f"{pointer}/field")
        if each.column is not None and each.column not in columns:
            params = {"column": each.column}
            problems.append(
                Problem(code="import_no_column", params=params, pointer=f"{pointer}/column", suggestion=nearest(each.column, columns))
            )
        if each.expression is not None:
            scope = RowScope(columns)
            found = rules.problems(each.expression, scope, rules.Use.DEFAULT)
            problems += [problem.at(pointer=f"{pointer}/expression") for problem in found if not problem.warning]
    problems += _check_keys(mapping, definition, rights)
    return tuple(problems)


def _check_field(each: ColumnMap, definition: ObjectDef, rights: Rights, pointer: str) -> list[Problem]:
    if each.field == STAMP:
        return [] if rights.setup("modify_all_data") else [Problem(code="import_stamp", pointer=pointer)]
    name = each.field.partition(".")[0]
    found = definition.field(name)
    readable = rights.readable(definition.name) | rights.editable(definition.name)
    if found is None or (not found.system and found.name not in readable):
        params = {"name": name, "object": definition.name}
        return [Problem(code="unknown_field", params=params, pointer=pointer, suggestion=nearest(name, readable))]
    if found.name != "owner" and (found.system or found.name not in rights.editable(definition.name)):
        return [Problem(code="read_only", params={"object": definition.name}, field=found.name, pointer=pointer)]
    return []


def _check_keys(mapping: ImportMapping, definition: ObjectDef, rights: Rights) -> list[Problem]:
    if mapping.operation == "create":
        return []
    if not mapping.found_by:
        return [Problem(code="import_no_key", params={"operation": mapping.operation}, pointer="/found_by")]
    mapped = {each.field.partition(".")[0] for each in mapping.columns}
    problems = []
    for index, name in enumerate(mapping.found_by):
        found = definition.field(name)
        if found is None or (found.name not in rights.readable(definition.name) and found.name != "id"):
            params = {"name": name, "object": definition.name}
            problems.append(Problem(code="unknown_field", params=params, pointer=f"/found_by/{index}"))
        elif name not in mapped:
            problems.append(Problem(code="import_key_unmapped", params={"name": name}, pointer=f"/found_by/{index}"))
    return problems


# --- rows ---------------------------------------------------------------------------------------------------------------------


def column_name(header: str, index: int) -> str:
    """Return the name of a column in expressions: its header in lower case with underscores, or `col_7` when no letter remains."""
    name = re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")
    return name if re.match(r"[a-z]", name) else f"col_{index + 1}"


class RowScope:
    """What names mean in an expression over a row: its columns, all texts."""

    object_label = "the file"

    def __init__(self, columns: Sequence[str]) -> None:
        self.names = {column_name(header, index): index for index, header in enumerate(columns)}

    def resolve(self, name: str) -> rules.Resolved | None:
        """Return the column called `name`, in any letter case."""
        return rules.Resolved(path=(name.lower(),), type=ValueType.TEXT) if name.lower() in self.names else None

    def lacking(self, name: str) -> tuple[str, str]:
        """Return the name as it stands, and the file."""
        return name, self.object_label

    def nearest(self, name: str) -> str | None:
        """Return the column whose name is nearest."""
        return nearest(name.lower(), self.names)


def compiled(mapping: ImportMapping, columns: Sequence[str]) -> Read:
    """Return the function that reads one row. The mapping has passed `check` with these columns."""
    places = {header: index for index, header in enumerate(columns)}
    scope = RowScope(columns)
    sources = [(each, _source(each, places, scope)) for each in mapping.columns]

    def read(cells: Sequence[str], context: rules.Context) -> Mapped:
        values: dict[str, str | None] = {}
        problems = []
        for each, source in sources:
            try:
                text = source(cells, context)
            except rules.EvaluationError as failure:
                params = {"category": failure.category, "expression": each.expression}
                problems.append(Problem(code="import_expression", params=params, field=each.field))
                continue
            text = each.values.get(text, text)
            if text:
                values[each.field] = text
            elif each.blank == "clear":
                values[each.field] = None
        return Mapped(values=values, problems=tuple(problems))

    return read


def _source(each: ColumnMap, places: Mapping[str, int], scope: RowScope) -> Callable[[Sequence[str], rules.Context], str]:
    if each.column is not None:
        index = places[each.column]
        return lambda cells, context: cells[index].strip()
    if each.constant is not None:
        constant = each.constant
        return lambda cells, context: constant
    checked = rules.check(each.expression or "", scope, rules.Use.DEFAULT)
    run = rules.to_python(checked)
    used = {path[0]: scope.names[path[0]] for path in checked.reads}

    def evaluate(cells: Sequence[str], context: rules.Context) -> str:
        row = {name: cells[index].strip() or None for name, index in used.items()}
        return as_cell(run(row, context))

    return evaluate


def as_cell(value: Any) -> str:
    """Return a typed value as the text that a cell with ISO dates and plain numbers would have."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value.normalize(), "f")
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
    return str(value)


def cell_formats(mapping: ImportMapping, language: str, zone: Any) -> dict[str, CellFormat]:
    """Return how the cells of each field are to be read by the pipeline."""
    return {
        each.field: CellFormat(date=each.date, decimal=each.decimal, round=each.round, language=language, zone=zone)
        for each in mapping.columns
    }


def is_lookup(definition: ObjectDef, name: str) -> FieldDef | None:
    """Return the field called `name` if it holds the id of a record."""
    found = definition.field(name)
    return found if found is not None and (found.type in LOOKUPS or found.name == "owner") else None
