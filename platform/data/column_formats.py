"""What the cells of a column look like: dates in which order, numbers with which signs.

Here: the formats a whole column fits, and reading one cell by the format chosen for its column.
Not here: types of fields (`metadata/field_types/`), which column goes where (`mapping.py`).
A column is judged by all its values. Where two formats fit all of them a person chooses: nothing is guessed in silence.
Source: spec/data.md, section 1, "Formats by column"; spec/metadata.md, section 3.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from fieldstone.errors import Problem, Refused
from fieldstone.metadata.field_types.date import day_by

SAMPLES = 5
MOST_DISTINCT = 1000  # values kept to propose picklist mappings and to name near misses

# The formats that are tried, as `CellFormat.date` names them; the names are what a mapping stores and a person reads.
DATE_FORMATS = (
    *("Y-M-D", "Y/M/D", "Y.M.D", "M/D/Y", "D/M/Y", "M-D-Y", "D-M-Y", "D.M.Y", "M.D.Y", "Y年M月D日"),
    *("ROC", "ROC Y-M-D", "ROC Y.M.D", "ROC Y年M月D日"),
)
# name → (grouping characters, decimal sign)
NUMBER_FORMATS: Mapping[str, tuple[str, str]] = {"1,234.5": (",' ", "."), "1.234,5": (".' ", ",")}
CURRENCY_SIGNS = re.compile(r"[$€£¥￥₩]|(?:USD|EUR|CNY|RMB|TWD|HKD|NT\$|HK\$)", re.IGNORECASE)
UNITS = {"万": Decimal(10_000), "萬": Decimal(10_000), "亿": Decimal(100_000_000), "億": Decimal(100_000_000)}


@dataclass(slots=True, kw_only=True)
class Profile:
    """What is known of one column after all its rows were seen."""

    name: str
    filled: int = 0
    blank: int = 0
    longest: int = 0
    samples: list[str] = field(default_factory=list)
    distinct: Counter[str] = field(default_factory=Counter)  # up to MOST_DISTINCT values, with how often each stands
    distinct_full: bool = True  # whether `distinct` holds all of them
    dates: set[str] = field(default_factory=lambda: set(DATE_FORMATS))  # formats that every value so far fits
    numbers: set[str] = field(default_factory=lambda: set(NUMBER_FORMATS))

    def see(self, cell: str) -> None:
        """Take one cell into account."""
        text = cell.strip()
        if not text:
            self.blank += 1
            return
        self.filled += 1
        self.longest = max(self.longest, len(text))
        known = text in self.distinct
        if known or len(self.distinct) < MOST_DISTINCT:
            self.distinct[text] += 1
        else:
            self.distinct_full = False
        if known:
            return  # its formats have been judged
        if len(self.samples) < SAMPLES:
            self.samples.append(text)
        self.dates = {name for name in self.dates if read_date(text, name) is not None}
        self.numbers = {name for name in self.numbers if read_number(text, name) is not None}

    @property
    def date_format(self) -> str | None:
        """The one date format that all values fit; None when none fits, or when a person must choose between two."""
        return next(iter(self.dates)) if self.filled and len(self.dates) == 1 else None

    @property
    def date_choices(self) -> tuple[str, ...]:
        """The date formats that all values fit, when there are several."""
        return tuple(name for name in DATE_FORMATS if name in self.dates) if self.filled and len(self.dates) > 1 else ()

    @property
    def number_format(self) -> str | None:
        """The number format that all values fit; where both do (`1234`), the one with a decimal point."""
        return next((name for name in NUMBER_FORMATS if name in self.numbers), None) if self.filled else None


def profile(columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> tuple[Profile, ...]:
    """Return the profile of each column over all `rows`."""
    profiles = tuple(Profile(name=name) for name in columns)
    for cells in rows:
        for column, cell in zip(profiles, cells, strict=True):
            column.see(cell)
    return profiles


def read_date(text: str, name: str) -> date | None:
    """Return the day that `text` names in the format `name`, or None when it does not fit."""
    return day_by(text, name)


def read_number(text: str, name: str) -> Decimal | None:
    """Return the exact number that `text` writes in the format `name`, or None when it does not fit.

    Currency signs, `%`, `(12)` and `12-` for minus twelve, full-width digits, `1.2万` and `3亿` are read.
    """
    grouping, point = NUMBER_FORMATS[name]
    plain = CURRENCY_SIGNS.sub("", unicodedata.normalize("NFKC", text)).strip()
    negative = plain.startswith(("-", "(")) or plain.endswith("-")
    plain = plain.strip("()-+ ").removesuffix("%").strip()
    unit = UNITS.get(plain[-1:], Decimal(1))
    if plain[-1:] in UNITS:
        plain = plain[:-1].strip()
    whole, _, rest = plain.partition(point)
    if not re.fullmatch(rf"\d+|\d{{1,3}}(?:[{re.escape(grouping)}]\d{{3}})+", whole or "0") or not re.fullmatch(r"\d*", rest):
        return None
    if not whole and not rest:
        return None
    digits = re.sub(rf"[{re.escape(grouping)}]", "", whole) or "0"
    try:
        number = Decimal(f"{digits}.{rest}" if rest else digits) * unit
    except InvalidOperation:
        return None
    return -number if negative else number


def require_date_format(column: Profile) -> str:
    """Return the date format of `column`, or raise Refused: with the choices when several fit, else with a value that fits none."""
    if column.date_format is not None:
        return column.date_format
    if column.date_choices:
        raise Refused(
            Problem(
                code="date_order_unclear", params={"column": column.name, "sample": column.samples[0]}, suggestion=column.date_choices[0]
            )
        )
    raise Refused(Problem(code="column_not_dates", params={"column": column.name, "sample": column.samples[0] if column.samples else ""}))
