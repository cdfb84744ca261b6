"""Texts of the org with expressions in them: `{{ name }} is won: enter its amount.`

Here: finding the expressions, and filling a text for one record, in every language it has.
Not here: mail templates (`notify`), the words of the platform (`i18n`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fieldstone.errors import Refused
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.gate import sharing, tables
from fieldstone.records.gate.access import READ
from fieldstone.records.gate.names import resolve, target_of
from fieldstone.rules import EvaluationError

if TYPE_CHECKING:
    from fieldstone.records.changes import Batch, Item
    from fieldstone.records.evaluation import Evaluation

HOLE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
USE = "template"
ROW_GLOBALS = ("$Record", "$Record__Prior")


def expressions_in(snapshot: Snapshot, object_name: str, texts: Mapping[str, str]) -> list[Compiled]:
    """Return every expression in `texts`, compiled for the object; one that does not compile is left out: it is shown as it stands."""
    found = [_compiled(snapshot, object_name, source) for text in texts.values() for source in HOLE.findall(text)]
    return [each for each in found if each is not None]


def filled(batch: Batch, texts: Mapping[str, str], item: Item, evaluation: Evaluation) -> dict[str, str]:
    """Return `texts` with each expression replaced by its value for the record; fields the saver cannot read stay blank."""

    def value(match: re.Match[str]) -> str:
        compiled = _compiled(batch.snapshot, batch.object.name, match[1])
        if compiled is None:
            return match[0]
        if not all(_may_read(batch, item, path) for path in compiled.reads | compiled.checked.names):
            return ""
        try:
            return shown(evaluation.value(compiled, item))
        except EvaluationError:
            return ""

    return {language: HOLE.sub(value, text) for language, text in texts.items()}


def _may_read(batch: Batch, item: Item, path: tuple[str, ...]) -> bool:
    """Whether the saver may read what stands at `path`: every field on the way, and the records it goes through."""
    if path[0] in ROW_GLOBALS:
        path = path[1:]
    if not path or path[0].startswith("$"):
        return True
    try:
        resolve(batch.asking, batch.object, ".".join(path))
    except Refused:
        return False
    if len(path) == 1:
        return True
    looked = item.looked.get(path[0])
    if looked is None or looked[1].access < READ:
        return False
    return all(_open_to_all(batch, path[:count]) for count in range(2, len(path)))


def _open_to_all(batch: Batch, hops: tuple[str, ...]) -> bool:
    """Whether the saver sees every record that these lookups can lead to: of those further up only the first was looked at."""
    named = resolve(batch.asking, batch.object, ".".join(hops))
    target = target_of(batch.asking, named.field)
    return target is not None and sharing.condition(batch.asking, target, tables.table(batch.snapshot, target.name)) is None


def _compiled(snapshot: Snapshot, object_name: str, source: str) -> Compiled | None:
    try:
        return snapshot.expression(source, object_name, USE)
    except Refused:
        return None


def shown(value: object) -> str:
    """Return a value as an expression's TEXT would give it."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case tuple() | frozenset() | set():
            return ", ".join(sorted(str(each) for each in value))
    return str(value)
