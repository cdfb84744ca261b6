"""What holds for every expression by itself: functions of a random source, each of which asserts one law.

It parses back from print, keeps its spelling when a name changes, says what it reads. Of any text at all the checker tells what is
wrong with it, and raises nothing.
Here: the laws. Not here: that the engines agree (`test_one_meaning`), who asks for how long (`test_expression_laws`, `soak`).
Source: spec/expressions.md, sections 1, 4, 6 and 10; spec/security.md, section 4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_UP, Decimal, FloatOperation, Inexact, Overflow, localcontext
from decimal import Context as DecimalContext
from random import Random

from fieldstone.i18n.texts import word
from fieldstone.rules import Use, ValueType, bounds, parse, problems
from fieldstone.rules.functions import OPERATORS, PREFIXES
from fieldstone.rules.parse import TOKEN, read
from fieldstone.rules.printing import to_source
from fieldstone.rules.reads import mentions
from fieldstone.rules.rename import rename
from fieldstone.rules.tree import Application, Checked, Constant, Name, Operation, Syntax, bottom_up, parts
from tests.support import expression_engines as engines_of
from tests.support import expressions as ex
from tests.support.expression_strategies import (
    ALL_NAMES,
    NOWHERE,
    PIECES,
    TYPES,
    call,
    constant,
    mutated,
    operation,
    save_of,
    scope_of,
    tree_of,
)

T = ValueType
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
SPACES = ["", "", "", " ", "  ", "\n", "\t", "\f", "\r\n  ", "/* a price */", "/**/ ", " /* nick + 'x'\n \" */"]


def styled(random: Random, source: str) -> str:
    """Return `source` as another author might have spelled it: spaces, comments, letter case, twins of operators."""
    text = random.choice(SPACES)
    for found in TOKEN.finditer(source):
        kind = found.lastgroup or ""
        token = found[kind]
        match kind:
            case "NAME":
                token = random.choice([token, token, token.upper(), token.lower()])
            case "PREFIX":
                token = random.choice(["!", "NOT ", "not/**/"])
            case "TEXT" if "'" not in token and "\\" not in token:
                token = random.choice([token, f"'{token[1:-1]}'"])
            case "INFIX":
                token = random.choice([token, {"=": "==", "<>": "!="}.get(token, token)])
        text += token + random.choice(SPACES)
    return text


def shape(syntax: Syntax) -> object:
    """Return what a tree says, without places and parentheses."""

    def shaped(node: Syntax, below: list[object]) -> object:
        match node:
            case Constant(value=value, type=type_):
                return type_, str(value)
            case Name(text=text):
                return text.lower()
            case Operation(operator=operator):
                return operator, *below
            case Application(name=name):
                return name.upper(), *below
        raise AssertionError(node)

    return bottom_up(syntax, parts, shaped)


def warned(source: str) -> list[str]:
    return [problem.code for problem in problems(source, ex.SCOPE, Use.AUTOMATION)]


# --- print -----------------------------------------------------------------------------------------------------------


def what_is_printed_parses_to_the_same_tree(random: Random) -> None:
    tree = tree_of(random, random.choice(TYPES), anywhere=True)
    printed = to_source(tree)
    if len(printed) > bounds.SOURCE_CHARACTERS:
        return
    assert shape(parse(printed)) == shape(tree), printed


def what_an_author_wrote_is_printed_with_the_same_meaning_and_no_new_warning(random: Random) -> None:
    source = styled(random, to_source(tree_of(random, random.choice(TYPES), anywhere=True)))
    tree, found = read(source)
    if found:
        assert {p.code for p in found} <= {"expression_too_long"}, source
        return
    printed = to_source(tree)
    assert shape(parse(printed)) == shape(tree), source
    assert to_source(parse(printed)) == printed, source
    assert warned(printed) == warned(source), source


def no_parentheses_are_printed_that_could_be_left_out(random: Random) -> None:
    printed = to_source(tree_of(random, random.choice(TYPES)))
    if len(printed) > bounds.SOURCE_CHARACTERS:
        return
    whole = shape(parse(printed))
    for opening in (found.start() for found in re.finditer(r"(?<![A-Za-z0-9_$.])\(", _without_texts(printed))):
        closing = _closing(_without_texts(printed), opening)
        without = f"{printed[:opening]} {printed[opening + 1 : closing]} {printed[closing + 1 :]}"
        tree, found_problems = read(without)
        assert found_problems or shape(tree) != whole, without


def _without_texts(source: str) -> str:
    return re.sub(r'"(?:\\.|[^"\\])*"', lambda text: "x" * len(text[0]), source)


def _closing(source: str, opening: int) -> int:
    depth = 0
    for index in range(opening, len(source)):
        depth += (source[index] == "(") - (source[index] == ")")
        if not depth:
            return index
    raise AssertionError(source)


# --- rename ----------------------------------------------------------------------------------------------------------


def renaming_a_field_changes_nothing_else(random: Random) -> None:
    scope = scope_of(random)
    source = styled(random, to_source(tree_of(random, random.choice(TYPES), scope=scope, anywhere=True)))
    used = [use.name for use in mentions(source)]
    old = random.choice(used).split(".")[-1] if used else "price"
    there = rename(source, _last_step(old, "renamed_x"))
    if max(len(source), len(there)) > bounds.SOURCE_CHARACTERS:  # names are looked for in what may be an expression
        return
    assert rename(there, _last_step("renamed_x", old)) == _last_steps_as(source, old), source
    pieces, places = [], [use.place for use in mentions(source)]
    for (_, end), (start, _) in zip([(0, 0), *places], [*places, (len(source), 0)], strict=True):
        pieces.append(source[end:start])
    renamed = [".".join([*n.split(".")[:-1], "renamed_x"]) if n.split(".")[-1].lower() == old.lower() else n for n in used]
    assert there == pieces[0] + "".join(name + piece for name, piece in zip(renamed, pieces[1:], strict=True)), source
    assert [use.name for use in mentions(there)] == renamed, source


def _last_step(old: str, new: str) -> Callable[[str], str | None]:
    def change(name: str) -> str | None:
        *path, last = name.split(".")
        return ".".join([*path, new]) if last.lower() == old.lower() else None

    return change


def _last_steps_as(source: str, spelled: str) -> str:
    """Return `source` with one letter case for every mention of the name: a rename gives all of them the same."""
    return rename(source, _last_step(spelled, spelled))


# --- reads -----------------------------------------------------------------------------------------------------------


class Watched(dict[str, object]):
    """A row that keeps a list of what it was asked for."""

    def __init__(self, row: dict[str, object]) -> None:
        super().__init__(row)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> object:
        self.asked.add(key)
        return super().__getitem__(key)


def no_value_but_those_it_reads_changes_the_result(random: Random) -> None:
    around = engines_of.surroundings_of(random, 2)
    checked = engines_of.checked_of(tree_of(random, random.choice(TYPES), scope=around.scope, anywhere=True), around)
    if checked is None:
        return
    context = save_of(random, around.context)
    reads = {".".join(path) for path in checked.reads}
    row, other = Watched(dict(around.rows[0])), {**around.rows[1], **{name: around.rows[0].get(name) for name in reads}}
    assert engines_of.in_python(checked, [row], context) == engines_of.in_python(checked, [other], context), checked.source
    assert row.asked <= reads, checked.source


def each_path_it_reads_is_named_in_it_or_in_a_formula_field(random: Random) -> None:
    around = engines_of.surroundings_of(random, 1)
    checked = engines_of.checked_of(tree_of(random, random.choice(TYPES), scope=around.scope, anywhere=True), around)
    if checked is not None:
        assert checked.reads == _mentioned(checked, around.scope), checked.source


def _mentioned(checked: Checked, scope: ex.Fields) -> set[tuple[str, ...]]:
    """Return the paths to values of the record that the source mentions, those of formula fields as seen from here."""
    found: set[tuple[str, ...]] = set()
    for use in mentions(checked.source):
        resolved = scope.resolve(use.name)
        assert resolved is not None, use.name
        if resolved.formula is not None:
            prefix = resolved.path[:-1]
            inner = scope if not prefix else ex.Fields(fields=ex.PARENT_FIELDS)
            found |= {prefix + path for path in _mentioned(resolved.formula, inner)}
        elif resolved.type is ValueType.GEOLOCATION:
            found |= {(*resolved.path[:-1], f"{resolved.path[-1]}.{part}") for part in ("latitude", "longitude")}
        elif not resolved.path[0].startswith("$"):
            found.add(resolved.path)
    return found


# --- any text --------------------------------------------------------------------------------------------------------


def any_tree(random: Random, depth: int) -> Syntax:
    """Return a tree of whatever comes, without regard to types."""
    if depth <= 0 or random.random() < 0.2:
        return random.choice([Name(random.choice([*ex.FIELDS, "nick2", "account"]), NOWHERE), constant(random, random.choice(TYPES))])
    below = [any_tree(random, depth - 1) for _ in range(random.randrange(6))]
    if len(below) == 1 and random.random() < 0.5:
        return operation(random.choice([*PREFIXES, "!"]), *below)
    if len(below) == 2 and random.random() < 0.7:
        return operation(random.choice([*OPERATORS, "&&", "||"]), *below)
    return call(random.choice(ALL_NAMES), *below)


def tell_all(source: str) -> None:
    """Have everything told that is wrong with `source`, wherever it may stand, in every language."""
    for use in Use:
        for problem in problems(source, ex.SCOPE, use):
            span = problem.span
            assert span is not None, source
            assert 0 <= span.start <= span.end <= len(source), source
            before = source[: span.start].split("\n")
            assert (span.line, span.column) == (len(before), len(before[-1]) + 1), source
            for language in LANGUAGES if use is Use.FORMULA else ():
                assert word(problem, language) not in ("", problem.code), source


def of_any_text_problems_are_told_and_nothing_is_raised(random: Random) -> None:
    tell_all("".join(random.choice(PIECES) for _ in range(random.randrange(25))))


def of_a_tree_of_whatever_comes_problems_are_told_and_nothing_is_raised(random: Random) -> None:
    tell_all(to_source(any_tree(random, 4)))


def of_a_text_changed_by_accident_problems_are_told_and_nothing_is_raised(random: Random) -> None:
    tell_all(mutated(random, to_source(tree_of(random, random.choice(TYPES), 4))))


# --- evaluating ------------------------------------------------------------------------------------------------------

# What the value of an expression of a type is, blanks apart.
KINDS: Mapping[T, type] = {T.NUMBER: Decimal, T.BOOLEAN: bool, T.DATE: date, T.DATETIME: datetime, T.TIME: int}


def evaluating_gives_a_value_of_the_type_or_a_listed_error(random: Random) -> None:
    around = engines_of.surroundings_of(random, 1)
    checked = engines_of.checked_of(tree_of(random, random.choice(TYPES), scope=around.scope, anywhere=True), around)
    if checked is None:
        return
    (result,) = engines_of.in_python(checked, around.rows, save_of(random, around.context))
    if isinstance(result, tuple):
        assert result[0] == ex.ERROR, f"{result}: {checked.source}"
    elif result is not None:
        assert type(result) is KINDS.get(checked.type, str), f"{result!r}: {checked.source}"


def a_field_left_out_is_blank_and_the_threads_decimals_change_nothing(random: Random) -> None:
    around = engines_of.surroundings_of(random, 2)
    checked = engines_of.checked_of(tree_of(random, random.choice(TYPES), scope=around.scope, anywhere=True), around)
    if checked is None:
        return
    context = save_of(random, around.context)
    whole = engines_of.in_python(checked, around.rows, context)
    sparse = [{name: value for name, value in row.items() if value is not None} for row in around.rows]
    assert engines_of.in_python(checked, sparse, context) == whole, checked.source
    with localcontext(DecimalContext(prec=2, rounding=ROUND_UP, Emin=-3, Emax=3, traps=[Inexact, FloatOperation, Overflow])):
        assert engines_of.in_python(checked, around.rows, context) == whole, checked.source


LAWS: tuple[Callable[[Random], None], ...] = (
    what_is_printed_parses_to_the_same_tree,
    what_an_author_wrote_is_printed_with_the_same_meaning_and_no_new_warning,
    no_parentheses_are_printed_that_could_be_left_out,
    renaming_a_field_changes_nothing_else,
    no_value_but_those_it_reads_changes_the_result,
    each_path_it_reads_is_named_in_it_or_in_a_formula_field,
    of_any_text_problems_are_told_and_nothing_is_raised,
    of_a_tree_of_whatever_comes_problems_are_told_and_nothing_is_raised,
    of_a_text_changed_by_accident_problems_are_told_and_nothing_is_raised,
    evaluating_gives_a_value_of_the_type_or_a_listed_error,
    a_field_left_out_is_blank_and_the_threads_decimals_change_nothing,
)
