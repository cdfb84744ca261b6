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
    ]
)

__all__ = ["FUNCTIONS", "OPERATORS", "PREFIXES", "SUBJECTS", "UNSUPPORTED"]
