"""Days and moments: `date` and `datetime` (UTC, whole seconds).

Here: both types, and reading them from forms and files in one named format.
Not here: showing them (the surface).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from fieldstone.db.column_types import IsoDate, UtcDatetime
from fieldstone.i18n import formats
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.field_types.field_type import (
    BadValue,
    CellFormat,
    Coerce,
    FieldType,
    Schema,
    Typed,
    Value,
    value_column,
    wrong_type,
)
from fieldstone.rules.value_types import ValueType

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})?",
)
CLOCK = re.compile(r"(上午|下午|am|pm)?\s*([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?\s*(am|pm)?", re.IGNORECASE)
REPUBLIC = 1911  # years of the Republic count from here
PIVOT = 70  # a two-digit year from here on is of the last century


def day(text: str) -> date | None:
    """Return the date in ISO form, None if it is none."""
    if not DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def moment(text: str) -> datetime | None:
    """Return the moment in RFC 3339 form, its offset included, in UTC without fractions of a second; None if it is none."""
    match = MOMENT.fullmatch(text)
    if match is None or match[3] is None:
        return None
    try:
        found = datetime.fromisoformat(f"{match[1]}T{match[2]}{'+00:00' if match[3] in 'Zz' else match[3]}")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def date_decoder(field: FieldDef) -> Coerce:
    """Return the coercer of a day."""
    low, high = field.min, field.max

    def decode(value: Any) -> Value:
        if value is None:
            return None
        if type(value) is not str:
            raise wrong_type("text", value)
        found = day(value)
        if found is None:
            raise BadValue("not_a_date", {"value": value[:60]})
        return _bounded(found, low, high)

    return decode


def datetime_decoder(field: FieldDef) -> Coerce:
    """Return the coercer of a moment; an offset is compulsory."""
    low, high = field.min, field.max

    def decode(value: Any) -> Value:
        if value is None:
            return None
        if type(value) is not str:
            raise wrong_type("text", value)
        found = moment(value)
        if found is None:
            match = MOMENT.fullmatch(value)
            lacking = match is not None and match[3] is None
            raise BadValue("offset_missing" if lacking else "not_a_datetime", {"value": value[:60]}, f"{value}Z" if lacking else None)
        return _bounded(found, low, high)

    return decode


def _bounded(value: Any, low: Any, high: Any) -> Value:
    if low is not None and value < low:
        raise BadValue("below_minimum", {"limit": low, "value": value})
    if high is not None and value > high:
        raise BadValue("above_maximum", {"limit": high, "value": value})
    return value


def date_schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of a day."""
    return _schema(field, mode, "date")


def datetime_schema(field: FieldDef, mode: str) -> Schema:
    """Return the JSON Schema of a moment."""
    return _schema(field, mode, "date-time")


def _schema(field: FieldDef, mode: str, form: str) -> Schema:
    found: Schema = {"type": "string" if field.required and mode == "write" else ["string", "null"], "format": form}
    if mode == "write":
        bounds = (("x-minimum", field.min), ("x-maximum", field.max))
        found |= {name: to_json(field, bound) for name, bound in bounds if bound is not None}
        if field.external_id:
            found["x-key"] = True
    return found


def to_json(field: FieldDef, value: Any) -> str | None:
    """Return a day as YYYY-MM-DD, a moment as YYYY-MM-DDTHH:MM:SSZ."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
    return None if value is None else value.isoformat()


def _typed_day(text: str, typed: Typed) -> date:
    try:
        return formats.typed_date(text, typed.language, typed.today)
    except ValueError:
        raise BadValue("not_a_date", {"value": text[:60]}) from None


def date_of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return a day written in the person's language, or picked (ISO)."""
    found = _typed_day(text, typed) if text.strip() else None
    return None if found is None else _bounded(found, field.min, field.max)


def datetime_of_text(field: FieldDef, text: str, typed: Typed) -> Value:
    """Return a moment in the person's zone: a day and a time of day, in that order."""
    plain = text.strip().replace("T", " ", 1) if DAY.match(text.strip()) else text.strip()
    if not plain:
        return None
    if (exact := moment(text.strip())) is not None:
        return _bounded(exact, field.min, field.max)
    first, _, rest = plain.partition(" ")
    found = local(_typed_day(first, typed), clock(rest), typed.zone)
    return _bounded(found, field.min, field.max)


def clock(text: str) -> time:
    """Return a time of day such as 14:30, 3:30 pm, 下午3:30; midnight if there is none."""
    if not text.strip():
        return time()
    match = CLOCK.fullmatch(text.strip())
    if match is None:
        raise BadValue("not_a_time", {"value": text[:60]})
    half = (match[1] or match[5] or "").lower()
    hour = int(match[2]) % 12 + (12 if half in ("pm", "下午") else 0) if half else int(match[2])
    try:
        return time(hour, int(match[3]), int(match[4] or 0))
    except ValueError:
        raise BadValue("not_a_time", {"value": text[:60]}) from None


def local(on: date, at: time, zone: tzinfo) -> datetime:
    """Return the moment when the clocks of `zone` show this: of a doubled hour the first; a hour that is skipped is refused."""
    found = datetime.combine(on, at, zone)
    try:
        utc = found.astimezone(UTC)
        back = utc.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        raise BadValue("not_a_datetime", {"value": f"{on} {at}"}) from None
    if back != found.replace(tzinfo=None):
        raise BadValue("hour_skipped", {"value": f"{on} {at:%H:%M}"})
    return utc


def date_of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell's day: ISO, or in the column's one format."""
    found = cell_day(text.strip(), form.date)
    return _bounded(found, field.min, field.max)


def datetime_of_cell(field: FieldDef, text: str, form: CellFormat) -> Value:
    """Return a cell's moment: with its offset, or in the zone chosen for the file."""
    plain = text.strip()
    found = moment(plain)
    if found is None:
        if form.zone is None:
            raise BadValue("offset_missing", {"value": plain[:60]})
        first, _, rest = plain.replace("T", " ", 1).partition(" ") if DAY.match(plain) else plain.partition(" ")
        found = local(cell_day(first, form.date), clock(rest), form.zone)
    return _bounded(found, field.min, field.max)


def cell_day(text: str, form: str | None) -> date:
    """Return the day that `text` means in `form`; never guessed: `3/4/2026` needs one. ISO is read in any case."""
    found = day(text)
    if found is None and form is not None:
        found = day_by(text, form)
    if found is None:
        raise BadValue("not_a_date", {"value": text[:60]})
    return found


def day_by(text: str, form: str) -> date | None:
    """Return the day that `text` writes in `form` (see `CellFormat.date`), None if it is written otherwise.

    Full-width digits are read. A year has four digits, or two where it does not come first; of the Republic two or three.
    """
    republic = form.upper().startswith("ROC")
    order = "Y/M/D" if form.upper() == "ROC" else form.upper().removeprefix("ROC").strip()
    plain = unicodedata.normalize("NFKC", text).strip()
    if republic:
        plain = plain.removeprefix("民國").strip()
    letters = [letter for letter in order if letter in "YMD"]
    numbers = re.findall(r"[0-9]+", plain)
    marks = re.sub(r"[0-9]+", "#", plain)
    if sorted(letters) != ["D", "M", "Y"] or len(numbers) != 3 or marks != re.sub(r"[YMD]+", "#", order):
        return None
    digits = len(numbers[letters.index("Y")])
    if digits not in ((2, 3) if republic else (4,) if letters[0] == "Y" else (2, 4)):
        return None
    parts = dict(zip(letters, map(int, numbers), strict=True))
    year = parts["Y"] + REPUBLIC if republic else parts["Y"]
    if digits == 2 and not republic:
        year += 2000 if year < PIVOT else 1900
    try:
        return date(year, parts["M"], parts["D"])
    except ValueError:
        return None


DATE = FieldType(
    name="date",
    value_type=ValueType.DATE,
    columns=value_column(IsoDate()),
    decoder=date_decoder,
    schema=date_schema,
    of_text=date_of_text,
    of_cell=date_of_cell,
    to_json=to_json,
)

DATETIME = FieldType(
    name="datetime",
    value_type=ValueType.DATETIME,
    columns=value_column(UtcDatetime()),
    decoder=datetime_decoder,
    schema=datetime_schema,
    of_text=datetime_of_text,
    of_cell=datetime_of_cell,
    to_json=to_json,
)
