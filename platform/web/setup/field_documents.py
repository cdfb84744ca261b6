"""A field's part of a document ↔ the form that edits it.

Here: both directions, picklist values included, and the answers for records that are there already.
Not here: the page (`fields`), whether the field is right (`metadata.check`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone import limits
from fieldstone.errors import Problem
from fieldstone.i18n.languages import LANGUAGES
from fieldstone.metadata.changes import Answer
from fieldstone.metadata.definitions.definition import COLORS
from fieldstone.metadata.definitions.objects import COMPUTED, LOOKUPS
from fieldstone.web.current import current
from fieldstone.web.setup.definitions import Document
from fieldstone.web.setup.expression_editor import UNNAMED
from fieldstone.web.setup.field_cards import (
    BOUNDS,
    EXPRESSIONS,
    LABELS,
    SWITCHES,
    TEXTS,
    WHOLE_NUMBERS,
    defaults_of,
    options_of,
)
from fieldstone.web.setup.typed import Control, TypedForm, json_of, label_of, name_from, number_of, put, put_label, to_json

NUMBERS = ("number", "currency", "percent")
OF_CHECKBOX = "default_expression"  # the control of a default that is an expression, where "default" is a choice
ASK = frozenset({"rows_blank", "rows_do_not_fit", "value_in_use"})  # problems that an answer settles


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """One picklist value as a row of the form; `number` tells the rows apart."""

    number: int
    name: str
    label: Mapping[str, str]
    color: str
    active: bool
    stored: bool  # it is published: its API name is data


def to_form(part: Mapping[str, Any], name: str = "") -> MultiDict[str, str]:
    """Return a field's part as its form shows it."""
    typed: MultiDict[str, str] = MultiDict({"api_name": name})
    put_label(typed, "label", part.get("label"))
    put_label(typed, "help", part.get("help"))
    given = {**defaults_of(part["type"]), **part}
    for key in (*SWITCHES, *WHOLE_NUMBERS, *BOUNDS, *TEXTS, *EXPRESSIONS):
        if key in given and key in options_of(part["type"]):
            typed[key] = _as_typed(given[key])
    for key in LABELS:
        put_label(typed, key, part.get(key))
    typed.update({control: to_json(examples) for control, examples in _shared_out(part.get("examples", ()), part["type"]).items()})
    typed["declassified"] = part.get("declassified", {}).get("reason", "")
    default = part.get("default")
    typed["default"] = ";".join(default) if isinstance(default, list) else _as_typed(default) if default is not None else ""
    values_to_form(typed, part.get("values", ()))
    for control, allowed in part.get("allowed", {}).items():
        typed.setlist(f"allowed.{control}", list(allowed))
    return typed


def _as_typed(value: Any) -> str:
    return ("1" if value else "0") if isinstance(value, bool) else str(value)


def values_to_form(typed: MultiDict[str, str], values: Iterable[Mapping[str, Any]]) -> None:
    """Put published picklist values into a form, a row each."""
    for number, value in enumerate(values):
        typed[f"value.{number}.name"] = value["api_name"]
        typed[f"value.{number}.stored"] = value["api_name"]
        put_label(typed, f"value.{number}.label", value.get("label"))
        typed[f"value.{number}.color"] = value.get("color", "")
        typed[f"value.{number}.active"] = "1" if value.get("active", True) else "0"
        if value.get("default"):
            typed.add("value_default", str(number))


def rows_of(typed: MultiDict[str, str]) -> list[ValueRow]:
    """Return the rows of picklist values in their order: as they were dragged, else as they are numbered."""
    numbers = sorted({int(key.split(".")[1]) for key in typed if key.startswith("value.") and key.split(".")[1].isdigit()})
    try:
        order = [int(each) for each in json.loads(typed.get("value_order") or "[]")]
    except (ValueError, TypeError):
        order = []
    ranked = sorted(numbers, key=lambda number: (order.index(number) if number in order else len(order), number))
    form = TypedForm(typed=typed)
    return [
        ValueRow(
            number=number,
            name=form.value(f"value.{number}.name").strip(),
            label=form.label(f"value.{number}.label"),
            color=form.value(f"value.{number}.color"),
            active=form.ticked(f"value.{number}.active"),
            stored=bool(form.value(f"value.{number}.stored")),
        )
        for number in ranked
        if not form.ticked(f"value.{number}.gone")
    ]


def from_form(typed: MultiDict[str, str], type_: str, name: str, before: Mapping[str, Any] | None = None) -> Document:
    """Return the part of a document that a form describes for the field `name`; what the form does not show stays as it was `before`."""
    form, has = TypedForm(typed=typed), options_of(type_)
    before = before or {}
    part: Document = {"type": type_, **{key: value for key, value in before.items() if key in has and key != "type"}}
    put(part, "label", label_of(form.label("label"), before.get("label")))
    put(part, "help", label_of(form.label("help"), before.get("help")))
    for key in SWITCHES:
        if key in has and key in typed:
            part[key] = form.ticked(key)
    for key in (*WHOLE_NUMBERS, *BOUNDS, *TEXTS, *EXPRESSIONS):
        if key in has and key in typed:
            put(part, key, _option(key, form.value(key).strip(), type_))
    for key in LABELS:
        if key in has:
            put(part, key, label_of(form.label(key), before.get(key)))
    if type_ == "formula" and part.get("returns") not in NUMBERS:
        part = {key: value for key, value in part.items() if key not in ("scale", "precision")}
    if "declassified" in has and "declassified" in typed:
        reason = form.value("declassified").strip()
        put(part, "declassified", {"reason": reason} if reason else None)
    if "default" in has and "default" in typed:
        put(part, "default", _default(_written_default(form), type_))
    if "examples" in has:
        put(part, "examples", _examples(part, form, name))
    if "values" in has:
        _put_values(part, form, before)
    return part


def _option(key: str, text: str, type_: str) -> Any:
    if text and (key in WHOLE_NUMBERS or (key in BOUNDS and type_ in NUMBERS)):
        return number_of(text)
    return text


def _written_default(form: TypedForm) -> str:
    """Return a default as it is written for every type; the form of a checkbox has its expression in a box of its own."""
    text = form.value("default").strip()
    return f"={form.value(OF_CHECKBOX).strip().removeprefix('=')}" if text == "=" else text


def _default(text: str, type_: str) -> Any:
    if not text or text.startswith("="):
        return text
    if type_ in NUMBERS:
        return number_of(text)
    if type_ == "checkbox":
        return text == "1"
    return [each.strip() for each in text.split(";") if each.strip()] if type_ == "multi_picklist" else text


def _shared_out(examples: Iterable[Mapping[str, Any]], type_: str) -> dict[str, list[Mapping[str, Any]]]:
    """Return the examples of a field by the control that lists them: those of a lookup's filter expect true or false."""
    listed: dict[str, list[Mapping[str, Any]]] = {"examples": [], "default_examples": []}
    for each in examples:
        of_default = not isinstance(each["expect"], bool) if type_ in LOOKUPS else type_ not in COMPUTED
        listed["default_examples" if of_default else "examples"].append(each)
    return listed


def _examples(part: Document, form: TypedForm, name: str) -> Any:
    """Return the examples of a field, those of its filter first; what is no list as it was typed, for the check to refuse.

    Examples of an expression that is no more go along with it.
    """
    listed: dict[str, Any] = dict(_shared_out(part.get("examples", ()), part["type"]))
    for control in listed:
        if control in form.typed:
            listed[control] = json_of(form.value(control)) or []
    if part["type"] in LOOKUPS and "filter" not in part:
        listed["examples"] = []
    if not str(part.get("default", "")).startswith("="):
        listed["default_examples"] = []
    malformed = next((each for each in listed.values() if not isinstance(each, list)), None)
    return malformed or [*(_named(each, name) for each in listed["examples"]), *listed["default_examples"]]


def _named(example: Any, name: str) -> Any:
    """Return an example of a filter with the name of its lookup, which has none in the form of a new one."""
    related = example.get("related") if isinstance(example, dict) else None
    if not isinstance(related, dict) or UNNAMED not in related:
        return example
    return {**example, "related": {name if key == UNNAMED else key: row for key, row in related.items()}}


def _places_of_examples(at: str, typed: MultiDict[str, str], type_: str) -> dict[str, Control]:
    """Return where problems of examples stand: those of the filter come first in the document."""
    words = option_words()
    own, default = (Control(name=control, label=words[control]) for control in ("examples", "default_examples"))
    if type_ not in LOOKUPS:
        return {f"{at}/examples": own if type_ in COMPUTED else default}
    listed = json_of(typed.get("examples", "")) or []
    number = len(listed) if isinstance(listed, list) else 0
    whole = default if isinstance(listed, list) and not isinstance(json_of(typed.get("default_examples", "")) or [], list) else own
    return {f"{at}/examples": whole} | {
        f"{at}/examples/{index}": own if index < number else default for index in range(limits.EXAMPLES_A_DEFINITION)
    }


def _put_values(part: Document, form: TypedForm, before: Mapping[str, Any]) -> None:
    """Put the values of a picklist: the rows in their order, then those typed one a line; or the value set that stands for them."""
    if form.value("value_set"):
        part.pop("values", None)
    else:
        part["values"] = values_of(form, before.get("values", ()))
    allowed = {key.removeprefix("allowed."): form.values(key) for key in form.typed if key.startswith("allowed.")}
    if part.get("controlled_by"):
        part["allowed"] = allowed or part.get("allowed") or {}
    else:
        part.pop("allowed", None)


def values_of(form: TypedForm, before: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Return the picklist values of a form: the rows in their order, then those typed one a line."""
    known = {value["api_name"]: value for value in before}
    chosen = frozenset(form.typed.getlist("value_default"))
    values = [_value(row, known.get(row.name, {}), str(row.number) in chosen) for row in rows_of(form.typed)]
    return values + list(_lines(form.value("values_new"), [value["api_name"] for value in values]))


def _value(row: ValueRow, before: Mapping[str, Any], chosen: bool) -> Document:
    value: Document = {**before, "api_name": row.name or name_from(row.label)}
    put(value, "label", label_of(row.label, before.get("label")))
    put(value, "color", row.color)
    value["active"], value["default"] = row.active, chosen
    return value


def _lines(text: str, taken: Sequence[str]) -> Iterable[Document]:
    """Read values typed one a line; the languages of a line stand between bars: Won | 赢单 | 贏單."""
    names = list(taken)
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|")]
        texts = {tag: part for tag, part in zip(LANGUAGES, parts, strict=False) if part}
        if len(parts) == 1 and texts:
            texts = {current.language: parts[0]}
        if texts:
            names.append(name_from(texts, names) or f"value_{len(names) + 1}")
            yield {"api_name": names[-1], "label": texts, "color": COLORS[(len(names) - 1) % 12]}


def places(name: str, type_: str, typed: MultiDict[str, str], number_of_values: int) -> dict[str, Control]:
    """Return where problems of a field stand on its form, by JSON pointer."""
    at = f"/fields/{name}"
    first = current.language
    words = option_words()
    found = {f"{at}/{key}": Control(name=key, label=words.get(key, key)) for key in options_of(type_)}
    found |= {f"{at}/{key}": Control(name=f"{key}-{first}", label=words[key]) for key in ("label", "help", "filter_message")}
    found |= {f"{at}/values": Control(name="values_new", label=_("Values")), at: Control(name="api_name", label=_("API name"))}
    found |= _places_of_examples(at, typed, type_)
    if typed.get("default") == "=":
        found[f"{at}/default"] = Control(name=OF_CHECKBOX, label=words["default"])
    if type_ == "roll_up":
        found[at] = Control(name="relation", label=words["relation"])
    found |= {
        f"{at}/values/{number}": Control(name=f"value.{number}.name", label=_("Value %(number)s", number=number + 1))
        for number in range(number_of_values)
    }
    return found


def option_words() -> dict[str, str]:
    """Return what people call the options of a field."""
    return {
        "label": _("Label"), "help": _("Help"), "required": _("Required"), "unique": _("Unique"), "external_id": _("External id"),
        "ignore_case": _("Upper and lower case are the same"), "indexed": _("Indexed"), "history": _("Keeps history"),
        "searchable": _("Found by search"), "sensitive": _("Sensitive"), "restricted": _("Only these values"),
        "active_only": _("Active people only"), "reparent": _("May move to another parent"), "length": _("Length"),
        "precision": _("Digits in all"), "scale": _("Decimal places"), "min": _("Least"), "max": _("Most"), "start": _("Starts at"),
        "max_chosen": _("Most that can be chosen"), "pattern": _("Pattern"), "region": _("Region"), "to": _("Object"),
        "on_delete": _("When the record is deleted"), "children": _("Name of the related list"), "value_set": _("Value set"),
        "controlled_by": _("Depends on"), "returns": _("Result"), "blanks": _("Blank numbers"), "relation": _("Records"),
        "function": _("Takes"), "field": _("Of the field"), "formula": _("Formula"), "filter": _("Filter"),
        "filter_message": _("Message of the filter"), "default": _("Default"), "values": _("Values"), "allowed": _("Allowed values"),
        "examples": _("Examples"), "default_examples": _("Examples of the default"),
        "declassified": _("Shown to all readers because"),
    }  # fmt: skip


def answer_of(typed: MultiDict[str, str], type_: str) -> Answer | None:
    """Return what the form says about records that are there already; None if it says nothing."""
    form = TypedForm(typed=typed)
    blanks, fill = form.value("answer"), form.value("answer_fill").strip()
    replace = {key.removeprefix("replace."): (form.value(key) or None) for key in typed if key.startswith("replace.")}
    if not (blanks or replace or form.value("answer_format")):
        return None
    format_ = form.value("answer_format").strip() or None
    if blanks == "fill":
        return Answer(fill=_default(fill, type_), unfit="fill", replace=replace, format=format_)
    return Answer(leave=blanks == "leave", unfit="blank" if blanks == "blank" else "stop", replace=replace, format=format_)


def questions(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that the records make and that an answer settles."""
    return tuple(each for each in problems if each.code in ASK)
