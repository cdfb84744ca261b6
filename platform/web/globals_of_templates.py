"""What every template may use: components, static addresses, the token, labels, values as the reader's language writes them.

Here: one filter a kind of value, so that no page formats by itself. Not here: macros (`templates/ui/`), how a field of a
record is shown (`fields/`). This is the one module that marks text as safe HTML.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import nh3
from flask import Flask, current_app
from flask_babel import gettext as _
from markupsafe import Markup

from fieldstone.errors import Problem
from fieldstone.i18n import formats, texts
from fieldstone.i18n.languages import LANGUAGES, NAMES
from fieldstone.metadata import labels
from fieldstone.metadata.definitions.definition import COLORS, Label
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.web import shown
from fieldstone.web.current import current
from fieldstone.web.shell import in_sentence, plural

TAGS = {
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "em",
    "h2",
    "h3",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "u",
    "ul",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
HUES = {color: place + 1 for place, color in enumerate(COLORS[:12])}


class Labelled(Protocol):
    """Whatever has a label and an API name to fall back to."""

    @property
    def label(self) -> Label: ...

    @property
    def name(self) -> str: ...


class Components:
    """The macros of `ui/components.html` for every template and every block, without an import in each."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(current_app.jinja_env.get_template("ui/components.html").module, name)
        if not current_app.jinja_env.auto_reload:
            self.__dict__[name] = found
        return found


def install(app: Flask) -> None:
    """Give the application's templates their names."""
    shown.install(app)
    environment = app.jinja_env
    environment.globals.update(
        ui=Components(),
        static=static,
        current=current,
        label=label,
        text_of=text_of,
        word=word,
        plural=plural,
        in_sentence=in_sentence,
        record_type_label=record_type_label,
        languages=[(tag, NAMES[tag]) for tag in LANGUAGES],
        text=lambda key, **params: texts.text(key, current.language, **params),
    )
    environment.filters.update(
        number=number,
        money=money,
        percent=percent,
        compact=compact,
        date=date_,
        datetime=datetime_,
        relative=relative,
        days_away=days_away,
        iso=iso,
        day=day,
        clock=clock,
        clean=clean,
        hue=hue,
    )


def static(name: str) -> str:
    """Return the address of a static file."""
    return str(current_app.extensions["assets"].path(name))


def label(definition: Labelled) -> str:
    """Return the label of a definition or picklist value in the reader's language, its API name if it has none."""
    return text_of(definition.label) or definition.name


def text_of(label: Label | None) -> str:
    """Return a text of metadata (label, plural, help, message) in the reader's language; empty if there is none."""
    return labels.text(label, current.language, current.snapshot.language) if label else ""


def word(problem: Problem, object_name: str | None = None) -> str:
    """Return the sentence for a problem."""
    return texts.word(problem, current.language, current.snapshot, object_name)


def number(value: Decimal | int, scale: int | None = None) -> str:
    """A number with the reader's marks."""
    return formats.number(value, current.language, scale)


def money(value: Decimal | int, scale: int | None = None) -> str:
    """An amount in the org's currency."""
    return formats.money(value, current.org.settings.currency, current.language, scale)


def percent(value: Decimal | int, scale: int | None = None) -> str:
    """Points as a percentage."""
    return formats.percent(value, current.language, scale)


def compact(value: Decimal | int) -> str:
    """A large number, shortened."""
    return formats.compact(value, current.language)


def date_(value: date) -> str:
    """A calendar date."""
    return formats.date(value, current.language)


def datetime_(value: datetime) -> str:
    """An instant in the reader's zone."""
    return formats.datetime(value, current.language, current.zone)


def relative(value: datetime) -> str:
    """How long ago, or until, an instant is."""
    return formats.relative(value, current.now, current.language)


def days_away(value: date) -> str:
    """How many days until, or since, a date."""
    return formats.days_away(value, current.today, current.language)


def day(value: datetime) -> str:
    """The calendar day of an instant in the reader's zone: today and yesterday in words."""
    local = value.astimezone(current.zone).date()
    if local == current.today:
        return str(_("Today"))
    return str(_("Yesterday")) if local == current.today - timedelta(days=1) else formats.date(local, current.language)


def clock(value: datetime) -> str:
    """The time of day of an instant in the reader's zone."""
    return formats.time(value.astimezone(current.zone).time().replace(second=0, microsecond=0), current.language)


def record_type_label(definition: ObjectDef, name: str) -> str:
    """The label of a record type; its name when there is none of that name any more."""
    found = current.snapshot.find("record_type", name, definition.name)
    return label(found) if found is not None else name


def iso(value: date | datetime) -> str:
    """The exact value for machines."""
    return value.isoformat().replace("+00:00", "Z")


def hue(color: str | None) -> int | str:
    """The number of the style sheet's hue for a colour of metadata; empty for none."""
    return HUES.get(color or "", "")


def clean(html: str) -> Markup:
    """Rich text of a record, cleaned once more before it is shown. Source: spec/security.md, section 5."""
    return Markup(  # noqa: S704 - nh3 has just cleaned it
        nh3.clean(
            html, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto", "tel"}, link_rel="noopener noreferrer"
        )
    )
