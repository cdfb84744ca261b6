"""What an expression editor offers: functions with their arguments and examples, names after each dot, values of picklists.

Here: the offers as JSON, of what the person may read alone. Not here: the editor that shows them (`static/js/expression.js`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from fieldstone import rules
from fieldstone.metadata.definitions.objects import FieldDef
from fieldstone.metadata.definitions.queues import QueueDef
from fieldstone.metadata.field_types import value_type
from fieldstone.metadata.owners import QUEUE
from fieldstone.metadata.scope import ObjectScope, names_of, steps_of
from fieldstone.rules.check import CHANGE_USES, SQL_USES
from fieldstone.rules.functions import SUBJECTS
from fieldstone.rules.functions.entry import Function, Param
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.setup.expression_editor import Editor, is_readable, type_words

KEYWORDS = ("TRUE", "FALSE", "NULL")
FEW = 3  # types of an argument that are named; of more, any value is taken
QUEUE_NAME = re.compile(r"(^|\.)owner:queue\.(api_name|developername)$", re.IGNORECASE)
RECORD_TYPE = re.compile(r"record_type|recordtypeid|\$recordtype\.(name|developername)", re.IGNORECASE)


def functions(editor: Editor) -> Iterator[dict[str, Any]]:
    """Yield every function that has a meaning there, by subject; the ways to call it each with arguments and examples."""
    subjects = {
        "conditions": _("Conditions and blanks"), "numbers": _("Numbers"), "texts": _("Texts"), "dates": _("Dates and times"),
        "picklists": _("Picklists"), "places": _("Places"), "changes": _("What a save changes"), "other_records": _("Other records"),
    }  # fmt: skip
    for subject, table in SUBJECTS.items():
        for name, entries in table.items():
            calls = [_call(each) for each in entries if _has_meaning(each, editor.use)]
            if calls:
                yield {"name": name, "group": subjects[subject], "calls": calls}


def _has_meaning(entry: Function, use: rules.Use) -> bool:
    if entry.only_in is not None and use.value not in entry.only_in:
        return False
    if entry.record_change:
        return use in CHANGE_USES and not (use is rules.Use.APPROVAL and entry.name == "ISNEW")
    return not (entry.no_sql and use in SQL_USES)


def _call(entry: Function) -> dict[str, Any]:
    return {
        "signature": entry.signature,
        "params": [_param(each) for each in entry.params],
        "type": type_words(entry.returns) if entry.returns is not rules.ValueType.NULL else "",
        "doc": _(entry.doc),  # among the messages by tools/catalogues.py
        "examples": [f"{source} → {_result(expected)}" for source, expected in entry.examples],
    }


def _param(param: Param) -> dict[str, Any]:
    types = [type_words(each) for each in rules.ValueType if each in param.types] if len(param.types) <= FEW else []
    return {"name": param.name, "type": " / ".join(types), "optional": param.optional, "repeats": param.repeats}


def _result(value: object) -> str:
    match value:
        case rules.Category():
            return "#Error!"
        case None:
            return str(_("blank"))
        case bool():
            return "TRUE" if value else "FALSE"
        case Decimal():
            return f"{value:f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case date():
            return value.isoformat()
    return f'"{value}"' if isinstance(value, str) else str(value)


def names(editor: Editor, path: str) -> Iterator[dict[str, Any]]:
    """Yield the names that may follow `path`, a lookup or lookups of lookups; "" is the start."""
    found = editor.scope
    if not path:
        for name, field in found.names():
            holder = editor.record if name.startswith("$Record.") else editor.object
            if field is None:
                yield _global(found, name)
            elif is_readable(holder or "", field):
                yield _named(found, name, field, holder or "")
        return
    definition = found.record if path.lower().startswith("$record.") else found.definition
    for step in re.sub(r"^\$record\.", "", path, flags=re.IGNORECASE).split("."):
        following = found.through(definition, step) if definition is not None else None
        if definition is None or following is None or not is_readable(definition.name, following[0]):
            return
        definition = following[1]
    if definition is not None:
        for name, field in names_of(definition):
            if definition is QUEUE or is_readable(definition.name, field):
                yield _named(found, name, field, definition.name)


def _global(found: ObjectScope, name: str) -> dict[str, Any]:
    """Return a value of the person or the org: with its type, and its label where it has one."""
    head, _dot, rest = name.partition(".")
    person, value = found.scopes.object("user"), found.resolve(name)
    field = person.field(rest) if head == "$User" and person is not None else None
    permission = current.snapshot.find("custom_permission", rest) if head == "$Permission" else None
    if field is not None:
        called = _("%(field)s of the person", field=label(field))
    else:
        called = label(permission) if permission is not None else _("Value of the person or the org")
    return {"name": name, "type": type_words(value.type) if value is not None else "", "label": called, "relation": False}


def _named(found: ObjectScope, name: str, field: FieldDef, holder: str) -> dict[str, Any]:
    definition = found.scopes.object(holder)
    following = found.through(definition, name.removeprefix("$Record.")) if definition is not None else None
    leads = following is not None and (following[1] is QUEUE or following[1].name in current.rights.visible_objects)
    return {"name": name, "type": type_words(value_type(field)), "label": label(field), "relation": leads}


def values(editor: Editor, path: str) -> list[Mapping[str, str]]:
    """Return what a text is compared with there: the values of a picklist, record types, queues; nothing for other fields."""
    if QUEUE_NAME.search(path):
        return _queues(editor, QUEUE_NAME.sub("", path))
    if RECORD_TYPE.fullmatch(path):
        return [{"name": each.name, "label": label(each)} for each in current.snapshot.all("record_type", editor.object)]
    start = editor.record if path.lower().startswith("$record.") else editor.object
    steps = steps_of(current.snapshot, start or "", re.sub(r"^\$record\.", "", path, flags=re.IGNORECASE)) if start else None
    if not steps or (start == editor.object and not editor.may_read(path)):
        return []
    return [{"name": each.name, "label": label(each)} for each in steps[-1].values if each.active]


def _queues(editor: Editor, way: str) -> list[Mapping[str, str]]:
    """Return the queues that may own a record at the end of `way`, lookups with dots; "" is the record itself."""
    steps = steps_of(current.snapshot, editor.object, way) if way else None
    holder = steps[-1].to if steps else editor.object
    queues = [each for each in current.snapshot.all("queue") if isinstance(each, QueueDef)]
    return [{"name": each.name, "label": label(each)} for each in queues if holder in each.objects]
