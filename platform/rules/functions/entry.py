"""What a table entry says about a function or operator.

Here: the shape of an entry, and of the pieces of Python and SQL that entries are handed and give back.
Not here: the entries (a file per subject), who puts the pieces together (`python`, `sql`).

The checker, both compilers, the editor's help, the docs and the tests read the same entry. A function of the usual kind says
`params`, `returns`, `python` (over values, none of them blank unless `blank` says OWN) and `sql` (PostgreSQL text over the
texts of its arguments; one that is named twice is computed once, see `sql.Writer.apply`). Only what bends the rules (branches,
results of any type) brings `typing`, `write_python` and `write_sql` of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, Protocol

from fieldstone.rules import bounds
from fieldstone.rules.errors import Category
from fieldstone.rules.tree import Call, Node, Place
from fieldstone.rules.value_types import ValueType

Types = frozenset[ValueType]
# A bound of a number in SQL: it is smaller than 10 to the first, and has at most the second many digits after the point.
Digits = tuple[float, int]
NUMBER: Types = frozenset({ValueType.NUMBER})
TEXT: Types = frozenset({ValueType.TEXT})
BOOLEAN: Types = frozenset({ValueType.BOOLEAN})
DATE: Types = frozenset({ValueType.DATE})
DATETIME: Types = frozenset({ValueType.DATETIME})
TIME: Types = frozenset({ValueType.TIME})
PICKLIST: Types = frozenset({ValueType.PICKLIST})
MULTIPICKLIST: Types = frozenset({ValueType.MULTIPICKLIST})
GEOLOCATION: Types = frozenset({ValueType.GEOLOCATION})
FIELD: Types = frozenset({ValueType.FIELD})
ANY: Types = frozenset(ValueType) - FIELD

NO_LITERAL = object()


class Blank(Enum):
    """What a blank argument does."""

    NULL_IN = "null in"  # one blank argument makes the result blank; the body never sees one
    OWN = "own"  # the body is handed None and decides


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. `whole` ones are cut toward zero to an integer before the function sees them."""

    name: str
    types: Types
    whole: bool = False
    optional: bool = False
    repeats: bool = False  # the last one may be given any number of times
    ends: bool = False  # what is repeated are those before it; by itself it stands at the end


class Code(NamedTuple):  # and no dataclass: every node makes some, and changed copies of them, in a quarter of the time
    """A piece of generated Python whose value is that of a node. Blank text may be "" as well as None until the very end."""

    text: str  # may stand anywhere: a name, a call, or in parentheses
    type: ValueType
    blank: bool = True  # may be blank
    simple: bool = False  # a name: naming it again costs nothing
    whole: bool = False  # a number that is an int, not a Decimal
    fails: bool = False  # may raise
    loose: bool = False  # a boolean that may be None where it is false
    height: int = 1
    longest: int = 0  # characters that a text may have
    literal: object = NO_LITERAL

    def filled(self, name: str) -> str:
        """Return the test that the value, which has been given a name, is not blank."""
        return name if self.type in TEXT_LIKE else f"{name} is not None"


TEXT_LIKE = frozenset({ValueType.TEXT, ValueType.PICKLIST, ValueType.ID, ValueType.MULTIPICKLIST})


class Role(Enum):
    """What an argument is to a function that takes values of any type."""

    CONDITION = "condition"
    VALUE = "value"  # compared with the other values
    RESULT = "result"  # of the type of the call


class PythonWriter(Protocol):
    """What an entry may ask of the Python compiler."""

    zero: bool

    def constant(self, value: object) -> str:
        """Return the name of a constant with `value`."""

    def helper(self, function: Callable[..., Any], place: Place | None = None) -> str:
        """Return the name of `function`; with a place, its Failures become errors at that place."""

    def failing(self, category: Category, place: Place) -> str:
        """Return an expression that raises."""

    def temporary(self) -> str:
        """Return a fresh local name."""

    def guarded(self, arguments: Sequence[Code], build: Callable[[Sequence[str]], str], result: Code) -> Code:
        """Return `result` with the text `build(texts of the arguments)`, or blank if one of them is blank."""

    def whole(self, code: Code) -> Code:
        """Return `code` cut to an integer."""

    def exact(self, code: Code) -> Code:
        """Return a number as a Decimal."""

    def alike(self, codes: Sequence[Code]) -> list[Code]:
        """Return results of one call in one form: all ints or all Decimals, no loose booleans."""


class Late(NamedTuple):
    """A quotient that is to be rounded before anybody sees all its digits."""

    text: str
    to_round: Callable[[int], str | None]  # what does as well to be rounded to so many places, with less work
    places: int  # from so many on rounding makes no number longer before the point


class Rounds(NamedTuple):
    """A number that is rounded last of all."""

    text: str
    inner: str  # what is rounded
    places: int
    before: int | None = None  # blank if it has more digits before the point


class Piece(NamedTuple):
    """A piece of SQL whose value is that of a node. Markers in it stand for columns and bound parameters."""

    text: str
    type: ValueType
    blank: bool = True  # may be NULL
    simple: bool = False  # a column or parameter: naming it again costs nothing
    error: str | None = None  # condition under which evaluating the node is an error; None is never
    true: str | None = None  # for a boolean: the same without NULL, in a form that an index still serves
    digits: Digits = (18, 20)  # of a number
    literal: object = NO_LITERAL  # its value, where it is the same for all rows
    column: Any = None  # what a bare column is made of
    longest: int = 0  # characters that a text may have
    weight: int = 0  # how deep it nests, in units of a call
    blank_on_error: bool = False  # NULL wherever it is an error
    late: Late | None = None  # these two hold while their text is that of the piece
    rounds: Rounds | None = None

    def truth(self) -> str:
        """Return the condition without NULL: a blank counts as false."""
        if self.true is not None:
            return self.true
        return f"({self.text} IS TRUE)" if self.blank else self.text


class SqlWriter(Protocol):
    """What an entry may ask of the SQL compiler."""

    zero: bool

    @property
    def sqlite(self) -> bool: ...

    def bind(self, value: object, type_: ValueType) -> Piece:
        """Return a bound parameter."""

    def zone(self) -> Piece:
        """Return the reader's time zone by name, as a parameter."""

    def apply(self, template: Callable[..., str], arguments: Sequence[Piece | str]) -> str:
        """Return `template(*texts)`; an argument that it names more than once is computed once."""

    def whole(self, piece: Piece) -> Piece:
        """Return a number as an integer of the database, cut toward zero and to ±2,000,000,000."""

    def rounded(self, text: str, digits: Digits, significant: int) -> str:
        """Return a number rounded to so many significant digits, half away from zero."""

    def plain_comparison(self, operator: str, left: Piece, right: Piece) -> Piece | None:
        """Return the comparison of a bare column with a literal or another such column as an index serves it, if it is one."""

    def plain_text_equality(self, left: Piece, right: Piece, *, equal: bool) -> str | None:
        """Return the condition that a bare text column equals a literal, as an index serves it, if it is one; never NULL."""

    def plain_choice(self, column: Piece, values: Sequence[Piece]) -> str | None:
        """Return the condition that a bare column is one of some literals, as an index serves it, if they are; never NULL."""

    def by_python(self, call: Call) -> Piece:
        """Return the call as the Python function that it compiles to, run inside the connection (SQLite)."""


class Site(Protocol):
    """A call as the checker sees it while an entry decides about types."""

    @property
    def types(self) -> Sequence[ValueType | None]:
        """Types of the arguments; None was reported already."""

    @property
    def nodes(self) -> Sequence[Node | None]: ...

    def spend(self, weight: int) -> int:
        """Return how much the patterns of the whole text weigh with one of `weight`."""

    def refuse(self, code: str, argument: int | None = None, **params: object) -> None:
        """Report a problem at an argument, or at the whole call."""

    def warn(self, code: str, argument: int, *, suggestion: str | None = None, **params: object) -> None:
        """Report a warning at an argument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function or operator for one list of argument types; several entries may share a name."""

    name: str
    params: tuple[Param, ...] = ()
    returns: ValueType
    doc: str
    examples: tuple[tuple[str, object], ...] = ()
    blank: Blank = Blank.NULL_IN
    never_blank: bool = False
    whole: bool = False  # `python` gives an int
    fails: tuple[Category, ...] = ()
    python: Callable[..., Any] | None = None
    inline: Callable[..., str] | None = None  # Python text over argument texts, where a call would cost more than the work
    sql: Callable[..., str] | None = None
    sql_error: Callable[..., str] | None = None  # condition over the same arguments; NULL is no error
    longest: int | None = None  # of a text result, bounded by the function itself; None: by its arguments
    grows: int = 1  # characters that it may make of one: capital letters, escapes
    joins: bool = False  # its result is as long as its arguments together
    digits: Digits | None = None  # of a numeric SQL result; None: as wide as the arguments together
    size: Callable[[Digits, Digits], Digits] | None = None  # of arithmetic, which is an error beyond all bounds
    sqlite: Callable[..., str] | None = None  # plain SQL on SQLite, too; else Python runs inside the connection
    no_sql: bool = False
    typing: Callable[[Site], ValueType | None] | None = None
    role: Callable[[int, int], Role] | None = None  # of the argument at an index, out of a count
    arity: Callable[[int], bool] | None = None  # what the params can't say: an even count
    write_python: Callable[[PythonWriter, Call, Sequence[Code]], Code] | None = None
    write_sql: Callable[[SqlWriter, Call, Sequence[Piece]], Piece] | None = None
    on_sqlite: bool = False  # `write_sql` gives SQL for SQLite, too
    clock: bool = False
    record_change: bool = False
    markup: bool = False  # its result holds HTML
    only_in: frozenset[str] | None = None  # names of the uses that know it

    def takes(self, count: int) -> bool:
        """Return whether the function can be given `count` arguments."""
        if self.arity is not None:
            return self.arity(count)
        params = self.params
        if count > len(params):
            return bool(params) and params[-1].repeats
        return count == len(params) or params[count].optional

    def param(self, index: int) -> Param:
        return self.params[index if index < len(self.params) else -1]

    def longest_of(self, arguments: Sequence[int]) -> int:
        """Return how many characters a text result may have, given as much of the arguments."""
        if self.longest is not None:
            return self.longest
        if self.joins:
            return sum(arguments)
        return max(arguments, default=0) * self.grows or bounds.NUMBER_TEXT

    @property
    def signature(self) -> str:
        """The call as people write it: `LEFT(t, n)`, `ROUND(n [, p])`, `CASE(x, value, result, ..., else)`."""
        text = ""
        for index, param in enumerate(self.params):
            name = f"..., {param.name}" if param.ends else f"{param.name}, ..." if param.repeats else param.name
            text += f" [, {name}]" if param.optional and index else f"[{name}]" if param.optional else f", {name}" if index else name
        return f"{self.name}({text})"


def text_entry(name: str, params: tuple[Param, ...], doc: str, **more: Any) -> Function:
    """Return the entry of a function that gives a text."""
    return Function(name=name, params=params, returns=ValueType.TEXT, doc=doc, **more)


def strict(code: Code) -> Code:
    """Return a boolean that is None only where it is blank."""
    return code._replace(text=f"(not not {code.text})", simple=False, loose=False) if code.loose and not code.blank else code


def tallest(codes: Sequence[Code]) -> int:
    """Return the height of a piece made of `codes`."""
    return 1 + max([code.height for code in codes], default=0)


def table(*entries: Function) -> Mapping[str, tuple[Function, ...]]:
    """Return the entries by name, those of one name in the order given."""
    by_name: dict[str, tuple[Function, ...]] = {}
    for entry in entries:
        by_name[entry.name] = (*by_name.get(entry.name, ()), entry)
    return by_name
