"""Random well-typed expressions, and random rows and contexts for them.

Here: trees drawn from the table of functions and operators itself, so that a new entry is tested the day it is written.
Not here: the fields (`expressions`), what must hold (tests/properties), running them (`expression_engines`).

Everything is drawn from a `random.Random`: a seeded one in a long run, one of Hypothesis's in a property, which then shrinks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from fieldstone.errors import Refused
from fieldstone.rules import FUNCTIONS, Category, Context, ValueType, bounds
from fieldstone.rules.functions import OPERATORS, PREFIXES, UNSUPPORTED
from fieldstone.rules.functions.entry import ANY, Function, Param, Role
from fieldstone.rules.printing import to_source
from fieldstone.rules.tree import Application, Constant, Name, Operation, Syntax
from tests.support.expressions import CONTEXT, FIELDS, PARENT_FIELDS, SCOPE, Fields

T = ValueType
DEEPEST = 8
NOWHERE = (0, 0)
TYPES = (T.NUMBER, T.TEXT, T.BOOLEAN, T.DATE, T.DATETIME, T.TIME)  # what a whole expression is drawn for
ONLY_READ = frozenset({T.MULTIPICKLIST, T.GEOLOCATION, T.FIELD})  # types that no branch gives back
# What entries refuse by rules of their own: to draw it would only be thrown away.
NO_BOOLEAN_RESULT = frozenset({"CASE", "NULLVALUE"})
NO_BOOLEAN_VALUE = frozenset({"CASE", "ISNULL"})
READS_TEXTS = {Category.NUMBER_FORMAT, Category.DATE_FORMAT}
SPELLED = {"AND": "&&", "OR": "||"}


def _named(names: Sequence[str], fields: Mapping[str, T]) -> dict[T, list[str]]:
    return {type_: [name for name in names if fields[name] is type_] for type_ in T}


# --- constants -------------------------------------------------------------------------------------------------------

# fmt: off
NUMBERS = [
    "0", "1", "2", "3", "7", "10", "12", "60", "100", "365", "1000", "86400", "0.5", "0.1", "2.5", "12.34", "1.005", "0.000001", "999999",
    "0.3333333333", "123456789012345678", "2147483647", "2147483648", "2000000000", "9223372036854775807", "0.00", "1.50", "253402300799",
    "62135596800",
]
PLACES = [
    "0", "1", "2", "3", "4", "5", "7", "12", "19", "28", "29", "30", "31", "59", "60", "255", "1.9", "0.9", "100", "1000", "1001", "2000",
    "100000", "100001", "2147483647", "2147483648", "9999999999",
]
FORMATTED = [
    "2024-02-29", "2023-2-9", "2024-02-30", "2024-12-31 23:59:59", "2024-12-31 24:00:00", "0001-01-01", "0000-01-01",
    "9999-12-31 23:59:59", "10000-01-01", "2024-02-29T10:00", "2024-1-1 0:0:0  ", "23:59:59.999", "00:00:00.000", "24:00:00.000",
    "12:00", "12.5", "-3", "+.5", "1e3", ".5", "3.", "1e999", "1e1001", "-1E-1039", "1e-2000", "0e5000", "9" * 45, "0." + "0" * 50 + "7",
    "5%", " 1", "1_000", "١٢", "NaN", "inf", "x",
]
LETTERS = "aAbBzZiI 09.-+eE_%\\\"'/:;,<>&#\téß商🙂İıσςΣé̈ǆﬀŉ\u00a0\u2028\u200d"
WORDS_OF = {  # useful texts for a parameter of that name; other texts are drawn as well
    "unit": ["mi", "km"],
    "language": ["tr", "tr-TR", "az", "de", "EN", "t"],
    "code": ["EUR", "JPY", "KWD", "jpy", "X"],
    "url": [
        "https://a.example/?q=1&b=<2>", "/o/deal", "javascript:alert(1)", "mailto:a@b.example", "HTTP://x", "//x y", "a:b", "?#", "é/:",
    ],
    "key": ["a", "b", "a.b", "商", ""],
    "path": ["$.a", "$.b[0]", "$.a.b", "$", "$['商']", "$[", "a"],
}
NUMBERS_OF = {"year": ["2024", "2023", "1", "9999", "1900"], "month": ["1", "2", "12", "7.9"], "day": ["1", "28", "29", "30.5"]}
READABLE = {  # texts that values of a type are read out of
    T.NUMBER: ["12.5", "-3.", "1e3", ".5", "-0", "1E-39", "9.87e999", "-1e1000", "1e-1038", "123456789.123456789e500"],
    T.DATE: ["2024-02-29", "2023-2-9", "9999-12-31", "0001-01-01 and more"],
    T.DATETIME: ["2024-12-31 23:59:59", "2024-1-1 0:0:0  ", "0001-01-01 00:00:00"],
    T.TIME: ["23:59:59.999", "00:00:00.000", "12:00:00.001"],
}
JSON_TEXTS = [
    '{"a": 1}', '{"a": {"b": "x"}, "b": [1.50, null, true]}', '{"商": "é", "a": ""}', "[1, 2]", "null", "{",
    '{"a": 1e400, "b": "\\u0000"}',
]
LIKE_PATTERNS = ["%", "a%", "_", "%\\%", "a\\", "\\", "_%_", "", "%商%", "\\a"]
REGEX_PATTERNS = ["[a-z]+", ".*", "\\d{4}-\\d\\d", "(a|b)*", "", "\\p{Han}", "a{0,1000}"]
# fmt: on
DAYS = [(2024, 2, 29), (2023, 2, 28), (2023, 12, 31), (1, 1, 1), (9999, 12, 31), (1970, 1, 1), (2021, 1, 3), (1900, 2, 28), (2024, 1, 31)]
TIMES_OF_DAY = ["00:00:00", "23:59:59", "16:00:00", "15:59:59", "11:59:59", "12:00:00", "18:15:00"]


def number_of(random: Random) -> str:
    """Return the digits of a number without a sign, as they stand in a source text."""
    match random.randrange(12):
        case 0:
            return str(random.randrange(10 ** random.randrange(1, 40)))
        case 1:
            return f"{random.randrange(10 ** random.randrange(1, 20))}.{random.randrange(10 ** random.randrange(1, 20))}"
        case 2 if random.randrange(4) == 0:
            return "1" + "0" * random.randrange(20, 320)
        case 3 if random.randrange(4) == 0:
            return "0." + "0" * random.randrange(1, 80) + str(random.randrange(1, 1000))
        case _:
            return random.choice(NUMBERS)


def text_of(random: Random, longest: int = 8) -> str:
    return "".join(random.choice(LETTERS) for _ in range(random.randrange(longest + 1)))


def some_text(random: Random) -> str:
    match random.randrange(8):
        case 0 | 1 | 2:
            return random.choice(FORMATTED)
        case 3:
            return random.choice(random.choice([LIKE_PATTERNS, JSON_TEXTS, *WORDS_OF.values()]))
        case 4 if random.randrange(3) == 0:
            return text_of(random, 3) * random.choice([10, 100, 300])
    return text_of(random)


def number(digits: str) -> Constant:
    return Constant(Decimal(digits), T.NUMBER, NOWHERE)


def text(value: str) -> Constant:
    return Constant(value, T.TEXT, NOWHERE)


def call(name: str, *arguments: Syntax) -> Application:
    return Application(name, arguments, NOWHERE, NOWHERE)


def operation(operator: str, *operands: Syntax) -> Operation:
    return Operation(operator, operands, NOWHERE, NOWHERE)


BLANK = Constant(None, T.NULL, NOWHERE)


def constant(random: Random, type_: T) -> Syntax:
    """Return what is the same for all rows and has the type."""
    match type_:
        case T.NUMBER:
            digits = number(number_of(random))
            return digits if random.randrange(4) else operation("-", digits)
        case T.BOOLEAN:
            return Constant(random.randrange(10) < 5, T.BOOLEAN, NOWHERE)
        case T.DATE:
            return call("DATE", *(number(str(part)) for part in random.choice(DAYS)))
        case T.DATETIME:
            year, month, day = random.choice(DAYS)
            return call("DATETIMEVALUE", text(f"{year:04}-{month}-{day} {random.choice(TIMES_OF_DAY)}"))
        case T.TIME:
            return call("TIMEVALUE", text(f"{random.choice(TIMES_OF_DAY)}.{random.choice(['000', '999', '001'])}"))
        case T.GEOLOCATION:
            return call("GEOLOCATION", number(str(random.randrange(90))), number(str(random.randrange(180))))
    return text(some_text(random))


# --- expressions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A function, an operator or a prefix, and how its calls are written."""

    function: Function
    form: str  # "call", "operator", "prefix"


def entries() -> list[Entry]:
    """Return all there is to call."""
    tables = (("call", FUNCTIONS), ("operator", OPERATORS), ("prefix", PREFIXES))
    return [Entry(function, form) for form, table in tables for found in table.values() for function in found]


def through_doubles(function: Function) -> bool:
    """Return whether the last of fifteen digits may differ between two mathematical libraries."""
    return Category.MATH_DOMAIN in function.fails or function.name == "DISTANCE"


def _gives(function: Function, type_: T) -> bool:
    if function.returns is not T.NULL:
        return function.returns is type_
    if function.record_change:
        return bool(OWN[type_])
    if asks_others(function):
        return bool(OF_OTHERS[type_])
    return type_ not in ONLY_READ and not (type_ is T.BOOLEAN and function.name in NO_BOOLEAN_RESULT)


@cache
def makers(type_: T, anywhere: bool) -> tuple[Entry, ...]:
    """Return the entries that can give a value of the type; those that only Python can do if they may stand `anywhere`."""
    return tuple(e for e in entries() if _gives(e.function, type_) and (anywhere or not e.function.no_sql))


def asks_others(function: Function) -> bool:
    """Return whether the function is given fields of another object."""
    return any(T.FIELD in param.types and param.types != ANY for param in function.params)


# Own fields by their type, fields of another object by the type of what they hold, and those that records are found by.
OWN = _named([n for n, (f, _) in FIELDS.items() if f.own and f.type is not T.GEOLOCATION], {n: f.type for n, (f, _) in FIELDS.items()})
OF_OTHERS = _named([n for n, (f, _) in FIELDS.items() if f.holds], {n: f.holds or T.NULL for n, (f, _) in FIELDS.items()})
KEYS = [name for name, (field, _) in FIELDS.items() if field.key]


@dataclass
class Drawing:
    """One expression in the making."""

    random: Random
    names: Mapping[T, Sequence[str]]  # of the fields that it may read
    anywhere: bool = False  # it may hold what has no SQL form
    left: int = 30  # nodes still to spend; what is drawn when none is left is a leaf

    def tree(self, type_: T, depth: int) -> Syntax:
        """Return an expression of the type, at most `depth` calls deep."""
        self.left -= 1
        found = makers(type_, self.anywhere)
        if depth <= 0 or self.left <= 0 or not found or self.random.randrange(100) >= 88:
            return self.leaf(type_)
        return self.made(self.random.choice(found), type_, depth - 1)

    def leaf(self, type_: T) -> Syntax:
        if type_ not in ONLY_READ and self.random.randrange(100) < 6:
            return BLANK
        names = list(self.names[type_])
        if type_ is T.TEXT and self.random.randrange(100) < 25:
            names = [*self.names[T.ID], *self.names[T.PICKLIST]]
        if names and (type_ in (T.MULTIPICKLIST, T.PICKLIST, T.ID) or self.random.randrange(100) < 65):
            return Name(self.random.choice(names), NOWHERE)
        return constant(self.random, type_)

    def made(self, entry: Entry, type_: T, depth: int) -> Syntax:
        function = entry.function
        if entry.form == "operator" and self.random.randrange(100) < 3 and {p.types for p in function.params} == {frozenset({type_})}:
            return self.chain(function.name, type_)
        arguments = self.arguments(function, type_, depth)
        if entry.form != "call":
            return operation(function.name, *arguments)
        if function.name in SPELLED and len(arguments) > 1 and self.random.randrange(10) < 5:
            return operation(SPELLED[function.name], *arguments)
        if function.name == "NOT":
            return operation("!", *arguments)
        made = call(function.name, *arguments)
        return steadied(made) if through_doubles(function) else made

    def chain(self, operator: str, type_: T) -> Syntax:
        """Return many operands in a row: one level for an author, many for a tree."""
        tree = self.leaf(type_)
        for _ in range(self.random.choice([5, 20, 100])):
            tree = operation(operator, tree, self.leaf(type_))
        return tree

    def rounded_order(self, depth: int) -> list[Syntax]:
        """Return what to compare: a rounded number with a constant, which PostgreSQL compares before it rounds."""
        compared = [
            call("ROUND", self.tree(T.NUMBER, depth - 1), number(self.random.choice("0126"))),
            operation("*", constant(self.random, T.NUMBER), number(self.random.choice(["1", "0.1", "0.005", "0.5"]))),
        ]
        self.random.shuffle(compared)
        return compared

    def arguments(self, function: Function, type_: T, depth: int) -> list[Syntax]:
        if function.name in ("<", "<=", ">", ">=") and function.params[0].types == {T.NUMBER} and self.random.randrange(10) < 3:
            return self.rounded_order(depth)
        counts = [n for n in range(41) if function.takes(n)]
        count = self.random.choice(counts[:3] if self.random.randrange(50) else counts[-3:])
        if function.record_change:
            own = [name for names in OWN.values() for name in names] if function.returns is not T.NULL else OWN[type_]
            return [Name(self.random.choice(own), NOWHERE) for _ in range(count)]
        if asks_others(function):
            fields = [self.random.choice(OF_OTHERS[type_]), self.random.choice(KEYS)]
            return [*(Name(name, NOWHERE) for name in fields), self.tree(T.TEXT, depth)]
        if function.role is None:
            return [self.argument(function, function.param(index), depth) for index in range(count)]
        values = self.any_type(function, but=ONLY_READ)
        types = {Role.CONDITION: T.BOOLEAN, Role.RESULT: type_, Role.VALUE: values}
        found = []
        for index in range(count):
            role = function.role(index, count)
            picked = values is T.PICKLIST and role is Role.VALUE and index
            found.append(text(self.picklist_value()) if picked else self.tree(types[role], depth))
        return found

    def argument(self, function: Function, param: Param, depth: int) -> Syntax:
        if param.name == "unit" or (param.types == {T.TEXT} and any(p.types & {T.PICKLIST, T.MULTIPICKLIST} for p in function.params)):
            return text(self.random.choice(WORDS_OF["unit"]) if param.name == "unit" else self.picklist_value())
        if param.name == "pattern" and self.random.randrange(10) < 7:
            return text(self.random.choice(LIKE_PATTERNS if function.name == "LIKE" else REGEX_PATTERNS))
        if param.name in WORDS_OF and self.random.randrange(10) < 6:
            return text(self.random.choice(WORDS_OF[param.name]))
        if function.name.startswith("JSON") and self.random.randrange(10) < 6:
            return text(self.random.choice(JSON_TEXTS))
        if param.name in NUMBERS_OF and self.random.randrange(10) < 7:
            return number(self.random.choice(NUMBERS_OF[param.name]))
        if param.types >= {T.TEXT} and set(function.fails) & READS_TEXTS and self.random.randrange(10) < 6:
            return text(self.random.choice(READABLE[function.returns]))
        if param.whole and self.random.randrange(10) < 6:
            digits = number(self.random.choice(PLACES))
            return digits if self.random.randrange(4) else operation("-", digits)
        if param.types == ANY:
            return self.tree(self.any_type(function), depth)
        return self.tree(self.random.choice(sorted(param.types & set(T), key=lambda t: t.value)), depth)

    def any_type(self, function: Function, but: frozenset[T] = frozenset()) -> T:
        types = [t for t in T if t in ANY and t is not T.NULL and t not in but and (self.names[t] or makers(t, False))]
        return self.random.choice([t for t in types if t is not T.BOOLEAN or function.name not in NO_BOOLEAN_VALUE])

    def picklist_value(self) -> str:
        return self.random.choice(["won", "open", "lost", "", "none", "a", "b"])


def steadied(made: Syntax) -> Syntax:
    """Return `made`, a number through doubles, cut to digits that all mathematical libraries agree on."""
    within = operation("<", call("ABS", made), number("100000"))
    return call("IF", within, call("ROUND", made, number("6")), number("0"))


NAMES = _named(list(FIELDS), {name: field.type for name, (field, _) in FIELDS.items()})
SIZES = (16, 30, 60, 8, 4)


def tree_of(random: Random, type_: T, depth: int = DEEPEST, scope: Fields = SCOPE, *, anywhere: bool = False) -> Syntax:
    """Return a random expression of the type. A few are refused when checked: two blanks can choose another overload."""
    names = {t: [*NAMES[t], *(n for n, field in scope.formulas.items() if field.type is t)] for t in T}
    drawing = Drawing(random, names, anywhere, random.choice(SIZES))
    doubles = [e for e in makers(type_, False) if through_doubles(e.function)]
    if doubles and random.randrange(100) < 5:  # by itself, to be compared to twelve digits
        function = random.choice(doubles).function
        return call(function.name, *drawing.arguments(function, type_, depth - 1))
    return drawing.tree(type_, depth)


def scope_of(random: Random) -> Fields:
    """Return the scope with some formula fields, of the record itself and of its account, some made of others."""
    scope = SCOPE
    parent = Fields(fields=PARENT_FIELDS)
    parent_names = _named(list(PARENT_FIELDS), {name: field.type for name, (field, _) in PARENT_FIELDS.items()})
    for number_ in range(random.randrange(4)):
        type_ = random.choice(TYPES)
        of_account = random.randrange(10) < 4
        shown = {"before": random.choice([0, 1, 3, 16]), "scale": random.randrange(3), "length": random.choice([1, 3, 255])}
        kept = shown if random.randrange(10) < 4 else None
        if of_account:
            source = to_source(Drawing(random, parent_names, left=8).tree(type_, 3))
        else:
            source = to_source(tree_of(random, type_, 3, scope))
        try:
            if of_account:
                scope = scope.with_parent_formula("account", f"f{number_}", source, parent, kept)
            else:
                scope = scope.with_formula(f"f{number_}", source, kept)
        except Refused:
            continue
    return scope


# --- texts of any kind ------------------------------------------------------------------------------------------------

PIECES = [*"()+-*/^&=<>!|,.\"'\\{}#:$ \n\t", "a", "é", "🙂", "\0", "\ud800", "/*", "*/", "{!", "TRUE", "NULL", "not", "IF(", "1.5", "price"]
ALL_NAMES = [*FUNCTIONS, *UNSUPPORTED, "SUMIF", "TRUE"]


def mutated(random: Random, source: str) -> str:
    """Return `source` with something done to it by accident."""
    for _ in range(random.randrange(1, 4)):
        start = random.randrange(len(source) + 1)
        end = min(len(source), start + random.randrange(12))
        match random.randrange(5):
            case 0:
                source = source[:start] + source[end:]
            case 1:
                source = source[:start] + random.choice(PIECES) + source[start:]
            case 2:
                source = source[:end] + source[start:]
            case 3:
                source = source[:start] + random.choice(PIECES) + source[end:]
            case 4:
                source = source[:start] + random.choice([*ALL_NAMES, *FIELDS]) + source[end:]
    return source


# --- rows and contexts -----------------------------------------------------------------------------------------------


def numbers(random: Random, digits: int, scale: int) -> Decimal:
    edges = [0, 1, -1, 10**scale, -(10**scale), 25 * 10 ** max(scale - 1, 0), 10**digits - 1, 1 - 10**digits, 3 * 10**scale]
    match random.randrange(3):
        case 0:
            whole = random.choice([e for e in edges if abs(e) < 10**digits])
        case 1:
            whole = random.randrange(1 - 10**digits, 10**digits)
        case _:
            whole = random.randrange(-999, 1000)
    return Decimal(whole).scaleb(-scale)


def day(random: Random) -> date:
    return date(*random.choice(DAYS)) if random.randrange(10) < 5 else date(1990, 1, 1) + timedelta(days=random.randrange(18_000))


MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2024, 2, 29, 16, 0, 0, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2024, 3, 31, 1, 0, 0, tzinfo=UTC),
    datetime(2024, 3, 10, 9, 59, 59, tzinfo=UTC),
    datetime(1900, 1, 1, tzinfo=UTC),
]


def moment(random: Random) -> datetime:
    if random.randrange(10) < 4:
        return random.choice(MOMENTS)
    clock = random.choice(TIMES_OF_DAY) if random.randrange(10) < 5 else f"{random.randrange(24):02}:{random.randrange(60):02}:30"
    return datetime.fromisoformat(f"{day(random).isoformat()}T{clock}+00:00")


def time_of_day(random: Random) -> int:
    return random.choice([0, 1, 86_399_999, 86_399_000, 43_200_000]) if random.randrange(10) < 5 else random.randrange(86_400_000)


def stored_text(random: Random, longest: int) -> str:
    """Return a text that a field of that length holds."""
    if random.randrange(60) == 0:
        return random.choice(["a", "é🙂", "<&>"]) * (longest // 3)
    return (text_of(random, 40) if random.randrange(10) < 2 else some_text(random))[:longest]


IDS = ("0190a5d0-0000-7000-8000-000000000001", "0190a5d0-0000-7000-8000-000000000002")
DEGREES = {"place.latitude": 90, "place.longitude": 180}
DIGITS = {"qty": (18, 0), "rate": (18, 9), "disc": (7, 2), "account.share": (7, 2), "account.parent.owner.team.lead.budget": (18, 4)}


def value_of(random: Random, name: str, type_: T, picklist: Sequence[str] | None) -> object:
    """Return a value of a field, never blank but for texts."""
    match type_:
        case T.NUMBER if name in DEGREES:
            return Decimal(random.choice([DEGREES[name], -DEGREES[name], 0, random.randrange(-90, 91)])) / random.choice([1, 1, 8])
        case T.NUMBER:
            return numbers(random, *DIGITS.get(name, (18, 2)))
        case T.BOOLEAN:
            return random.randrange(10) < 5
        case T.DATE:
            return day(random)
        case T.DATETIME:
            return moment(random)
        case T.TIME:
            return time_of_day(random)
        case T.ID:
            return random.choice(IDS)
        case T.PICKLIST:
            return random.choice(picklist or ("x",))
        case T.MULTIPICKLIST:
            return tuple(random.sample(picklist or ("x",), random.randrange(1, 4)))
    return stored_text(random, FIELDS[name][0].length or bounds.SHORT_TEXT if name in FIELDS else 20) or None


def row_of(random: Random) -> dict[str, object]:
    """Return a row in which any field but a checkbox may be blank; an empty text is blank, as the save pipeline leaves none."""
    row: dict[str, object] = {}
    for name, (field, column) in FIELDS.items():
        if column is not None:
            filled = (field.checkbox and field.own) or random.randrange(4)
            row[name] = value_of(random, name, field.type, field.picklist) if filled else None
    return row


ZONES = ["UTC", "Asia/Shanghai", "Asia/Kathmandu", "Pacific/Auckland", "America/Los_Angeles", "America/St_Johns", "Pacific/Kiritimati"]


def context_of(random: Random) -> Context:
    """Return a context in any zone, often round midnight there."""
    if random.randrange(10) < 2:
        return CONTEXT
    zone = ZoneInfo(random.choice(ZONES))
    now = datetime.combine(date(2020, 1, 1) + timedelta(days=random.randrange(4_000)), datetime.min.time(), tzinfo=zone)
    now = (now + timedelta(seconds=random.choice([-1, 0, 1, random.randrange(86_400)]))).astimezone(UTC)
    known = {path: value_of(random, path, field.type, None) for path, field in GLOBALS.items() if random.randrange(4)}
    return Context(now=now, today=now.astimezone(zone).date(), zone=zone, globals=known)


GLOBALS = {".".join(field.path): field for field, column in FIELDS.values() if column is None and field.user_dependent}


def save_of(random: Random, context: Context) -> Context:
    """Return a context of a save: what the record was before, or that it is new, and what other records hold."""
    new = random.randrange(3)
    others = {".".join(field.path[1::2]): value_of(random, "", field.holds, None) for field, _ in FIELDS.values() if field.holds}
    return replace(
        context,
        prior=row_of(random) if new < 2 else None,
        is_new=new == 0,
        is_clone=random.randrange(10) < 5,
        look_up=lambda of, field, name: others[f"{of}.{field}"],
    )


# --- for Hypothesis --------------------------------------------------------------------------------------------------

randoms = st.randoms(use_true_random=False)


def expressions(type_: T, depth: int) -> st.SearchStrategy[str]:
    """Return source texts of well-typed expressions of a type, at most `depth` calls deep."""
    return randoms.map(lambda random: to_source(tree_of(random, type_, depth)))


def any_expression(depth: int = 4) -> st.SearchStrategy[str]:
    return st.sampled_from(TYPES).flatmap(lambda t: expressions(t, depth))


def rows() -> st.SearchStrategy[dict[str, object]]:
    return randoms.map(row_of)


def some_rows() -> st.SearchStrategy[Sequence[dict[str, object]]]:
    return st.lists(rows(), min_size=1, max_size=3)
