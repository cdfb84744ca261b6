"""How a value of a record is shown: the template of its field's type, called with the value.

Here: `show`, `with_failures`, what records are called, and what those templates ask for: where a lookup leads, whether a text is a link.
Not here: the templates (`fields/`), forms (`forms.py`), number and date formats (`i18n/formats.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import nh3
from flask import Flask, current_app
from flask_babel import gettext as _
from markupsafe import Markup, escape

from fieldstone.errors import Problem
from fieldstone.i18n import formats, texts
from fieldstone.metadata.definitions.objects import FieldDef, ObjectDef
from fieldstone.records.failed_formulas import failed_formulas, failed_names
from fieldstone.records.query import Record, Reference
from fieldstone.records.shown import ERROR
from fieldstone.web.current import current
from fieldstone.web.shell import hue

TEMPLATES = {"master_detail": "lookup", "owner": "user", "id": "text", "text_area": "long_text", "formula": "text", "roll_up": "number"}
NUMBERS = frozenset({"number", "currency", "percent"})
LONG = frozenset({"long_text", "rich_text", "text_area"})
CUT = 90  # characters of a long text in a list
TAGS = {"a": {"href", "target"}, "img": {"src", "alt", "height", "width"}, "br": set[str]()}  # what HYPERLINK, IMAGE and BR make
DECORATION = re.compile(r'<(\w+)[^<>]*\saria-hidden="true"[^<>]*>[^<>]*</\1>')
MADE = re.compile(
    r'(<a href="[^"<>]*" target="[^"<>]*" rel="noopener noreferrer">[^<>]*</a>'
    r'|<img src="[^"<>]*" alt="[^"<>]*"(?: height="[^"<>]*")?(?: width="[^"<>]*")?>)'
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a lookup leads: the record's page, if the reader may open it, and the tile of its object."""

    url: str | None
    icon: str | None
    hue: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """What stands in the place of a formula's value where working it out ended in an error."""

    category: str  # of spec/expressions.md, section 6

    def __str__(self) -> str:
        """What titles and links call a record whose name has no value."""
        return ERROR


def install(app: Flask) -> None:
    """Give the application's templates these names."""
    app.jinja_env.globals.update(
        show=show,
        brief=brief,
        show_in_row=show_in_row,
        plain=plain,
        target_of=target_of,
        currency_sign=currency_sign,
        is_number=is_number,
    )
    app.jinja_env.filters["bare_link"] = bare_link
    app.jinja_env.tests.update(link=is_link, iso_date=is_iso_date, iso_datetime=is_iso_datetime)


def macros(kind: str) -> Any:
    """Return the macros `show` and `edit` of a field type."""
    return current_app.jinja_env.get_template(f"fields/{TEMPLATES.get(kind, kind)}.html").module


def with_failures(definition: ObjectDef, records: Sequence[Record], *, deleted: bool = False) -> tuple[Record, ...]:
    """Return records of one object as pages show them: `Failed` in the place of each formula that ends in an error.

    What lookups lead to is called so, too, where such a formula names it. `deleted`: the records lie in the recycle bin.
    """
    failed = failed_formulas(current.gate, definition, records, deleted=deleted)
    told = with_names(records)
    return tuple(each | {path: Failed(category) for path, category in failed.get(each["id"], {}).items()} for each in told)


def with_names(records: Sequence[Record]) -> Sequence[Record]:
    """Return records, or other mappings to references, as pages name what they lead to where the formula that names it has failed."""
    failed = failed_names(current.gate, (value for each in records for value in each.values() if isinstance(value, Reference)))
    if not failed:
        return records
    return [
        each | {path: replace(value, name=ERROR) for path, value in each.items() if isinstance(value, Reference) and value in failed}
        for each in records
    ]


def name_columns(definition: ObjectDef) -> tuple[str, ...]:
    """Return the field that names records, to select it; none for whom its formula reads what they may not read."""
    return (definition.name_field,) if current.rights.tells_names(definition) else ()


def titles(definition: ObjectDef, names: Mapping[str, str | None]) -> dict[str, str]:
    """Return what pages call records of one object, by id as their names are given; those without a name, and those whose name fails."""
    unnamed = (Reference(each, None, definition.name) for each, name in names.items() if not name)
    failed = {each.id for each in failed_names(current.gate, unnamed)}
    return {each: name or (ERROR if each in failed else str(_("Unnamed"))) for each, name in names.items()}


def show(field: FieldDef, value: Any) -> Markup | str:
    """Return a value as a page shows it; empty for blank."""
    if value is None or value == ():
        return ""
    if isinstance(value, Failed):
        why = texts.word(Problem(code=f"evaluation.{value.category}"), current.language, current.snapshot)
        return Markup('<span class="mute failed" title="{0}">{1}<span class="vh"> {0}</span></span>').format(why, value)
    if isinstance(value, Reference) and value.object in ("user", "queue"):
        return macros("user").show(field, value)  # type: ignore[no-any-return]
    if isinstance(value, str) and _has_markup(field):
        return _marked_up(value)
    return macros(field.result_type).show(field, value)  # type: ignore[no-any-return]


def _has_markup(field: FieldDef) -> bool:
    """Tell whether the field is a formula whose texts hold links, images or line breaks, of its own or of a formula that it reads."""
    return bool(field.formula) and current.snapshot.expression(field.formula or "", field.object, "formula", field.blanks).checked.markup


def _marked_up(text: str) -> Markup:
    """Return a text with the links and images that HYPERLINK and IMAGE made; everything beside them is text, whatever it looks like."""
    pieces = MADE.split(text)
    made = "".join(piece if place % 2 else str(escape(piece)) for place, piece in enumerate(pieces))
    return Markup(  # noqa: S704 - nh3 has just cleaned it
        nh3.clean(
            made.replace("\n", "<br>"),
            tags=set(TAGS),
            attributes=TAGS,
            url_schemes={"http", "https", "mailto", "tel"},
            link_rel="noopener noreferrer",
            set_tag_attribute_values={"a": {"class": "link"}},
        )
    )


def brief(field: FieldDef, value: Any) -> Markup | str:
    """Return a value for a narrow place such as a card: whole amounts, dates without the present year, no tiles."""
    match value:
        case None | ():
            return ""
        case Decimal() if field.result_type == "currency":
            return formats.money(value, current.org.settings.currency, current.language, 0)
        case datetime():
            return formats.short_date(value.astimezone(current.zone).date(), current.today, current.language)
        case date():
            return formats.short_date(value, current.today, current.language)
    return show(field, value)


def show_in_row(field: FieldDef, value: Any) -> Markup | str:
    """Return a value as a row of a long list shows it: as `show` does, but long texts cut and lookups in fewer elements."""
    if isinstance(value, Reference) and value.object not in ("user", "queue") and not value.hidden:
        return macros("lookup").in_row(value, target_of(value, field))  # type: ignore[no-any-return]
    if isinstance(value, str) and field.result_type == "picklist":
        return macros("picklist").in_row(field, value)  # type: ignore[no-any-return]
    if isinstance(value, str) and field.result_type in LONG:
        text = value if field.result_type != "rich_text" else escape(Markup(value).striptags())  # noqa: S704 - tags are taken off
        return f"{text[:CUT]}…" if len(text) > CUT else str(text)
    return show(field, value)


def plain(field: FieldDef, value: Any) -> str:
    """Return a value as plain text, for titles and messages, without what only decorates it, such as the initials of a person."""
    return Markup(DECORATION.sub("", escape(show(field, value)))).striptags()  # noqa: S704 - the tags are taken off


def is_number(field: FieldDef) -> bool:
    """Tell whether values of the field stand at the right edge of a table."""
    return field.result_type in NUMBERS


def target_of(value: Reference, field: FieldDef) -> Target:
    """Return where a lookup's value leads for this reader."""
    name = value.object or field.to or ""
    definition = current.snapshot.objects.get(name)
    if definition is None:
        return Target(None, None)
    opens = name in current.rights.visible_objects and value.id is not None
    return Target(f"/o/{name}/{value.id}" if opens else None, definition.icon, hue(definition))


def currency_sign() -> str:
    """Return the org's currency as it stands beside an amount."""
    return re.sub(r"[\d\s.,]+", "", formats.money(1, current.org.settings.currency, current.language, 0)) or current.org.settings.currency


def is_link(value: Any) -> bool:
    """Tell whether a text may be the target of a link: an absolute address with one of four schemes and nothing hidden in it."""
    text = str(value)
    if any(ord(c) < 33 for c in text):
        return False
    try:
        return urlsplit(text).scheme.lower() in ("http", "https", "mailto", "tel")
    except ValueError:
        return False


def bare_link(value: str) -> str:
    """Return an address without its scheme, and without a slash at its end."""
    return re.sub(r"^https?://(www\.)?", "", value).rstrip("/")


def is_iso_date(value: Any) -> bool:
    """Tell whether a browser's date box can show what stands in a field: nothing, or a date in its one form."""
    return not value or re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(value)) is not None


def is_iso_datetime(value: Any) -> bool:
    """Tell whether a browser's box for date and time can show what stands in a field."""
    return not value or re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?", str(value)) is not None
