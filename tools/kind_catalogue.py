"""Write docs/reference/kinds.md from the meta-schemas: `python -m tools.kind_catalogue`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldstone.metadata.kinds import KINDS
from fieldstone.metadata.meta_schemas import resolved
from tools import kind_words as words

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "kinds.md"
HEAD = """# Kinds of definitions

Everything that an administrator builds is a JSON document of one of these kinds. Setup writes them, packs bring them, the API reads
and publishes them. Made from the meta-schemas by `tools/kind_catalogue.py`; an editor that knows JSON Schema completes keys when a
document names its meta-schema in `$schema`.

`[]` stands for each item of a list, `*` for each name of a map, `[approve]` for a part of that type. A **label** is one text, or
one text per language: `{"en": "Site visit", "zh-Hans": "现场拜访"}`. An **expression** is explained in
[formulas](../admin/formulas.md); its functions are [listed](functions.md).

## Keys of every kind

| key | meaning |
| --- | --- |
"""
# A part that stands at several places has a table of its own: heading → where to find it, and the prefix of its words.
PARTS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "Picklist values": ("value_set", ("values", "[]"), ""),
    "Audience": ("page_layout", ("for",), "audience"),
    "Sort": ("list_view", ("sort", "[]"), ""),
    "Stage path": ("page_layout", ("path",), ""),
    "People": ("approval_process", ("nodes", "[]", "approve", "approvers", "[]"), "people"),
    "Effects": ("approval_process", ("actions", "submit", "[]"), ""),
    "Examples": ("validation_rule", ("examples", "[]"), ""),
}
FOLDED = frozenset(("for", "visible_to", "sort", "path", "approvers", "to", "submit", "approved", "rejected", "recalled"))
TEXTS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no", "object": "map", "array": "list"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One key of a kind or part."""

    path: str
    type: str
    default: str
    meaning: str


def type_of(schema: Any) -> str:
    """Return what a value is called."""
    if not isinstance(schema, Mapping):
        return "any"
    title = schema.get("title", "")
    if title == "One text, or one per language":
        return "label"
    if title == "API name":
        return "name"
    if title.startswith("Field, or path"):
        return "path"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const'] if not isinstance(schema['const'], bool) else str(schema['const']).lower()}`"
    if schema.get("x-merge") == "whole" and schema.get("type") == "string":
        return "expression"
    if schema.get("type") == "array" and isinstance(schema.get("items"), Mapping) and "x-by" not in schema["items"]:
        inner = type_of(schema["items"])
        return f"list of {inner}" if "`" in inner else f"list of {inner}s"
    kind = schema.get("type", "map" if "x-by" in schema else "any")
    if isinstance(kind, list):
        return "any value" if len(kind) > 2 else " or ".join(TEXTS.get(each, each) for each in kind)
    return TEXTS.get(kind, kind)


def default_of(schema: Any, required: bool) -> str:
    """Return the default of a key as the table shows it."""
    if required:
        return "required"
    if not isinstance(schema, Mapping) or schema.get("default") in (None, [], {}):
        return ""
    value = schema["default"]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(f"`{each}`" for each in value) if isinstance(value, list) else f"`{value}`"


def meaning_of(prefix: str, path: str) -> str:
    """Return the words for a key. Raises KeyError for one that nobody has put into words."""
    last = path.rsplit(".", 1)[-1]
    tail = ".".join(path.rsplit(".", 2)[-2:])
    for name in (f"{prefix}:{path}", path, f"{prefix}:{last}", tail, last):
        if name in words.KEYS:
            return words.KEYS[name]
    raise KeyError(f"{prefix}:{path} has no words in tools/kind_words.py")


def rows(schema: Mapping[str, Any], prefix: str, path: str = "", seen: tuple[int, ...] = ()) -> Iterator[Row]:
    """Yield the keys of an object and of what is inside it."""
    if id(schema) in seen:
        return
    for key, part in schema.get("properties", {}).items():
        if not path and prefix in KINDS and key in words.COMMON:
            continue
        here = f"{path}{key}"
        yield Row(
            path=here,
            type=type_of(part),
            default=default_of(part, key in schema.get("required", ())),
            meaning=meaning_of(prefix, here),
        )
        if isinstance(part, Mapping) and not _folded(prefix, key):
            yield from _inside(part, prefix, here, (*seen, id(schema)))


def _folded(prefix: str, key: str) -> bool:
    """Whether the inside of a key is told elsewhere."""
    whole = {
        "object:fields",
        "object_extension:fields",
        "custom_setting:fields",
        "custom_metadata:fields",
        "value_set:values",
        "object_extension:values",
    }
    return f"{prefix}:{key}" in whole or (key in FOLDED and (prefix in KINDS or prefix == "effects"))


def _inside(part: Mapping[str, Any], prefix: str, path: str, seen: tuple[int, ...]) -> Iterator[Row]:
    if id(part) in seen or type_of(part) == "label":
        return
    if "x-by" in part:
        told: set[str] = set()
        for name, variant in [*part["x-by"]["parts"].items(), ("", part["x-by"]["absent"])]:
            if variant is None or (prefix == "approval_process" and path.endswith("steps[]")):
                continue
            for row in rows(variant, prefix, f"{path.removesuffix('[]')}[{name}].", (*seen, id(part))):
                if not row.path.endswith((".type", ".component", ".id", ".label")) or row.path not in told:
                    told.add(row.path)
                    yield row
    if isinstance(part.get("items"), Mapping):
        yield from _inside(part["items"], prefix, f"{path}[]", seen)
    if "properties" in part:
        yield from rows(part, prefix, f"{path}.", seen)
    others = part.get("additionalProperties")
    if isinstance(others, Mapping) and others.get("properties"):
        yield from rows(others, prefix, f"{path}.*.", seen)


def table(found: Iterator[Row]) -> str:
    """Return rows as a table; nothing for none."""
    lines = [f"| `{row.path}` | {row.type} | {row.default} | {row.meaning} |" for row in found]
    if not lines:
        return "It has no other keys.\n"
    return "| key | type | default | meaning |\n| --- | --- | --- | --- |\n" + "\n".join(lines) + "\n"


def at(schema: Any, steps: tuple[str, ...]) -> Any:
    """Return the part of a schema that `steps` lead to."""
    for step in steps:
        if step == "[]":
            schema = schema["items"]
        elif "x-by" in schema:
            schema = schema["x-by"]["parts"][step]
        else:
            schema = schema["properties"][step]
    return schema


def part_table(name: str) -> str:
    """Return the table of a part that stands at several places."""
    kind, steps, prefix = PARTS[name]
    found = at(resolved(kind), steps)
    if "x-by" not in found:
        return table(rows(found, prefix or name.lower()))
    blocks = [f"`{type_}`:\n\n{table(rows(part, prefix or name.lower()))}" for type_, part in found["x-by"]["parts"].items()]
    return "\n".join(blocks)


def fields() -> str:
    """Return the part of the page about field types: what every key means, then the keys of each type."""
    types = resolved("field")["x-by"]["parts"]
    common = ("type", "label", "description", "examples")
    keys = {key for schema in types.values() for key in schema["properties"]} - set(common)
    missing = keys - words.FIELD_KEYS.keys()
    if missing:
        raise KeyError(f"field keys without words: {sorted(missing)}")
    lines = [f"| `{key}` | {meaning} |" for key, meaning in words.FIELD_KEYS.items() if key in keys]
    text = "| key | meaning |\n| --- | --- |\n" + "\n".join(lines) + "\n"
    for name, schema in types.items():
        own = ", ".join(_field_key(key, part, schema) for key, part in schema["properties"].items() if key not in common)
        text += f"\n### {name}\n\n{schema['title']}. Keys: {own}.\n"
    return text


def _field_key(key: str, part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    low, high = part.get("minimum"), part.get("maximum")
    said = [f"{low} to {high}" if low is not None and high is not None else "", default_of(part, key in schema["required"])]
    said = [f"default {each}" if index and each not in ("", "required", "no") else each for index, each in enumerate(said)]
    inside = ", ".join(each for each in said if each and each != "no")
    return f"`{key}`" + (f" ({inside})" if inside else "")


def page() -> str:
    """Return the text of the page."""
    text = HEAD + "\n".join(f"| `{key}` | {meaning} |" for key, meaning in words.COMMON.items()) + "\n"
    for name, kind in KINDS.items():
        where = f"`{kind.folder}/OBJECT/NAME.json`" if kind.per_object else f"`{kind.folder}/NAME.json`"
        title = resolved(name)["title"]
        text += f"\n## {title}\n\n`{name}`, in {where}. {words.KINDS[name]}\n\nWho publishes it needs the Setup right `{kind.right}`.\n\n"
        text += table(rows(resolved(name), name))
    text += "\n## Fields\n\nEvery field has `type` and `label`, and may have `description` and `examples`. The other keys:\n\n" + fields()
    for name in PARTS:
        text += f"\n## {name}\n\n{part_table(name)}"
    return text


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
