"""What was probably meant by what an expression does not understand, where only the org's own words or a keyboard tell.

Here: labels for names, letters and digits of full width, `RecordType.Name`, labels of picklist values, several values asked as one: each
the suggestion of its problem.
Not here: what is wrong, and what the language itself suggests (`rules`), how a problem is told (`web/expressions`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from fieldstone.errors import Problem, Span
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.scope import ObjectScope
from fieldstone.rules import ValueType
from fieldstone.web.expressions import NO_SUCH_VALUE

Check = Callable[[str], tuple[Problem, ...]]

WIDE = re.compile(r"[\w．]*[０-９Ａ-Ｚａ-ｚ＿．][\w．]*|[—―]")  # a word with such a character, or a dash of texts
RECORD_TYPE = "recordtype."
WRONG_TYPES = ("expression_operand_types", "expression_argument_type")
IS_ONE = re.compile(r"([\w.]+)\s*(=|==|<>|!=)\s*(\"[^\"]*\"|'[^']*')")  # of one value; several are asked by INCLUDES
ASKS_ONE = re.compile(r"(ISPICKVAL|CONTAINS)\s*\(\s*[\w.]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A piece of an expression that cannot stand there, and what was meant."""

    start: int
    end: int
    problem: Problem

    @property
    def text(self) -> str:
        """What is to stand there."""
        return self.problem.suggestion or ""


def problems(check: Check, scope: ObjectScope, source: str) -> list[Problem]:
    """Return everything that is wrong with an expression, as `check` finds it, with what was meant where that is known here.

    A piece whose meaning is plain is one problem, whatever it makes of what stands around it: the rest is checked as it was meant.
    """
    found = check(source)
    swaps = sorted(_swaps(scope, source, found), key=lambda each: each.start)
    if swaps:
        meant, moved = _swapped(source, swaps)
        found = (*(each.problem for each in swaps), *(_moved(each, source, moved) for each in check(meant)))
    return [_with_meaning(check, scope, source, each) for each in found]


def _swaps(scope: ObjectScope, source: str, found: tuple[Problem, ...]) -> Iterator[Swap]:
    """Yield what to put instead of what, none over another: labels first, since they may be of several words."""
    wrong = [each.span.start for each in found if each.span is not None and not each.warning]
    taken: set[int] = set()
    for start, end, name in (*_labels(scope.definition, source), *_wide(source)) if wrong else ():
        if not taken.isdisjoint(range(start, end)) or not any(start <= at < end for at in wrong):
            continue
        taken.update(range(start, end))
        text, span = source[start:end], _span(source, start, end)
        if scope.definition is not None and scope.resolve(name) is not None:
            params = {"name": text, "object": scope.object_label}
            yield Swap(start=start, end=end, problem=Problem(code="expression_unknown_name", params=params, span=span, suggestion=name))
        else:
            params = {"character": text}
            yield Swap(start=start, end=end, problem=Problem(code="expression_bad_character", params=params, span=span, suggestion=name))


def _labels(definition: ObjectDef | None, source: str) -> Iterator[tuple[int, int, str]]:
    """Yield where a field stands by its label, in any language, instead of its name; the longest labels first."""
    fields = definition.all_fields if definition is not None else ()
    called = [(text, field.name) for field in fields for text in {*field.label.values()} if text.lower() != field.name.lower()]
    for text, name in sorted(called, key=lambda each: -len(each[0])):
        for match in re.finditer(rf"(?<![\w.]){re.escape(text)}(?!\w)", source, re.IGNORECASE):
            yield match.start(), match.end(), name


def _wide(source: str) -> Iterator[tuple[int, int, str]]:
    """Yield what was typed at full width, or is a dash of texts, with what it stands for."""
    for match in WIDE.finditer(source):
        meant = "-" if match[0] in "—―" else unicodedata.normalize("NFKC", match[0])
        if meant.isascii():
            yield match.start(), match.end(), meant


def _swapped(source: str, swaps: list[Swap]) -> tuple[str, Callable[[int], int]]:
    """Return the expression as it was meant, and what leads from a place in it back to the one in `source`."""
    meant, at, places = "", 0, list[int]()
    for each in swaps:
        meant += source[at : each.start] + each.text
        places += [*range(at, each.start), *[each.start] * len(each.text)]
        at = each.end
    places += range(at, len(source) + 1)
    return meant + source[at:], lambda place: places[min(place, len(places) - 1)]


def _moved(problem: Problem, source: str, moved: Callable[[int], int]) -> Problem:
    if problem.span is None:
        return problem
    return replace(problem, span=_span(source, moved(problem.span.start), moved(problem.span.end)))


def _span(source: str, start: int, end: int) -> Span:
    before = source[:start]
    return Span(start=start, end=end, line=before.count("\n") + 1, column=start - before.rfind("\n"))


def _with_meaning(check: Check, scope: ObjectScope, source: str, problem: Problem) -> Problem:
    """Return a problem with what was meant: the record type, the value of a picklist whose label was written, one of several values."""
    name = str(problem.params.get("name", ""))
    if problem.code == "expression_unknown_name" and name.lower().startswith(RECORD_TYPE) and scope.resolve(f"${name}") is not None:
        return replace(problem, suggestion=f"${name}")
    if problem.code == NO_SUCH_VALUE and problem.span is not None:
        value = next(_values(check, scope, source, problem.span, str(problem.params["value"])), None)
        return problem if value is None else replace(problem, suggestion=value)
    if problem.code in WRONG_TYPES and problem.span is not None and ValueType.MULTIPICKLIST.value in problem.params.values():
        return _of_several(source, problem, problem.span)
    return problem


def _of_several(source: str, problem: Problem, span: Span) -> Problem:
    """Return a problem of asking several picklist values as if they were one, with how they are asked."""
    for match in IS_ONE.finditer(source):
        if match.start(2) == span.start:
            asked = f"INCLUDES({match[1]}, {match[3]})"
            meant = asked if match[2] in ("=", "==") else f"NOT({asked})"
            return replace(problem, span=_span(source, *match.span()), suggestion=meant)
    for match in ASKS_ONE.finditer(source):
        if match.end() == span.end:
            return replace(problem, span=_span(source, *match.span(1)), suggestion="INCLUDES")
    return problem


def _values(check: Check, scope: ObjectScope, source: str, span: Span, label: str) -> Iterator[str]:
    """Yield the values called `label`, in any language, that the picklist compared with there has: tried, since only the check knows it."""
    wanted, quote = label.casefold(), source[span.start : span.start + 1]
    every = (value for each in scope.scopes.source.objects.values() for field in each.fields.values() for value in field.values)
    for name in dict.fromkeys(value.name for value in every if wanted in (text.casefold() for text in value.label.values())):
        tried = check(f"{source[: span.start]}{quote}{name}{quote}{source[span.end :]}")
        if not any(each.code == NO_SUCH_VALUE and each.span is not None and each.span.start == span.start for each in tried):
            yield name
