"""The function catalogue: everything that an expression can call, by name in capital letters.

Here: the files of the catalogue put together.
Not here: the entries themselves (a file per subject), what an entry says (`entry`).
"""

from __future__ import annotations

from collections.abc import Mapping

from fieldstone.rules.functions.blanks import BLANKS
from fieldstone.rules.functions.dates import DATES
from fieldstone.rules.functions.entry import Function
from fieldstone.rules.functions.geography import GEOGRAPHY
from fieldstone.rules.functions.json_texts import JSON_TEXTS
from fieldstone.rules.functions.logic import LOGIC
from fieldstone.rules.functions.look_up import LOOK_UP
from fieldstone.rules.functions.markup import MARKUP
from fieldstone.rules.functions.number import NUMBERS
from fieldstone.rules.functions.operators import OPERATORS, PREFIXES
from fieldstone.rules.functions.patterns import PATTERNS
from fieldstone.rules.functions.picklist import PICKLISTS
from fieldstone.rules.functions.record import RECORD
from fieldstone.rules.functions.text import TEXTS
from fieldstone.rules.functions.written import WRITTEN

Table = Mapping[str, tuple[Function, ...]]

# By subject, as the list of functions and the editor show them.
SUBJECTS: Mapping[str, Table] = {
    "conditions": {**LOGIC, **BLANKS},
    "numbers": NUMBERS,
    "texts": {**WRITTEN, **TEXTS, **PATTERNS, **MARKUP, **JSON_TEXTS},
    "dates": DATES,
    "picklists": PICKLISTS,
    "places": GEOGRAPHY,
    "changes": RECORD,
    "other_records": LOOK_UP,
}
FUNCTIONS: Table = {name: entries for table in SUBJECTS.values() for name, entries in table.items()}

# Names that people know from elsewhere and that will not come: product internals and page templates.
UNSUPPORTED = frozenset(
    [
        "GETSESSIONID",
        "GETRECORDIDS",
        "LINKTO",
        "URLFOR",
        "INCLUDE",
        "REQUIRESCRIPT",
        "HTMLENCODE",
        "JSENCODE",
        "JSINHTMLENCODE",
        "URLENCODE",
        "CURRENCYRATE",
        "IMAGEPROXYURL",
        "PREDICT",
        "PARENTGROUPVAL",
        "PREVGROUPVAL",
        "HLOOKUP",
        "INDEX",
        "INDIRECT",
        "ISTEXT",
        "MATCH",
        "NETWORKDAYS",
        "OFFSET",
        "RAND",
        "RANDBETWEEN",
        "WORKDAY",
        "XLOOKUP",
    ]
)

# Names from spreadsheets and other languages: what is called so here, with the same arguments.
ELSEWHERE: Mapping[str, str] = {
    "CEIL": "MCEILING", "CHAR": "CHR", "CODE": "ASCII", "COALESCE": "BLANKVALUE", "EDATE": "ADDMONTHS", "IFBLANK": "BLANKVALUE",
    "IFNA": "IFERROR", "INT": "MFLOOR", "ISEMPTY": "ISBLANK", "ISNUMERIC": "ISNUMBER", "LCASE": "LOWER", "LENGTH": "LEN",
    "LOG10": "LOG", "NUMBERVALUE": "VALUE", "NVL": "BLANKVALUE", "PROPER": "INITCAP", "ROUNDDOWN": "TRUNC", "SEARCH": "FIND",
    "STARTSWITH": "BEGINS",
    "SUBSTRING": "SUBSTR", "SWITCH": "CASE", "TOSTRING": "TEXT", "UCASE": "UPPER", "UNICHAR": "CHR", "UNICODE": "ASCII",
    "WEEKNUM": "ISOWEEK",
}  # fmt: skip
# Those that are written in another way here; the code of the problem that says how.
INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("CONCAT", "CONCATENATE", "TEXTJOIN"), "expression_texts_are_joined"),
    **dict.fromkeys(("POW", "POWER"), "expression_power_is_written"),
    **dict.fromkeys(("AVERAGE", "AVERAGEIF", "COUNT", "COUNTA", "COUNTIF", "COUNTIFS", "SUM", "SUMIF", "SUMIFS"), "expression_no_cells"),
    **dict.fromkeys(("DATEDIF", "DATEDIFF", "DAYS"), "expression_dates_are_subtracted"),
}
# And those whose work another expression does.
OTHERWISE: Mapping[str, str] = {
    "CHOOSE": "CASE(n, 1, a, 2, b, NULL)", "EOMONTH": "ADDMONTHS(d - DAY(d) + 1, n + 1) - 1", "EXACT": "a = b", "ISEVEN": "MOD(n, 2) = 0",
    "ISODD": "MOD(n, 2) <> 0", "QUOTIENT": "TRUNC(a / b)", "REPLACE": "LEFT(t, start - 1) & new & MID(t, start + n, LEN(t))",
    "ROUNDUP": "CEILING(x * 100) / 100",
}  # fmt: skip

__all__ = ["ELSEWHERE", "FUNCTIONS", "INSTEAD", "OPERATORS", "OTHERWISE", "PREFIXES", "SUBJECTS", "UNSUPPORTED"]
