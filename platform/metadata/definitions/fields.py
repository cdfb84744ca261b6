"""Building fields from documents.

Here: one field from its part of a document, and the system fields that every object has without asking.
Not here: FieldDef (`objects.py`), what needs other fields: stored or live, results of roll-ups (`metadata/load.py`).
Source: spec/metadata.md, sections 1 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from fieldstone.metadata import labels, meta_schemas
from fieldstone.metadata.definitions.definition import Identity
from fieldstone.metadata.definitions.loading import Document, typed
from fieldstone.metadata.definitions.objects import FieldDef, PicklistValue
from fieldstone.metadata.definitions.value_sets import load_values

PLATFORM = "platform"  # owner of what every object has without asking

AS_IT_IS = (
    *("required", "unique", "ignore_case", "external_id", "indexed", "history", "searchable", "sensitive", "length", "precision", "scale"),
    *("pattern", "start", "region", "value_set", "restricted", "controlled_by", "max_chosen", "to", "on_delete", "children", "filter"),
    *("active_only", "reparent", "returns", "formula", "blanks", "relation", "function", "field"),
)


def load_field(
    part: Document,
    *,
    name: str,
    of: str,
    path: str,
    column: str | None,
    who: Identity = Identity(),  # noqa: B008 - frozen
    value_sets: Mapping[str, tuple[PicklistValue, ...]] = MappingProxyType({}),
) -> FieldDef:
    """Build the field `name` of `of` from its part of the document at `path`.

    A formula or roll-up comes out as if stored, a roll-up without the digits of what it sums: `load` knows the others. Parsed documents
    are never changed, so a part that was loaded before gives the very same field: most of a new snapshot is taken from the last one.
    """
    if "value_set" in part:  # its values stand elsewhere
        return _loaded(part, name=name, of=of, path=path, column=column, who=who, value_sets=value_sets)
    key = (id(part), name, of, path, column, who)
    known = _known.get(key)
    if known is None:
        if len(_known) >= KNOWN_FIELDS:
            _known.clear()
        known = _known[key] = (part, _loaded(part, name=name, of=of, path=path, column=column, who=who, value_sets=value_sets))
    return known[1]


KNOWN_FIELDS = 50_000
_known: dict[tuple[object, ...], tuple[Document, FieldDef]] = {}  # by the identity of the part, which is kept alive beside the field


def _loaded(
    part: Document,
    *,
    name: str,
    of: str,
    path: str,
    column: str | None,
    who: Identity,
    value_sets: Mapping[str, tuple[PicklistValue, ...]],
) -> FieldDef:
    type_name: str = part["type"]
    given: dict[str, Any] = {**meta_schemas.defaults("field", type_name), **part}
    options = {key: given[key] for key in AS_IT_IS if key in given}
    options |= _implied(type_name, given)
    field = FieldDef(
        name=name,
        label=labels.of(part["label"]),
        object=of,
        description=labels.of(part["description"]) if "description" in part else None,
        id=who.id,
        owner=who.owner,
        path=path,
        source=part,
        type=type_name,
        column=column,
        state=who.state,
        help=labels.of(part["help"]) if "help" in part else None,
        was=tuple(part.get("was", ())),
        values=_values(given, who.owner, value_sets),
        **options,
    )
    return _with_constants(field, given)


def _implied(type_name: str, given: Document) -> dict[str, Any]:
    """Options that follow from others, or are written in another form than they are used."""
    found: dict[str, Any] = {}
    if type_name == "user":
        found["to"] = "user"
    if type_name == "master_detail":
        found |= {"required": True, "on_delete": "cascade"}
    elif type_name in ("lookup", "user"):
        found["on_delete"] = given.get("on_delete", "restrict" if given.get("required") else "set_null")
    if type_name == "text":
        found |= {"collated": given["sort"] == "language", "matched": given["ignore_case"]}
    if "filter_message" in given:
        found["filter_message"] = labels.of(given["filter_message"])
    if "declassified" in given:
        found |= {"declassified": True, "declassified_reason": given["declassified"]["reason"]}
    if "allowed" in given:
        found["allowed"] = {value: tuple(allowed) for value, allowed in given["allowed"].items()}
    if type_name == "formula":
        found |= _result_digits(given)
    for key in ("length", "precision", "scale", "max_chosen", "start"):
        if key in given:
            found.setdefault(key, int(given[key]))
    return found


def _result_digits(given: Document) -> dict[str, int | None]:
    """Return the digits of a formula's result: unless given, those a field of that type has."""
    if given["returns"] not in ("number", "currency", "percent"):
        return {"precision": None, "scale": None}
    usual = meta_schemas.defaults("field", given["returns"])
    return {"precision": int(given.get("precision", 18)), "scale": int(given.get("scale", usual["scale"]))}


def _values(given: Document, owner: str, value_sets: Mapping[str, tuple[PicklistValue, ...]]) -> tuple[PicklistValue, ...]:
    if "values" in given:
        return load_values(given["values"], owner)
    return value_sets.get(str(given.get("value_set", "")).lower(), ())


def _with_constants(field: FieldDef, given: Document) -> FieldDef:
    """Read min, max and default, which are of the field's own type."""
    found: dict[str, Any] = {}
    bare = replace(field, required=False, length=None, pattern=None)
    for bound in ("min", "max"):
        if bound in given:
            found[bound] = typed(given[bound], bare)
    default = given.get("default")
    if isinstance(default, str) and default.startswith("="):
        found["default_formula"] = default[1:]
    elif default is not None:
        found["default"] = typed(default, bare)
    elif field.values:
        chosen = [value.name for value in field.values if value.default]
        found["default"] = (tuple(chosen) or None) if field.type == "multi_picklist" else next(iter(chosen), None)
    return replace(field, **found) if found else field


def _label(en: str, hans: str, hant: str) -> Mapping[str, str]:
    return MappingProxyType({"en": en, "zh-Hans": hans, "zh-Hant": hant})


def _system(name: str, type_name: str, label: Mapping[str, str], **options: Any) -> FieldDef:
    return FieldDef(name=name, label=label, owner=PLATFORM, type=type_name, column=name, **options)


APPROVAL_STATES = tuple(
    PicklistValue(name=name, label=_label(*texts), color=color)
    for name, color, texts in (
        ("running", "blue", ("In approval", "审批中", "簽核中")),
        ("returned", "amber", ("Returned", "已退回", "已退回")),
        ("suspended", "amber", ("Suspended", "已暂停", "已暫停")),
        ("approved", "green", ("Approved", "已批准", "已核准")),
        ("rejected", "red", ("Rejected", "已驳回", "已駁回")),
        ("recalled", "gray", ("Recalled", "已撤回", "已撤回")),
        ("cancelled", "gray", ("Cancelled", "已取消", "已取消")),
    )
)

SYSTEM_FIELDS: Mapping[str, FieldDef] = MappingProxyType(
    {
        field.name: field
        for field in (
            _system("id", "id", _label("Record id", "记录编号", "記錄編號")),
            _system("row_version", "number", _label("Version of the record", "记录版本", "記錄版本"), precision=18, scale=0),
            _system("record_type", "picklist", _label("Record type", "记录类型", "記錄類型")),
            _system("owner", "owner", _label("Owner", "所有人", "擁有人")),
            _system("created_at", "datetime", _label("Created at", "创建时间", "建立時間")),
            _system("created_by", "user", _label("Created by", "创建人", "建立者"), to="user"),
            _system("updated_at", "datetime", _label("Last changed at", "最后修改时间", "最後修改時間")),
            _system("updated_by", "user", _label("Last changed by", "最后修改人", "最後修改者"), to="user"),
            _system("deleted_at", "datetime", _label("Deleted at", "删除时间", "刪除時間")),
            _system("deleted_by", "user", _label("Deleted by", "删除人", "刪除者"), to="user"),
            _system("approval_status", "picklist", _label("Approval", "审批状态", "簽核狀態"), values=APPROVAL_STATES),
        )
    }
)
