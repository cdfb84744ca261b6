"""Conditions that a person adds to a list: read from the URL, shown as chips, handed to the gate as a tree.

Here: which operators a type of field has, reading what was typed in the reader's language, the tree.
Not here: what a tree means (`records/filters.py`), the editor's markup (`templates/list/`).

In a URL condition number n is `f.n` (path of the field), `o.n` (operator), `v.n` and `w.n` (values as typed); of a choice
among picklist values each chosen one is a key `v.n.<API name>`, because no key stands twice in a URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _

from fieldstone.errors import Problem
from fieldstone.i18n import formats
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.list_views import ListColumn, column
from fieldstone.web.shown import name_columns, titles

MOST_CONDITIONS = 20
TEXTS = frozenset({"text", "email", "phone", "url", "auto_number", "long_text", "rich_text"})
NUMBERS = frozenset({"number", "currency", "percent"})
PERIODS = (
    "today",
    "yesterday",
    "tomorrow",
    "this_week",
    "last_week",
    "next_week",
    "this_month",
    "last_month",
    "next_month",
    "this_quarter",
    "last_quarter",
    "next_quarter",
    "this_year",
    "last_year",
    "last_7_days",
    "last_30_days",
    "last_90_days",
    "next_30_days",
)
NO_VALUE = frozenset({"blank", "not_blank", "me"})
KEY = re.compile(r"([fovw])\.(\d{1,2})(?:\.(.+))?")


def operators(found: FieldDef) -> tuple[str, ...]:
    """Return the operators a person may choose for a field, the commonest first."""
    match found.result_type:
        case kind if kind in NUMBERS:
            return ("ge", "le", "eq", "ne", "between", "blank", "not_blank")
        case "date" | "datetime":
            return ("in_period", "ge", "le", "between", "blank", "not_blank")
        case "checkbox":
            return ("eq",)
        case "picklist":
            return ("in", "not_in", "blank", "not_blank")
        case "multi_picklist":
            return ("includes_any", "includes_all", "blank", "not_blank")
        case "long_text" | "rich_text":
            return ("contains", "not_contains", "blank", "not_blank")
    if found.type in LOOKUPS or found.name == "owner":
        people = ("me",) if found.to == "user" or found.name == "owner" else ()
        return (*people, "eq", "ne", "blank", "not_blank")
    return ("contains", "eq", "starts_with", "ne", "not_contains", "blank", "not_blank")


def operator_words(name: str, found: FieldDef) -> str:
    """Return an operator as it reads between field and value."""
    dated = found.result_type in ("date", "datetime")
    words = {
        "eq": _("is"),
        "ne": _("is not"),
        "in": _("is"),
        "not_in": _("is not"),
        "between": _("is between"),
        "ge": _("is on or after") if dated else _("is at least"),
        "le": _("is on or before") if dated else _("is at most"),
        "contains": _("contains"),
        "not_contains": _("does not contain"),
        "starts_with": _("begins with"),
        "blank": _("is empty"),
        "not_blank": _("is not empty"),
        "in_period": _("is in"),
        "includes_any": _("has any of"),
        "includes_all": _("has all of"),
        "me": _("is me"),
    }
    return str(words[name])


def period_words(name: str) -> str:
    """Return a period in words."""
    words = {
        "today": _("today"),
        "yesterday": _("yesterday"),
        "tomorrow": _("tomorrow"),
        "this_week": _("this week"),
        "last_week": _("last week"),
        "next_week": _("next week"),
        "this_month": _("this month"),
        "last_month": _("last month"),
        "next_month": _("next month"),
        "this_quarter": _("this quarter"),
        "last_quarter": _("last quarter"),
        "next_quarter": _("next quarter"),
        "this_year": _("this year"),
        "last_year": _("last year"),
        "last_7_days": _("the last 7 days"),
        "last_30_days": _("the last 30 days"),
        "last_90_days": _("the last 90 days"),
        "next_30_days": _("the next 30 days"),
    }
    return str(words[name])


@dataclass(slots=True, kw_only=True)
class Condition:
    """One condition of a list. `values` are as they were typed."""

    number: int
    column: ListColumn
    operator: str
    values: tuple[str, ...] = ()
    problem: Problem | None = None
    shown: str = ""  # the values as its chip shows them
    node: Mapping[str, Any] | None = field(default=None)  # None: nothing to filter by, or a problem

    @property
    def words(self) -> str:
        """The operator as it reads between field and value."""
        return operator_words(self.operator, self.column.field)

    @property
    def keys(self) -> dict[str, str]:
        """This condition as it stands in a URL."""
        n = self.number
        keys = {f"f.{n}": self.column.path, f"o.{n}": self.operator}
        if _is_choice(self.column.field):
            return keys | {f"v.{n}.{value}": "1" for value in self.values}
        return keys | {f"{letter}.{n}": value for letter, value in zip("vw", self.values, strict=False)}


def _is_choice(found: FieldDef) -> bool:
    return found.result_type in ("picklist", "multi_picklist")


def read(definition: ObjectDef, arguments: Mapping[str, str]) -> list[Condition]:
    """Return the conditions in a URL. A field the reader may not see is left out, as one that was never defined would be."""
    given: dict[int, dict[str, list[str]]] = {}
    for key, value in arguments.items():
        matched = KEY.fullmatch(key)
        if matched is not None and len(given) < MOST_CONDITIONS:
            letter, number, rest = matched.groups()
            given.setdefault(int(number), {}).setdefault(letter, []).append(rest if rest is not None else value)
    found = [_read(definition, number, parts) for number, parts in sorted(given.items())]
    return [condition for condition in found if condition is not None]


def _read(definition: ObjectDef, number: int, parts: Mapping[str, list[str]]) -> Condition | None:
    shown_column = column(definition, parts.get("f", [""])[0])
    if shown_column is None:
        return None
    possible = operators(shown_column.field)
    operator = parts.get("o", [possible[0]])[0]
    if operator not in possible:
        operator = possible[0]
    if _is_choice(shown_column.field):
        values = tuple(parts.get("v", []))
    else:
        values = tuple(parts[letter][0] for letter in ("v", "w") if letter in parts)
    condition = Condition(number=number, column=shown_column, operator=operator, values=values)
    _understand(condition)
    return condition


def _understand(condition: Condition) -> None:
    """Fill in the node for the gate and the words for the chip, or the problem with what was typed."""
    found, values = condition.column.field, [value for value in condition.values if value.strip()]
    needed = 0 if condition.operator in NO_VALUE else 2 if condition.operator == "between" else 1
    if len(values) < needed:
        return  # chosen but not filled in yet
    leaf: dict[str, Any] = {"field": condition.column.path, "op": condition.operator}
    try:
        match condition.operator:
            case operator if operator in NO_VALUE:
                pass
            case "in_period":
                if values[0] not in PERIODS:
                    return
                leaf["value"], condition.shown = values[0], period_words(values[0])
            case _ if _is_choice(found):
                leaf["value"], condition.shown = values, ", ".join(_choice(found, value) for value in values)
            case _ if found.type in LOOKUPS or found.name == "owner":
                leaf["value"], condition.shown = values[0], _name_of(found, values[0])
            case _ if found.result_type == "datetime":
                condition.node, condition.shown = _instants(condition.column.path, condition.operator, values)
                return
            case _:
                typed = [_typed(found, value) for value in values[:needed]]
                leaf["value"] = typed if needed == 2 else typed[0]
                condition.shown = " – ".join(_shown(found, value) for value in typed)
    except ValueError:
        condition.problem = Problem(code="not_understood", params={"value": values[0], "field": condition.column.label})
        return
    condition.node = leaf


def _typed(found: FieldDef, value: str) -> Any:
    """Return a typed value as a tree holds it. Raises ValueError for what cannot be understood."""
    match found.result_type:
        case kind if kind in NUMBERS:
            return formats.typed_number(value, current.language)
        case "date":
            return formats.typed_date(value, current.language, current.today).isoformat()
        case "checkbox":
            return value == "1"
    return value.strip()


def _shown(found: FieldDef, value: Any) -> str:
    match found.result_type:
        case "currency":
            return formats.money(value, current.org.settings.currency, current.language, None if value % 1 else 0)
        case "percent":
            return formats.percent(value, current.language)
        case "number":
            return formats.number(value, current.language)
        case "date":
            return formats.date(datetime.fromisoformat(value).date(), current.language)
        case "checkbox":
            return str(_("yes") if value else _("no"))
    return str(value)


def _instants(path: str, operator: str, values: list[str]) -> tuple[Mapping[str, Any], str]:
    """Return the node for whole days of the reader's zone, last day included, and its words."""
    days = [formats.typed_date(value, current.language, current.today) for value in values]
    last = days[-1] if operator in ("le", "between") else None
    first = days[0] if operator in ("ge", "between") else None
    nodes = []
    for day, op in ((first, "ge"), (last + timedelta(days=1) if last is not None else None, "lt")):
        if day is not None:
            midnight = datetime.combine(day, time(), current.zone).astimezone(UTC)
            nodes.append({"field": path, "op": op, "value": midnight.strftime("%Y-%m-%dT%H:%M:%SZ")})
    return {"and": nodes}, " – ".join(formats.date(day, current.language) for day in days)


def _choice(found: FieldDef, name: str) -> str:
    value = found.value(name)
    return label(value) if value is not None else name


def _name_of(found: FieldDef, record_id: str) -> str:
    target = found.to or "user"
    found_names = current.gate.names(target, [record_id]) if target in current.rights.visible_objects else {}
    if record_id not in found_names:
        return str(_("Hidden"))
    return titles(current.snapshot.objects[target], {record_id: found_names[record_id].name})[record_id]


def tree(nodes: Iterable[Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    """Return the nodes joined by AND, None for none at all."""
    present = [node for node in nodes if node is not None]
    return {"and": present} if len(present) > 1 else present[0] if present else None


def searching(definition: ObjectDef, text: str) -> Mapping[str, Any] | None:
    """Return the node of the search box of a list: the text stands in the name or another searchable field the reader may see."""
    if not text.strip():
        return None
    readable = current.rights.readable(definition.name)
    others = [each.name for each in definition.fields.values() if each.searchable and each.name in readable]
    names = dict.fromkeys((*name_columns(definition), *others))
    texts = [name for name in names if definition.fields[name].result_type in TEXTS]
    nodes = [{"field": name, "op": "contains", "value": text.strip()} for name in texts[:6]]
    return {"or": nodes or [{"expression": "FALSE"}]} if len(nodes) != 1 else nodes[0]


def filterable(definition: ObjectDef) -> list[ListColumn]:
    """Return the fields of an object that the reader may filter by, in the order of their birth, the stamps last."""
    readable = current.rights.readable(definition.name)
    wanted = [each.name for each in definition.fields.values() if each.name in readable]
    wanted += [
        name
        for name in ("owner", "record_type", "approval_status", "created_at", "created_by", "updated_at", "updated_by")
        if name in readable
    ]
    if definition.owned_by == "none":
        wanted = [name for name in wanted if name != "owner"]
    return [each for name in wanted if (each := column(definition, name)) is not None]
