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
from fieldstone.rules import EvaluationError

if TYPE_CHECKING:
    from fieldstone.records.changes import Batch, Item
    from fieldstone.records.evaluation import Evaluation

HOLE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
USE = "template"


def expressions_in(snapshot: Snapshot, object_name: str, texts: Mapping[str, str]) -> list[Compiled]:
    """Return every expression in `texts`, compiled for the object; one that does not compile is left out: it is shown as it stands."""
    found = [_compiled(snapshot, object_name, source) for text in texts.values() for source in HOLE.findall(text)]
    return [each for each in found if each is not None]


def filled(batch: Batch, texts: Mapping[str, str], item: Item, evaluation: Evaluation) -> dict[str, str]:
    """Return `texts` with each expression replaced by its value for the record; fields the saver cannot read stay blank."""
    readable = batch.rights.readable(batch.object.name)

    def value(match: re.Match[str]) -> str:
        compiled = _compiled(batch.snapshot, batch.object.name, match[1])
        if compiled is None:
            return match[0]
        if any(not path[0].startswith("$") and path[0] not in readable for path in compiled.reads):
            return ""
        try:
            return shown(evaluation.value(compiled, item))
        except EvaluationError:
            return ""

    return {language: HOLE.sub(value, text) for language, text in texts.items()}


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
