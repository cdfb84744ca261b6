"""How pages tell what is wrong with an expression, where, and what was probably meant; and how many records it holds for.

Here: one problem as the expression editor takes it, its sentence with the place, `holds_for`. Not here: who asks about which
expression (`list_expressions`, `setup/expressions`), the editor in the browser (`static/js/expression.js`), checking (`rules`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask_babel import gettext as _

from fieldstone import rules
from fieldstone.errors import NotVisible, Problem, Refused
from fieldstone.i18n import formats
from fieldstone.metadata import labels
from fieldstone.records.query import Query
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word

NO_SUCH_VALUE = "expression_unknown_picklist_value"


def told(scope: rules.Scope, source: str, problem: Problem) -> dict[str, Any]:
    """Return a problem of `source` as JSON: text, start and end in characters, severity, and the text to put there if one is known."""
    span, fix = problem.span, problem.suggestion
    start, end = (span.start, span.end) if span is not None else (0, 0)
    if problem.code == "expression_bad_character" and fix is None and source[start : start + 1].isalpha():
        fix = scope.nearest(source[start:end])  # a field by its label
    if source[start:end] == "=" and not source[:start].strip() and not problem.warning:
        fix = ""  # a spreadsheet's formula begins with it
    if fix and problem.code == NO_SUCH_VALUE:
        fix = f"{source[start]}{fix}{source[start]}"  # what is meant is the text between the quotation marks
    said = {"text": word(_in_readers_words(problem)), "start": start, "end": end, "severity": "warning" if problem.warning else "error"}
    return said if fix is None else said | {"fix": fix}


def with_place(source: str, problem: Problem) -> str:
    """Return the sentence of a problem with the line and column where it begins, both counted from 1."""
    before = source[: problem.span.start] if problem.span is not None else ""
    column = len(before) - before.rfind("\n")
    text = word(_in_readers_words(problem))
    return str(_("Line {line}, column {column}: {text}")).format(line=before.count("\n") + 1, column=column, text=text)


def _in_readers_words(problem: Problem) -> Problem:
    """Return a problem that names an object by its API name, which every reader has a label for, not by its label in the org's language."""
    language = current.snapshot.language
    called = {labels.text(each.label, language, language, each.name): each.name for each in current.snapshot.objects.values()}
    said = problem.params.get("object")
    return replace(problem, params={**problem.params, "object": called[said]}) if said in called else problem


def holds_for(object_name: str, source: str) -> str:
    """Say for how many of the records that the person sees a condition holds; nothing where a list could not be filtered by it."""
    try:
        every, those = current.gate.count(Query(object=object_name)), current.gate.count(Query(object=object_name, filter=source))
    except (Refused, NotVisible):
        return ""
    more = "" if every.exact and those.exact else "+"
    some, every_one = formats.number(those.value, current.language), formats.number(every.value, current.language)
    return str(_("true for %(some)s of %(all)s records", some=some + more, all=every_one + more))
