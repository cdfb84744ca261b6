"""Branches and conditions.

Here: what bends the rules, that is evaluates only some of its arguments, or takes and gives any type.
Not here: blanks and errors (`blanks`), comparison (`comparison`), picklists (`picklist`).
Source: spec/expressions.md, sections 5, 7.1 and 7.8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from fieldstone.rules.functions.entry import (
    ANY,
    BOOLEAN,
    NO_LITERAL,
    TEXT_LIKE,
    Blank,
    Code,
    Digits,
    Function,
    Param,
    Piece,
    PythonWriter,
    Role,
    Site,
    SqlWriter,
    strict,
    table,
    tallest,
)
from fieldstone.rules.functions.sql_texts import any_of
from fieldstone.rules.tree import Call, Literal
from fieldstone.rules.value_types import NO_RESULTS, ValueType, common

NO_VALUE = NO_RESULTS | {ValueType.MULTIPICKLIST}  # types of what cannot be chosen or compared


# --- types -----------------------------------------------------------------------------------------------------------


def common_type(site: Site, results: Sequence[int]) -> ValueType | None:
    """Return the common type of the arguments at `results`; reported where there is none."""
    types = [site.types[i] for i in results]
    found = common(types)
    if isinstance(found, bool):
        first = next(t for t in types if t is not ValueType.NULL)
        odd = next(i for i in results if common((first, site.types[i])) is False)
        other = site.types[odd]
        assert first is not None and other is not None
        site.refuse("expression_no_common_type", odd, expected=first.value, found=other.value)
        return None
    if found in NO_VALUE:
        site.refuse("expression_not_a_result", results[0], found=found.value)
        return None
    return found


def _conditions(site: Site, indices: Sequence[int]) -> None:
    for index in indices:
        type_ = site.types[index]
        if type_ not in (None, ValueType.BOOLEAN, ValueType.NULL):
            assert type_ is not None
            site.refuse("expression_condition_not_boolean", index, found=type_.value)


# --- IF, IFS, AND, OR, NOT -------------------------------------------------------------------------------------------


def _if_types(site: Site) -> ValueType | None:
    count = len(site.types)
    _conditions(site, range(0, count - 1, 2))
    return common_type(site, [*range(1, count, 2), count - 1])


def _if_role(index: int, count: int) -> Role:
    """Conditions and results alternate; the last one is what is left."""
    return Role.RESULT if index % 2 or index == count - 1 else Role.CONDITION


def _case_role(index: int, count: int) -> Role:
    return Role.VALUE if index == 0 or (index % 2 and index != count - 1) else Role.RESULT


def _if_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    conditions, results = arguments[:-1:2], writer.alike([*arguments[1::2], arguments[-1]])
    branches = "".join(f"{r.text} if {c.text} else " for c, r in zip(conditions, results, strict=False))
    return Code(
        text=f"({branches}{results[-1].text})",
        type=call.type,
        blank=any(r.blank for r in results),
        whole=results[0].whole,
        fails=any(a.fails for a in arguments),
        height=tallest(arguments),
    )


def _if_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    if writer.sqlite and call.type is ValueType.NUMBER:
        return writer.by_python(call)
    conditions, results = arguments[:-1:2], [*arguments[1::2], arguments[-1]]

    def cases(outcomes: Sequence[str]) -> str:
        branches = (f"WHEN {c.text} THEN {o}" for c, o in zip(conditions, outcomes, strict=False))
        return f"(CASE {' '.join(branches)} ELSE {outcomes[-1]} END)"

    return Piece(
        text=cases([r.text for r in results]),
        type=call.type,
        blank=any(r.blank for r in results),
        digits=widest(results),
        error=_reached(conditions, results),
    )


def _reached(conditions: Sequence[Piece], results: Sequence[Piece]) -> str | None:
    """Return the error of a chain of branches: of the conditions asked, and of the result taken."""
    return first_of([(c.error, c.text, r.error) for c, r in zip(conditions, results, strict=False)], results[-1].error)


def first_of(steps: Sequence[tuple[str | None, str, str | None]], last: str | None) -> str | None:
    """Return the error of a walk that ends at the first step whose condition holds, and otherwise with `last`.

    A step is the error of its condition, the condition, and the error of ending there. It is one flat CASE: SQLite's parser gives
    up on a branch within a branch within a branch.
    """
    steps = list(steps)
    while steps and last is None and steps[-1][2] is None:
        last = steps.pop()[0]
    if not steps:
        return last
    tests = (f"{f' WHEN {error} THEN TRUE' if error else ''} WHEN {test} THEN {ending or 'FALSE'}" for error, test, ending in steps)
    return f"(CASE{''.join(tests)} ELSE {last or 'FALSE'} END)"


def widest(pieces: Sequence[Piece]) -> Digits:
    return max(p.digits[0] for p in pieces), max(p.digits[1] for p in pieces)


IF = Function(
    name="IF",
    params=(Param("condition", BOOLEAN), Param("x", ANY), Param("y", ANY)),
    returns=ValueType.NULL,
    doc="`x` when the condition is true, else `y`. A blank condition is not true. Only the branch taken is evaluated.",
    blank=Blank.OWN,
    typing=_if_types,
    role=_if_role,
    write_python=_if_python,
    write_sql=_if_sql,
    on_sqlite=True,
    examples=(('IF(1 < 2, "yes", "no")', "yes"), ('IF(NULL, "yes", "no")', "no"), ("IF(TRUE, 1, 1 / 0)", 1)),
)
IFS = Function(
    name="IFS",
    params=(Param("condition", BOOLEAN), Param("x", ANY), Param("else", ANY, repeats=True, ends=True)),
    returns=ValueType.NULL,
    doc="The result behind the first condition that is true; the last argument when none is.",
    blank=Blank.OWN,
    typing=_if_types,
    arity=lambda count: count >= 3 and count % 2 == 1,
    role=_if_role,
    write_python=_if_python,
    write_sql=_if_sql,
    on_sqlite=True,
    examples=(("IFS(FALSE, 1, TRUE, 2, 3)", 2), ("IFS(FALSE, 1, NULL, 2, 3)", 3)),
)


def _all_conditions(site: Site) -> ValueType:
    _conditions(site, range(len(site.types)))
    return ValueType.BOOLEAN


def _chain_python(word: str) -> Callable[[PythonWriter, Call, Sequence[Code]], Code]:
    def write(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
        return Code(
            text=f"({f' {word} '.join(a.text for a in arguments)})",
            type=ValueType.BOOLEAN,
            blank=False,
            loose=any(a.blank or a.loose for a in arguments),
            fails=any(a.fails for a in arguments),
            height=tallest(arguments),
        )

    return write


def _chain_sql(word: str) -> Callable[[SqlWriter, Call, Sequence[Piece]], Piece]:
    def write(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
        ends = "NOT " if word == "AND" else ""
        error = first_of([(a.error, f"({ends}{a.truth()})", None) for a in arguments[:-1]], arguments[-1].error)
        text = f"({f' {word} '.join(a.truth() for a in arguments)})"
        return Piece(text=text, type=ValueType.BOOLEAN, blank=False, error=error)

    return write


AND = Function(
    name="AND",
    params=(Param("b", BOOLEAN, repeats=True),),
    returns=ValueType.BOOLEAN,
    doc="True when every condition is true. A blank one counts as false; after the first false one no more are evaluated.",
    blank=Blank.OWN,
    typing=_all_conditions,
    role=lambda index, count: Role.CONDITION,
    write_python=_chain_python("and"),
    write_sql=_chain_sql("AND"),
    on_sqlite=True,
    examples=(("AND(TRUE, 1 < 2)", True), ("AND(TRUE, NULL)", False), ("AND(FALSE, 1 / 0 > 1)", False)),
)
OR = Function(
    name="OR",
    params=(Param("b", BOOLEAN, repeats=True),),
    returns=ValueType.BOOLEAN,
    doc="True when one of the conditions is true. A blank one counts as false; after the first true one no more are evaluated.",
    blank=Blank.OWN,
    typing=_all_conditions,
    role=lambda index, count: Role.CONDITION,
    write_python=_chain_python("or"),
    write_sql=_chain_sql("OR"),
    on_sqlite=True,
    examples=(("OR(FALSE, 1 < 2)", True), ("OR(FALSE, NULL)", False), ("OR(TRUE, 1 / 0 > 1)", True)),
)


def _not_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    return writer.guarded(arguments, lambda t: f"(not {t[0]})", Code(text="", type=ValueType.BOOLEAN, blank=False))


def _not_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    (condition,) = arguments
    return Piece(text=f"(NOT {condition.text})", type=ValueType.BOOLEAN, blank=condition.blank, error=condition.error)


NOT = Function(
    name="NOT",
    params=(Param("b", BOOLEAN),),
    returns=ValueType.BOOLEAN,
    doc="True when the condition is false; blank when it is blank.",
    typing=_all_conditions,
    role=lambda index, count: Role.CONDITION,
    write_python=_not_python,
    write_sql=_not_sql,
    on_sqlite=True,
    examples=(("NOT(1 < 2)", False), ("NOT NOT TRUE", True)),
)


# --- CASE and IN -----------------------------------------------------------------------------------------------------


def _case_types(site: Site) -> ValueType | None:
    subject, last = site.types[0], len(site.types) - 1
    values, results = range(1, last, 2), [*range(2, last, 2), last]
    _equal_types(site, values, "expression_case_on_boolean")
    if subject is ValueType.PICKLIST:
        for index in values:
            node = site.nodes[index]
            if site.types[index] is not None and not (isinstance(node, Literal) and node.type is ValueType.TEXT):
                site.refuse("expression_picklist_value_not_literal", index)
    found = common_type(site, results)
    if found is ValueType.BOOLEAN:
        site.refuse("expression_case_gives_boolean", results[0])
        return None
    return found


def _equal_types(site: Site, values: Sequence[int], boolean_code: str | None) -> None:
    """Refuse values that can never be equal to the first argument."""
    subject = site.types[0]
    if subject in NO_VALUE:
        site.refuse("expression_not_comparable", 0, found=subject.value)
        return
    if subject is ValueType.BOOLEAN and boolean_code is not None:
        site.refuse(boolean_code, 0)
        return
    for index in values:
        given = site.types[index]
        if subject is None or given is None:
            continue
        if common((subject, given)) is False:
            site.refuse("expression_never_equal", index, expected=subject.value, found=given.value)


def _case_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    subject, values, results = arguments[0], arguments[1:-1:2], writer.alike([*arguments[2:-1:2], arguments[-1]])
    as_text = subject.type in TEXT_LIKE
    nothing = writer.constant("")
    kept = f"({subject.text} or {nothing})" if as_text and subject.blank else subject.text
    name = writer.temporary()
    tests = []
    for index, value in enumerate(values):
        asked = f"({name} := {kept})" if index == 0 else name
        compared = f"({value.text} or {nothing})" if as_text and value.blank else value.text
        if as_text or not value.blank:
            tests.append(f"{asked} == {compared}")
        else:  # a blank equals no blank
            other = writer.temporary()
            tests.append(f"{asked} == ({other} := {compared}) and {other} is not None")
    branches = "".join(f"{r.text} if {t} else " for t, r in zip(tests, results, strict=False))
    return Code(
        text=f"({branches}{results[-1].text})",
        type=call.type,
        blank=any(r.blank for r in results),
        whole=results[0].whole,
        fails=any(a.fails for a in arguments),
        height=tallest(arguments),
    )


def _case_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    subject, values, results = arguments[0], arguments[1:-1:2], [*arguments[2:-1:2], arguments[-1]]
    numbers = ValueType.NUMBER in (call.type, subject.type, *(v.type for v in values))
    if writer.sqlite and numbers:
        return writer.by_python(call)
    if subject.type is ValueType.NULL:  # nothing is equal to it, so its values may be of several types
        rest = results[-1]
        error = any_of(subject.error, *(v.error for v in values), rest.error)
        return Piece(text=rest.text, type=call.type, blank=rest.blank, digits=rest.digits, error=error)
    as_text = subject.type in TEXT_LIKE

    def compared(piece: Piece) -> str:
        return f"COALESCE({piece.text}, '')" if as_text and piece.blank else piece.text

    def cases(outcomes: Sequence[str]) -> str:
        branches = (f"WHEN {compared(v)} THEN {o}" for v, o in zip(values, outcomes, strict=False))
        return f"(CASE {compared(subject)} {' '.join(branches)} ELSE {outcomes[-1]} END)"

    error = None
    if any(v.error for v in values):
        steps = "".join(
            f" WHEN {v.error or 'FALSE'} THEN TRUE WHEN {{0}} = {compared(v)} THEN {r.error or 'FALSE'}"
            for v, r in zip(values, results, strict=False)
        )
        last = results[-1].error or "FALSE"
        error = writer.apply(lambda x: f"(CASE{steps.replace('{0}', x)} ELSE {last} END)", [compared(subject)])
    elif any(r.error for r in results):
        error = cases([r.error or "FALSE" for r in results])
    return Piece(
        text=cases([r.text for r in results]),
        type=call.type,
        blank=any(r.blank for r in results),
        digits=widest(results),
        error=any_of(subject.error, error),
    )


CASE = Function(
    name="CASE",
    params=(Param("x", ANY), Param("value", ANY), Param("result", ANY), Param("else", ANY, repeats=True, ends=True)),
    returns=ValueType.NULL,
    doc="The result behind the first value that is equal to `x`; the last argument when none is. A blank text matches a blank value.",
    blank=Blank.OWN,
    typing=_case_types,
    role=_case_role,
    arity=lambda count: count >= 4 and count % 2 == 0,
    write_python=_case_python,
    write_sql=_case_sql,
    on_sqlite=True,
    examples=(('CASE(2, 1, "one", 2, "two", "many")', "two"), ('CASE("", NULL, 1, 0)', 1)),
)


def _in_types(site: Site) -> ValueType:
    _equal_types(site, range(1, len(site.types)), None)
    return ValueType.BOOLEAN


def _in_python(writer: PythonWriter, call: Call, arguments: Sequence[Code]) -> Code:
    subject, *values = map(strict, arguments)
    fails = any(a.fails for a in arguments)
    result = Code(text="", type=ValueType.BOOLEAN, blank=False, fails=fails, height=tallest(arguments))
    if all(v.literal is not NO_LITERAL for v in values):
        chosen = [v.literal for v in values if v.literal not in (None, "")]
        if subject.whole and all(isinstance(c, Decimal) and c == int(c) for c in chosen):
            chosen = [int(c) for c in chosen if isinstance(c, Decimal)]
        among = writer.constant(frozenset(chosen) if subject.type in TEXT_LIKE else tuple(chosen))
        return result._replace(text=f"({subject.text} in {among})")
    name = writer.temporary()
    filled = name if subject.type in TEXT_LIKE else f"{name} is not None"
    tests = " or ".join(f"{name} == {v.text}" for v in values)
    return result._replace(text=f"(({name} := {subject.text}, {filled})[1] and ({tests}))", loose=True)


def _in_sql(writer: SqlWriter, call: Call, arguments: Sequence[Piece]) -> Piece:
    subject, *values = arguments
    plain = writer.plain_choice(subject, values)
    if plain is not None:
        return Piece(text=plain, type=ValueType.BOOLEAN, blank=False)
    if subject.type is ValueType.NULL:
        return Piece(text="(1 = 0)", type=ValueType.BOOLEAN, blank=False, error=subject.error)
    if writer.sqlite and ValueType.NUMBER in (subject.type, *(v.type for v in values)):
        return writer.by_python(call)
    text = f"COALESCE({subject.text} IN ({', '.join(v.text for v in values)}), FALSE)"
    error = first_of([(v.error, f"({subject.text} = {v.text})", None) for v in values[:-1]], values[-1].error)
    if error is not None:
        error = f"({subject.text} IS NOT NULL AND {error})"
    return Piece(text=text, type=ValueType.BOOLEAN, blank=False, error=any_of(subject.error, error))


IN = Function(
    name="IN",
    params=(Param("x", ANY), Param("value", ANY, repeats=True)),
    returns=ValueType.BOOLEAN,
    doc="True when `x` is equal to one of the values. A blank `x` is equal to none.",
    blank=Blank.OWN,
    typing=_in_types,
    role=lambda index, count: Role.VALUE,
    write_python=_in_python,
    write_sql=_in_sql,
    on_sqlite=True,
    examples=(('IN("b", "a", "b")', True), ('IN("", "a", "")', False)),
)

LOGIC = table(IF, IFS, AND, OR, NOT, CASE, IN)
