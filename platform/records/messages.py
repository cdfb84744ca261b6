"""Texts of the org with expressions in them: `{{ name }} is won: enter its amount.`

Here: finding the expressions, and filling a text for one record, in every language it has, with values as that language writes them.
Not here: how a value is written (`shown.py`), mail templates (`notify`), the words of the platform (`i18n`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from fieldstone.errors import Refused
from fieldstone.metadata import labels
from fieldstone.metadata.definitions.objects import LOOKUPS, FieldDef, ObjectDef
from fieldstone.metadata.definitions.record_types import RecordTypeDef
from fieldstone.metadata.snapshot import Compiled, Snapshot
from fieldstone.records.evaluation import fit
from fieldstone.records.gate import sharing, tables
from fieldstone.records.gate.access import READ
from fieldstone.records.gate.names import resolve, target_of
from fieldstone.records.gate.projection import PEOPLE, queue_names
from fieldstone.records.shown import Style, field_at, plain_text, shown, shown_field
from fieldstone.rules import EvaluationError
from fieldstone.rules.tree import FieldRef

if TYPE_CHECKING:
    from fieldstone.records.changes import Batch, Item
    from fieldstone.records.evaluation import Evaluation

HOLE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
USE = "template"
ROW_GLOBALS = ("$Record", "$Record__Prior")

Path = tuple[str, ...]


def expressions_in(snapshot: Snapshot, object_name: str, texts: Mapping[str, str]) -> list[Compiled]:
    """Return every expression in `texts`, compiled for the object; one that does not compile is left out: it is shown as it stands."""
    found = [_compiled(snapshot, object_name, source) for text in texts.values() for source in HOLE.findall(text)]
    return [each for each in found if each is not None]


def names_in(snapshot: Snapshot, definition: ObjectDef, texts: Mapping[str, str]) -> Iterator[Path]:
    """Yield the path to the name of each record that a lookup in `texts` leads to: it is written in the place of its id."""
    for compiled in expressions_in(snapshot, definition.name, texts):
        found = field_at(snapshot, definition, compiled.source)
        named = _path_of_name(snapshot, *found) if found is not None else None
        if named is not None:
            yield named


def filled(batch: Batch, texts: Mapping[str, str], item: Item, evaluation: Evaluation) -> dict[str, str]:
    """Return `texts` with each expression replaced by its value for the record, as that text's language writes it.

    Fields that the saver cannot read stay blank, and so do names of records that they may not see.
    """
    default = batch.snapshot.language

    def written(text: str, language: str) -> str:
        style = Style(language=language, default_language=default, zone=evaluation.zone, currency=batch.work.currency)
        return HOLE.sub(lambda hole: _value(batch, hole, item, evaluation, style), text)

    return {language: written(text, language or default) for language, text in texts.items()}


def _value(batch: Batch, hole: re.Match[str], item: Item, evaluation: Evaluation, style: Style) -> str:
    compiled = _compiled(batch.snapshot, batch.object.name, hole[1])
    if compiled is None:
        return hole[0]
    if not all(_may_read(batch, item, path) for path in compiled.reads | compiled.checked.names):
        return ""
    found = field_at(batch.snapshot, batch.object, compiled.source)
    try:
        if found is not None:
            return _of_field(batch, *found, compiled, item, evaluation, style)
        text = shown(evaluation.value(compiled, item), style)
    except (EvaluationError, ValueError):  # a formula may have more digits than its field
        return ""
    return plain_text(text) if compiled.checked.markup else text


def _of_field(batch: Batch, path: Path, found: FieldDef, compiled: Compiled, item: Item, evaluation: Evaluation, style: Style) -> str:
    """Return what a field of the record, or one behind a lookup, holds."""
    if _path_of_name(batch.snapshot, path, found) is not None:
        return _name(batch, path, found, item, style)
    node = compiled.checked.node
    value = item.image.get(".".join(node.path)) if isinstance(node, FieldRef) else fit(found, evaluation.value(compiled, item))
    if found.name == "record_type" and found.system and isinstance(value, str):
        kind = batch.snapshot.find("record_type", value, found.object)
        return labels.text(kind.label, style.language, style.default_language, value) if isinstance(kind, RecordTypeDef) else value
    text = shown_field(found, value, style)
    return plain_text(text) if compiled.checked.markup else text


def _path_of_name(snapshot: Snapshot, path: Path, found: FieldDef) -> Path | None:
    """Return the path to the name of the record that a lookup leads to, None for a field that is no lookup."""
    to = found.to if found.type in LOOKUPS else "user" if found.type == "owner" else None
    target = snapshot.objects.get(to) if to is not None else None
    return (*path, target.name_field) if target is not None else None


def _name(batch: Batch, path: Path, found: FieldDef, item: Item, style: Style) -> str:
    """Return the name of the record that a lookup leads to; blank where the saver may not read it."""
    value = item.image.get(".".join(path))
    if value == batch.principal.user_id and found.name in PEOPLE:
        return batch.principal.name
    if path == ("owner",) and (queue := queue_names(batch.snapshot, style.language).get(str(value))) is not None:
        return queue
    named = _path_of_name(batch.snapshot, path, found)
    looked = item.looked.get(path[0])
    if value is None or named is None or looked is None or looked[0] != item.image.get(path[0]):
        return ""
    target = batch.snapshot.objects[found.to or "user"]
    # Whoever sees the record sees who stands behind it.
    told = batch.rights.tells_names(target) if path[0] in PEOPLE and len(path) == 1 else _may_read(batch, item, named)
    return str(item.image.get(".".join(named)) or "") if told else ""


def _may_read(batch: Batch, item: Item, path: Path) -> bool:
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


def _open_to_all(batch: Batch, hops: Path) -> bool:
    """Whether the saver sees every record that these lookups can lead to: of those further up only the first was looked at."""
    named = resolve(batch.asking, batch.object, ".".join(hops))
    target = target_of(batch.asking, named.field)
    return target is not None and sharing.condition(batch.asking, target, tables.table(batch.snapshot, target.name)) is None


def _compiled(snapshot: Snapshot, object_name: str, source: str) -> Compiled | None:
    try:
        return snapshot.expression(source, object_name, USE)
    except Refused:
        return None
