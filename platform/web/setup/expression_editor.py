"""One place where an expression stands, as an editor in Setup describes it, and the words for types and values there.

Here: `Editor`, `type_words`, `result_words`, `value_words`. Not here: what the editor is answered (`expressions`), the language (`rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from flask import request
from flask_babel import gettext as _

from fieldstone import rules
from fieldstone.errors import NotVisible, Problem
from fieldstone.i18n import formats, texts
from fieldstone.metadata.checks.expressions import taken_by
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types import FIELD_TYPES
from fieldstone.metadata.scope import ObjectScope, scope, steps_of
from fieldstone.rules.decimals import rounded
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label

EXPECTED = {  # what a field of that type takes
    "text": rules.ValueType.TEXT, "number": rules.ValueType.NUMBER, "currency": rules.ValueType.NUMBER, "percent": rules.ValueType.NUMBER,
    "checkbox": rules.ValueType.BOOLEAN, "date": rules.ValueType.DATE, "datetime": rules.ValueType.DATETIME,
}  # fmt: skip
UNNAMED = ""  # a lookup that is not published yet, in the examples of its filter
RECORD = "$record."  # before the names of the record that has the lookup, in any letter case
SHOWN_DIGITS = Context(prec=15, rounding=ROUND_HALF_UP)  # of a number inside an expression, which has 39


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """One place where an expression stands: of which object, for what, in which null mode; as the page told the editor."""

    object: str
    use: rules.Use
    blanks: rules.Blanks | None = None
    record: str | None = None  # in a lookup filter, the object that has the lookup
    returns: str = ""  # type of the field that takes the result
    scale: int = 0
    owner: str = ""  # the object whose definition holds the expression
    name: str = UNNAMED  # of the lookup that has the filter
    active_only: bool = False  # of a filter of a lookup of people: the others may not be chosen, whatever it says
    relation: str = ""  # of a roll-up: what it takes from where
    function: str = ""
    summed: str = ""

    @classmethod
    def of_request(cls) -> Editor:
        """Read it from the address. Raises NotVisible for a place that does not exist."""
        asked = request.args
        try:
            use = rules.Use(asked.get("use", "formula"))
            blanks = rules.Blanks(asked["blanks"]) if asked.get("blanks") else None
        except ValueError:
            raise NotVisible("use") from None
        chosen = asked.get("to") or asked.get("relation", "").partition(".")[0]  # a control of the form says of which object
        name = current.snapshot.object(chosen or asked.get("object", "")).name
        record = current.snapshot.object(asked["record"]).name if asked.get("record") else None
        scale = asked.get("scale", "")
        digits = min(int(scale), 18) if scale.isascii() and scale.isdigit() and len(scale) < 3 else 0
        return cls(
            object=name, use=use, blanks=blanks, record=record, returns=asked.get("returns", ""), scale=digits,
            owner=record or current.snapshot.object(asked.get("object") or name).name,
            name=asked.get("name", UNNAMED), active_only=asked.get("active_only") == "1",
            relation=asked.get("relation", ""), function=asked.get("function", ""), summed=asked.get("field", ""),
        )  # fmt: skip

    @property
    def scope(self) -> ObjectScope:
        """What names mean there."""
        return scope(current.snapshot, self.object, self.use, record=self.record)

    @property
    def field(self) -> FieldDef | None:
        """A field like the one that takes the result; None for a condition."""
        if self.use is rules.Use.DEFAULT and self.returns in FIELD_TYPES:
            return FieldDef(name="result", label={}, object=self.object, type=self.returns, scale=self.scale)
        if self.returns not in EXPECTED:
            return None
        blanks = (self.blanks or rules.Blanks.ZERO).value
        type_, returns = ("formula", self.returns) if self.use is rules.Use.FORMULA else (self.returns, None)
        return FieldDef(name="result", label={}, object=self.object, type=type_, returns=returns, scale=self.scale, blanks=blanks)

    def judged(self, source: str) -> FieldDef | None:
        """A field like the one that has `source`, as its examples are judged; None where no field has it."""
        common: dict[str, Any] = {"name": self.name, "label": {}, "object": self.owner}
        match self.use:
            case rules.Use.LOOKUP_FILTER:
                return FieldDef(**common, type="lookup", to=self.object, filter=source)
            case rules.Use.ROLLUP_FILTER:
                summed = current.snapshot.objects[self.object].field(self.summed) if self.function != "count" else None
                result: dict[str, Any] = {"returns": "number"} if summed is None else {"returns": summed.result_type, "scale": summed.scale}
                taken: dict[str, Any] = {"relation": self.relation, "function": self.function, "field": self.summed or None}
                return FieldDef(**common, type="roll_up", filter=source or None, **taken, **result)
        field = self.field
        if field is None:
            return None
        return replace(field, default_formula=source) if self.use is rules.Use.DEFAULT else replace(field, formula=source)

    def in_example(self, path: str) -> tuple[tuple[str, ...], str]:
        """Return where an example holds what a path leads to, and what it is called there."""
        match self.use:
            case rules.Use.LOOKUP_FILTER:
                return (("record",), path[len(RECORD) :]) if path.lower().startswith(RECORD) else (("related", self.name), path)
            case rules.Use.ROLLUP_FILTER:
                return ("related", self.relation), path
        return ("record",), path

    @property
    def expected(self) -> frozenset[rules.ValueType] | None:
        """The types of result that the place takes, as a publish asks for them; None where the use says."""
        if self.use is rules.Use.DEFAULT and self.returns in FIELD_TYPES:
            return taken_by(FieldDef(name="result", label={}, object=self.object, type=self.returns))
        return frozenset({EXPECTED[self.returns]}) if self.returns in EXPECTED else None

    def problems(self, source: str) -> tuple[Problem, ...]:
        """Return everything that is wrong with an expression there, with its place."""
        return rules.problems(source, self.scope, self.use, expected=self.expected, blanks=self.blanks)

    def checked(self, source: str) -> rules.Checked:
        """Return an expression, understood. Raises Refused."""
        return rules.check(source, self.scope, self.use, expected=self.expected, blanks=self.blanks)

    def start_of(self, path: str) -> tuple[str | None, str]:
        """Return the object that a path starts at, None for a value of the person or the org, and the path from there."""
        if path.lower().startswith(RECORD):
            return self.record, path[len(RECORD) :]
        return (None if path.startswith("$") else self.object), path

    def steps(self, path: str) -> tuple[FieldDef, ...] | None:
        """Return the fields that a path goes through, the last one included; None if it leads to no field."""
        start, rest = self.start_of(path)
        return steps_of(current.snapshot, start, rest) if start is not None else None

    def path_words(self, path: str) -> str:
        """Return what a path leads to in labels; one that leads to no field as it is written."""
        found = self.steps(path)
        if not found:
            return path
        of_edited = [current.snapshot.objects[self.record]] if self.record is not None and path.startswith("$") else []
        return " · ".join(label(each) for each in (*of_edited, *found))

    def may_read(self, path: str) -> bool:
        """Tell whether the person may read what a path leads to, every lookup on the way included."""
        start, _rest = self.start_of(path)
        if start is None:
            return True
        found = self.steps(path)
        holders = [start, *(("user" if each.type == "owner" else each.to) or "" for each in (found or ())[:-1])]
        return found is not None and all(is_readable(holder, each) for holder, each in zip(holders, found, strict=True))


def is_readable(object_name: str, field: FieldDef) -> bool:
    """Tell whether the person may read a field of an object."""
    return object_name in current.snapshot.objects and field.name in current.rights.readable(object_name)


def type_words(type_: rules.ValueType) -> str:
    """Return what people call a type of value."""
    return texts.text(f"value_type.{type_.value}", current.language)


def result_words() -> list[tuple[str, str]]:
    """Return the types of field that a formula may have as its result, in the words of the types of value, but for amounts and percents."""
    amounts: dict[str, str] = {"currency": _("Currency"), "percent": _("Percent")}
    return [(name, amounts.get(name) or type_words(type_)) for name, type_ in EXPECTED.items()]


def value_words(value: Any, type_: rules.ValueType, names: Mapping[str, str] | None = None) -> str:
    """Return a value inside an expression as the reader's language writes it; a text in quotation marks, a record by its name."""
    match value:
        case None:
            return str(_("blank"))
        case bool():
            return str(_("true") if value else _("false"))
        case int() if type_ is rules.ValueType.TIME:
            return _clock(value)
        case Decimal() | int():
            return formats.number(_short(Decimal(value)), current.language)
        case datetime():
            return formats.datetime(value, current.language, current.zone)
        case date():
            return formats.date(value, current.language)
        case tuple() if type_ is rules.ValueType.GEOLOCATION:
            return ", ".join(formats.number(each, current.language) for each in value)
        case tuple() | frozenset():
            return ", ".join(sorted(str(each) for each in value))
    return (names or {}).get(str(value)) or (str(value) if type_ is rules.ValueType.ID else f'"{value}"')


def _short(number: Decimal) -> Decimal:
    """Return a number with as many digits as people read, without the zeros that say nothing."""
    plain = SHOWN_DIGITS.plus(number).normalize()
    return rounded(plain, 0) if plain == plain.to_integral_value() else plain


def _clock(milliseconds: int) -> str:
    seconds, minutes = milliseconds // 1000, milliseconds // 60_000
    moment = time(minutes // 60, minutes % 60, seconds % 60)
    return formats.time(moment, current.language) if not moment.second else moment.isoformat("seconds")
