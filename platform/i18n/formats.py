"""Numbers, money, dates and times as a person of a language writes and reads them.

Here: one function a kind of value to show it, and the reading of what people type (full-width digits, both decimal
marks, currency signs, dates in any form of their language).
Not here: which field is shown how (`web`), limits of a field (`metadata/field_types/`), texts (`texts`).

Languages are BCP 47 tags (`en`, `zh-Hans`, but also `de` or `fr-CH`, for the forms of numbers and dates alone). Percent
values are in points: 15 is 15 %.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, timedelta, tzinfo
from datetime import date as Date
from datetime import datetime as Datetime
from datetime import time as Time
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache

from babel import Locale, UnknownLocaleError
from babel import dates as babel_dates
from babel import lists as babel_lists
from babel import numbers as babel_numbers

SHOWN = Context(prec=2_100, rounding=ROUND_HALF_UP)  # as fields and formulas round; wide enough for any number of an expression
JUST_NOW = {"en": "just now", "zh-Hans": "刚刚", "zh-Hant": "剛剛"}
_REGIONS = {"en": "en_US", "zh_Hans": "zh_Hans_CN", "zh_Hant": "zh_Hant_TW"}


@cache
def locale(language: str) -> Locale:
    """Return Babel's locale for a BCP 47 tag; English for one it does not know."""
    name = language.replace("-", "_")
    try:
        return Locale.parse(_REGIONS.get(name, name))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_US")


def number(value: Decimal | int, language: str, scale: int | None = None) -> str:
    """Return `value` with grouped digits; with exactly `scale` decimals, or with those it has."""
    if scale is None:
        exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
        scale = max(-exponent, 0) if isinstance(exponent, int) else 0
    sign, integral, separator, fraction = _number_parts(value, language, scale)
    return f"{sign}{integral}{separator}{fraction}"


@cache
def _marks(language: str) -> tuple[str, str]:
    """Return the grouping and the decimal mark of a language."""
    return babel_numbers.get_group_symbol(locale(language)), babel_numbers.get_decimal_symbol(locale(language))


def _number_parts(value: Decimal | int, language: str, scale: int) -> tuple[str, str, str, str]:
    """Return sign, grouped integral part, decimal mark and fraction, without passing through a float."""
    group, mark = _marks(language)
    rounded = SHOWN.plus(Decimal(value).quantize(Decimal(1).scaleb(-scale), context=SHOWN))  # a zero loses its sign
    digits = f"{rounded:,f}"
    sign = "-" if digits.startswith("-") else ""
    integral, _, fraction = digits.lstrip("-").partition(".")
    return sign, integral.replace(",", group), mark if fraction else "", fraction


@cache
def _currency_shape(currency: str, language: str) -> tuple[str, str]:
    """Return what stands before and after an amount of `currency`: the language's pattern, seen on one example."""
    before, _, after = babel_numbers.format_currency(1, currency, format=None, locale=locale(language), currency_digits=False).partition(
        "1"
    )
    return before, re.sub(r"^[.,]0+", "", after)


def money(value: Decimal | int, currency: str, language: str, scale: int | None = None) -> str:
    """Return an amount with its currency sign as `language` places it; `scale` None gives the currency's own decimals."""
    if scale is None:
        scale = babel_numbers.get_currency_precision(currency)
    before, after = _currency_shape(currency, language)
    sign, integral, mark, fraction = _number_parts(value, language, scale)
    return f"{sign}{before}{integral}{mark}{fraction}{after}"


def percent(value: Decimal | int, language: str, scale: int | None = None) -> str:
    """Return points with the percent sign: `15` as `15%`; whole values lose their zeros when `scale` is None."""
    points = Decimal(value)
    if scale is None:
        points = points.quantize(Decimal(1)) if points == points.to_integral_value() else points.normalize()
    space = "\u00a0" if locale(language).percent_formats[None].pattern.endswith("\u00a0%") else ""
    return f"{number(points, language, scale)}{space}%"


def compact(value: Decimal | int, language: str) -> str:
    """Return a large number shortened for a heading, such as 1.2M or 120万."""
    return str(babel_numbers.format_compact_decimal(value, locale=locale(language), fraction_digits=1))


@cache
def _date_shape(language: str, form: str) -> str:
    """Return the pattern of a date: the language's medium one, with the day before a month that is named."""
    return "d MMM y" if locale(language).language == "en" and form == "medium" else str(locale(language).date_formats[form].pattern)


def date(value: Date, language: str, form: str = "medium") -> str:
    """Return a calendar date, such as 12 Dec 2026 or 2026年12月12日."""
    return str(babel_dates.format_date(value, _date_shape(language, form), locale=locale(language)))


def short_date(value: Date, today: Date, language: str) -> str:
    """Return a date without its year where that is the present one, for narrow places: 12 Dec, 12月12日."""
    if value.year != today.year:
        return date(value, language)
    if locale(language).language == "en":
        return str(babel_dates.format_date(value, "d MMM", locale=locale(language)))
    return str(babel_dates.format_skeleton("MMMd", Datetime.combine(value, Time()), locale=locale(language)))


def time(value: Time, language: str) -> str:
    """Return a time of day with hours and minutes."""
    return str(babel_dates.format_time(value, "HH:mm", locale=locale(language)))


def datetime(value: Datetime, language: str, zone: tzinfo) -> str:
    """Return an instant in the reader's zone, such as 12 Dec 2026, 15:30."""
    local = value.astimezone(zone)
    return (
        f"{date(local.date(), language)}{' ' if language.startswith('zh') else ', '}{time(local.time().replace(microsecond=0), language)}"
    )


def datetime_utc(value: Datetime, language: str) -> str:
    """Return an instant in UTC and say so, for readers whose zone is not known."""
    return f"{datetime(value, language, UTC)} UTC"


def relative(value: Datetime, now: Datetime, language: str) -> str:
    """Return how long before or after `now` an instant is, such as "12 minutes ago" or "3 天前"."""
    delta = value - now
    if abs(delta) < timedelta(seconds=45):
        return JUST_NOW.get(language, JUST_NOW["en"])
    return str(babel_dates.format_timedelta(delta, granularity="second", threshold=0.85, add_direction=True, locale=locale(language)))


def days_away(value: Date, today: Date, language: str) -> str:
    """Return how many days before or after `today` a date is; empty for today itself."""
    if value == today:
        return ""
    return str(babel_dates.format_timedelta(value - today, granularity="day", threshold=1, add_direction=True, locale=locale(language)))


def joined(parts: Sequence[str], language: str) -> str:
    """Return the parts as a list in words: "a, b and c", 「a、b和c」."""
    return str(babel_lists.format_list(list(parts), locale=locale(language)))


# ------------------------------------------------------------------------------------------------- what people type


def typed_number(typed: str, language: str) -> Decimal:
    """Return the number that `typed` means in `language`; spaces, currency signs, a percent sign and full-width digits are let go.

    `1,234.5` is English and Chinese, `1.234,5` German. Raises ValueError for what is not one number, and for digits grouped
    as no language groups them, so that `1,23` is never taken for 123.
    """
    plain = unicodedata.normalize("NFKC", typed).strip()
    negative = plain.startswith("(") and plain.endswith(")")
    plain = plain[1:-1] if negative else plain
    kept = "".join(c for c in plain if unicodedata.category(c) not in ("Sc", "Zs") and c not in "\u200e\u200f'’")
    kept = re.sub(r"^(?:[A-Z]{3})|(?:[A-Z]{3})$", "", kept).replace("−", "-").removesuffix("%").removesuffix("元")
    group, mark = _marks(language)
    group = "" if group.isspace() or group in "'’\u202f" else group
    whole, separator, fraction = kept.partition(mark)
    if group and group in whole:
        if not re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(group)}\d{{3}})+", whole):
            raise ValueError(typed)
        whole = whole.replace(group, "")
    if not re.fullmatch(r"[+-]?\d*", whole) or not re.fullmatch(r"\d*", fraction) or not re.search(r"\d", whole + fraction):
        raise ValueError(typed)
    try:
        value = (
            Decimal(f"{whole or '0'}{'.' + fraction if separator and fraction else ''}")
            if whole not in ("+", "-")
            else Decimal(f"{whole}0.{fraction}")
        )
    except InvalidOperation:
        raise ValueError(typed) from None
    return -value if negative else value


_WORDS = {
    "today": 0,
    "tomorrow": 1,
    "yesterday": -1,
    "今天": 0,
    "明天": 1,
    "昨天": -1,
    "后天": 2,
    "後天": 2,
    "前天": -2,
}


def typed_date(typed: str, language: str, today: Date) -> Date:
    """Return the date that `typed` means in `language`: ISO, the language's short and long forms, or a word such as tomorrow.

    Numeric forms are read in the language's own order (`12/5` is 5 December in American English), a missing year is the
    year of `today`, two digits are 2000 to 2069, 1970 to 1999. Raises ValueError for anything else.
    """
    plain = unicodedata.normalize("NFKC", typed).strip().lower()
    if plain in _WORDS:
        return today + timedelta(days=_WORDS[plain])
    if match := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", plain):
        return _date(int(match[1]), int(match[2]), int(match[3]), typed)
    if match := re.fullmatch(r"(?:(民国|民國)?(\d{1,4})年)?(\d{1,2})月(\d{1,2})[日号號]?", plain):
        year = int(match[2]) + 1911 if match[1] else _year(match[2], today)
        return _date(year, int(match[3]), int(match[4]), typed)
    numbers = re.fullmatch(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2})\.?(?:\s*[-/. ]\s*(\d{4}|\d{2}))?", plain)
    if numbers:
        first, second, year = int(numbers[1]), int(numbers[2]), _year(numbers[3], today)
        day_first = _day_comes_first(language)
        return _date(year, second if day_first else first, first if day_first else second, typed)
    return _named_month(plain, language, today, typed)


def _named_month(plain: str, language: str, today: Date, typed: str) -> Date:
    """Return a date whose month is a word: `12 Dec 2026`, `Dec 12, 2026`, `12. Dezember`."""
    months = {
        name.lower().rstrip("."): month
        for width in ("wide", "abbreviated")
        for month, name in locale(language).months["format"][width].items()
    }
    parts = [part for part in re.split(r"[\s,.\-/]+", plain) if part]
    named = [part for part in parts if part in months]
    rest = [re.sub(r"(?<=\d)(st|nd|rd|th)$", "", part) for part in parts if part not in months]
    if len(named) != 1 or not rest or len(rest) > 2 or not all(part.isdigit() for part in rest):
        raise ValueError(typed)
    rest = [rest[1], rest[0]] if len(rest) == 2 and len(rest[0]) == 4 else rest
    return _date(_year(rest[1] if len(rest) == 2 else None, today), months[named[0]], int(rest[0]), typed)


@cache
def _day_comes_first(language: str) -> bool:
    pattern = str(locale(language).date_formats["short"].pattern)
    return pattern.find("d") < pattern.find("M")


def _year(digits: str | None, today: Date) -> int:
    if not digits:
        return today.year
    year = int(digits)
    if len(digits) > 2:
        return year
    return year + (1900 if year >= 70 else 2000)


def _date(year: int, month: int, day: int, typed: str) -> Date:
    try:
        return Date(year, month, day)
    except ValueError:
        raise ValueError(typed) from None


def typed_time(typed: str) -> Time:
    """Return the time of day that `typed` means: `15:30`, `3:30 pm`, `3pm`, `下午3:30`, `15点30分`. Raises ValueError."""
    plain = unicodedata.normalize("NFKC", typed).strip().lower().replace("時", "点").replace("时", "点").replace("點", "点")
    before = re.match(r"(上午|早上|凌晨|中午|下午|晚上)\s*", plain)
    plain = plain[before.end() :] if before else plain
    match = re.fullmatch(r"(\d{1,2})(?:[:点](?:(\d{2})分?(?::(\d{2})秒?)?|半)?)?\s*([ap])?\.?(?:m\.?)?", plain)
    if not match:
        raise ValueError(typed)
    hour, minute, second = int(match[1]), int(match[2] or (30 if plain.endswith("半") else 0)), int(match[3] or 0)
    afternoon = match[4] == "p" or (before is not None and before[1] in ("下午", "晚上", "中午"))
    if match[4] and not 1 <= hour <= 12:
        raise ValueError(typed)
    if afternoon and hour < 12 and not (before is not None and before[1] == "中午" and hour >= 11):
        hour += 12
    elif match[4] == "a" and hour == 12:
        hour = 0
    try:
        return Time(hour, minute, second)
    except ValueError:
        raise ValueError(typed) from None
