"""Values of a file that almost name something: one line for all their rows, with what was probably meant.

Here: comparing what was not found with the names of records and the values of picklists.
Not here: grouping failed rows (`imports.py`), putting an answer into the mapping (the surfaces call `answered`).
Source: spec/data.md, section 1, "Lookups".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace

from rapidfuzz.distance import DamerauLevenshtein

from fieldstone.data.imports import Group, Report
from fieldstone.data.mapping import ImportMapping
from fieldstone.records.gate import Gate
from fieldstone.records.query import Query, Sort

NOT_FOUND = frozenset({"record_not_found", "unknown_choice"})
NAMES = 2_000  # of the target's records that are compared
EDITS = 1  # letters that may differ, blanks and punctuation apart


def with_suggestions(gate: Gate, report: Report) -> Report:
    """Return the report with a suggestion for each group whose value is a near miss of a name the person may see."""
    known: dict[str, tuple[str, ...]] = {}

    def names(object_name: str) -> tuple[str, ...]:
        if object_name not in known:
            known[object_name] = tuple(_names(gate, object_name))
        return known[object_name]

    def suggested(group: Group) -> Group:
        problem = group.problem
        value, target = problem.params.get("value"), problem.params.get("target_object")
        if problem.suggestion is not None or problem.code not in NOT_FOUND or not isinstance(value, str) or not isinstance(target, str):
            return group
        return replace(group, problem=replace(problem, suggestion=near(value, names(target))))

    return replace(report, groups=tuple(suggested(group) for group in report.groups))


def near(value: str, names: Iterable[str]) -> str | None:
    """Return the one name that `value` almost is: equal but for case, blanks and punctuation, or one letter away; None if two are."""
    wanted = _bare(value)
    equal = [name for name in names if _bare(name) == wanted]
    if equal:
        return equal[0] if len(equal) == 1 else None
    close = [name for name in names if len(wanted) > 3 and DamerauLevenshtein.distance(wanted, _bare(name), score_cutoff=EDITS) <= EDITS]
    return close[0] if len(close) == 1 else None


def answered(mapping: ImportMapping, field: str, value: str, meant: str) -> ImportMapping:
    """Return the mapping in which cells with `value` that go to `field` mean `meant`."""
    return replace(
        mapping,
        columns=tuple(
            replace(each, values={**each.values, value: meant}) if each.field.partition(".")[0] == field else each
            for each in mapping.columns
        ),
    )


def answers(report: Report) -> Mapping[tuple[str, str], str]:
    """Return what the report suggests: (field, value) → what was probably meant."""
    return {
        (group.problem.field, str(group.problem.params["value"])): group.problem.suggestion
        for group in report.groups
        if group.problem.suggestion is not None and group.problem.field is not None and "value" in group.problem.params
    }


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _names(gate: Gate, object_name: str) -> Iterable[str]:
    definition = gate.snapshot.object(object_name)
    if not gate.rights.tells_names(definition):
        return
    name, cursor = definition.name_field, None
    seen = 0
    while seen < NAMES:
        page = gate.read(Query(object=object_name, select=("id", name), sort=(Sort(field=name),), limit=200, cursor=cursor))
        seen += len(page.records)
        yield from (record[name] for record in page.records if record[name])
        cursor = page.next
        if cursor is None:
            return
