"""The names of a case: what its formulas may read, and their checked expressions.

Here: the fields of a case as a scope, globals among them. Not here: the format (`cases`), running (`case_runs`).
Source: spec/expressions.md, section 11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from fieldstone.errors import Problem, Refused
from fieldstone.rules.cases import PLACE_PARTS, TYPES, Case
from fieldstone.rules.check import ROW_GLOBALS, Use, check
from fieldstone.rules.reads import mentions
from fieldstone.rules.scope import Resolved
from fieldstone.rules.tree import Checked
from fieldstone.rules.value_types import ValueType

IMPORTED_PART = re.compile(r"(.+)__(latitude|longitude)__s", re.IGNORECASE)


def checked(case: Case) -> Checked:
    """Return the checked expression of a case. Raises Refused with its problems, or those of a formula field that it holds."""
    by_name = {name.lower(): name for name in case.fields}
    formulas: dict[str, Checked] = {}
    for name in _in_order(case, by_name):
        described = case.fields[name]
        prefix = name[: name.rfind(".") + 1]
        scope = CaseScope(case, by_name, formulas, prefix)
        formulas[name] = check(described.formula or "", scope, Use.FORMULA, expected=described.value_type, blanks=case.blanks)
    expected = TYPES[case.returns] if case.returns is not None else None
    # An automation may ask everything that any place may.
    return check(case.formula, CaseScope(case, by_name, formulas), Use.AUTOMATION, expected=expected, blanks=case.blanks)


def _in_order(case: Case, by_name: Mapping[str, str]) -> list[str]:
    """Return the formula fields, each after those that it reads. Raises Refused for a circle."""
    reads: dict[str, list[str]] = {}
    for name, described in case.fields.items():
        if described.formula is not None:
            prefix = name[: name.rfind(".") + 1]
            named = (by_name.get((prefix + each.name).lower(), "") for each in mentions(described.formula))
            reads[name] = [other for other in named if other and case.fields[other].formula is not None]
    try:
        return list(TopologicalSorter(reads).static_order())
    except CycleError as circle:
        raise Refused(Problem(code="cycle", params={"cycle": " → ".join(reversed(circle.args[1]))})) from circle


class CaseScope:
    """The names of a case, seen from its record or from one that `prefix` ("account.") leads to."""

    object_label = "record"

    def __init__(self, case: Case, by_name: Mapping[str, str], formulas: Mapping[str, Checked], prefix: str = "") -> None:
        self.case = case
        self.by_name = by_name
        self.formulas = formulas
        self.prefix = prefix

    def resolve(self, name: str) -> Resolved | None:
        """Return the field of the case that `name` stands for."""
        prefix = "" if name.startswith("$") else self.prefix
        found = self.by_name.get((prefix + name).lower())
        if found is None:
            return self.part_of_place(prefix, name)
        described = self.case.fields[found]
        type_, computed = described.value_type, described.formula is not None
        path = tuple(found[len(prefix) :].split("."))
        return Resolved(
            path=path,
            type=type_,
            number_field=type_ is ValueType.NUMBER,
            percent=described.type == "percent" and not computed,
            picklist=described.values,
            checkbox=type_ is ValueType.BOOLEAN,
            user_dependent=is_global(found),
            formula=self.formulas[found] if computed else None,
            own=len(path) == 1 and not prefix,
            length=described.length,
        )

    def part_of_place(self, prefix: str, name: str) -> Resolved | None:
        """Return a part of a field that holds a place: `place.latitude`, in imported formulas `Place__Latitude__s`."""
        imported = IMPORTED_PART.fullmatch(name)
        field, part = imported.groups() if imported is not None else name.rpartition(".")[::2]
        key = (prefix + field).lower()
        found = self.by_name.get(key) or (self.by_name.get(f"{key}__c") if imported is not None else None)
        if found is None or part.lower() not in PLACE_PARTS or self.case.fields[found].value_type is not ValueType.GEOLOCATION:
            return None
        *way, last = found[len(prefix) :].split(".")
        return Resolved(path=(*way, f"{last}.{part.lower()}"), type=ValueType.NUMBER, number_field=True, own=False)

    def lacking(self, name: str) -> tuple[str, str]:
        """Return the name as it stands, and the record."""
        return name, self.object_label

    def nearest(self, name: str) -> str | None:
        """Return the field most like `name`."""
        near = get_close_matches((self.prefix + name).lower(), self.by_name, 1)
        return self.by_name[near[0]][len(self.prefix) :] if near else None


def is_global(name: str) -> bool:
    """Tell whether a field of a case is a global such as `$User.Name`, which comes with the context and not with the record."""
    return name.startswith("$") and name.split(".", 1)[0] not in ROW_GLOBALS
