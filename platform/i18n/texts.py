"""Keys become sentences: problems, plan steps and other texts that code below the surfaces names by key only.

Here: the tables `problems/*.json` and `sentences/*.json` (`{"key": {"en": …, "zh-Hans": …, "zh-Hant": …}}`), filling in of
parameters, the words for a `Problem` with labels of objects and fields in the reader's language.
Not here: texts of pages and of Python code of the surfaces (gettext, `locale/`), number and date formats (`formats`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Protocol

from fieldstone.errors import Problem
from fieldstone.i18n import formats
from fieldstone.i18n.languages import fallbacks


class Labelled(Protocol):
    """An object or field definition, as far as words need it."""

    @property
    def label(self) -> Mapping[str, str]: ...


class LabelledObject(Labelled, Protocol):
    """An object definition, as far as words need it."""

    def field(self, name: str, /) -> Labelled | None: ...


class Labels(Protocol):
    """What `word` needs of a snapshot."""

    @property
    def language(self) -> str: ...

    @property
    def objects(self) -> Mapping[str, LabelledObject]: ...


_HOLE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")  # names only: no attribute, index or format of a parameter is reached
_PLURAL = re.compile(r"\{([a-z_][a-z0-9_]*)\?([^|{}]*)\|([^|{}]*)\}")  # {rows?record|records}: which word goes with the number
_OF_VALUE_TYPES = frozenset(  # problems whose parameters name types of expressions: stable names for programs, words for people
    f"expression_{code}"
    for code in (
        *("argument_type", "result_type", "operand_type", "operand_types", "number_with_text", "date_with_datetime"),
        *("condition_not_boolean", "no_common_type", "not_a_result", "no_value", "not_comparable", "never_equal"),
    )
)
_FOLDERS = ("problems", "sentences")


@cache
def tables() -> Mapping[str, Mapping[str, str]]:
    """Return every text of the platform by key; each key stands in one file only."""
    texts: dict[str, Mapping[str, str]] = {}
    root = resources.files("fieldstone.i18n")
    for folder in _FOLDERS:
        for file in sorted(root.joinpath(folder).iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".json"):
                texts.update(json.loads(file.read_text(encoding="utf-8")))
    return texts


def text(key: str, language: str, /, **params: object) -> str:
    """Return the text of `key` in `language`, its holes filled with `params` as that language writes numbers and dates.

    An unknown key is returned as it is: a missing sentence must not hide the problem it stands for.
    """
    entry = tables().get(key)
    if entry is None:
        return key
    pattern = next((entry[tag] for tag in fallbacks(language) if entry.get(tag)), key)
    pattern = _PLURAL.sub(lambda choice: choice[2] if params.get(choice[1]) == 1 else choice[3], pattern)
    return _HOLE.sub(lambda hole: shown(params[hole[1]], language) if hole[1] in params else "", pattern)


def shown(value: object, language: str) -> str:
    """Return a parameter as a person reads it in `language`; lists are joined with that language's comma."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Decimal() | int():
            return formats.number(value, language)
        case datetime():
            return formats.datetime_utc(value, language)
        case date():
            return formats.date(value, language)
        case str():
            return value
        case Iterable():
            return formats.joined([shown(each, language) for each in value], language)
    return str(value)


def word(problem: Problem, language: str, snapshot: Labels | None = None, object_name: str | None = None) -> str:
    """Return the sentence for `problem` in `language`.

    A customer's own message counts before ours. Parameters called `object` and `field` (or ending in `_object`, `_field`)
    hold API names; where `snapshot` knows them their labels are shown instead. A parameter that is a label is read as one.
    `object_name` is the object whose field `problem.field` is, where the problem itself does not say. Source: style.md "Errors".
    """
    default = snapshot.language if snapshot is not None else language
    if problem.message:
        return chosen(problem.message, language, default)
    params = dict(problem.params)
    if problem.field is not None:
        params.setdefault("field", problem.field)
    if object_name is not None:
        params.setdefault("object", object_name)
    if problem.suggestion is not None:
        params.setdefault("suggestion", problem.suggestion)
    if snapshot is not None:
        params = _labelled(params, language, snapshot)
    params = {name: chosen(value, language, default) if isinstance(value, Mapping) else value for name, value in params.items()}
    if problem.code == "wrong_type":
        params = {name: _types(value, language) if isinstance(value, str) else value for name, value in params.items()}
    elif problem.code in _OF_VALUE_TYPES:
        params |= {name: _value_types(str(params[name]), language) for name in ("expected", "found", "left", "right") if name in params}
    elif problem.code == "rule_fault":
        params["reason"] = text(f"evaluation.{params['category']}", language)
        if params.get("function"):
            params["reason"] = text("evaluation.at", language, **{**params, "reason": str(params["reason"]).rstrip(".。")})
    sentence = text(problem.code, language, **params)
    if problem.suggestion and "{suggestion}" not in tables().get(problem.code, {}).get("en", ""):
        joint = "" if language.startswith("zh") else " "
        question = text("did_you_mean", language, suggestion=problem.suggestion)
        sentence += joint + question.replace('""', '"')  # a text that is meant brings its own quotation marks
    return sentence


def _types(names: str, language: str) -> str:
    """Return names of JSON types, such as "text / number", in words."""
    return re.sub("[a-z]+", lambda name: text(key, language) if (key := f"type.{name[0]}") in tables() else name[0], names)


def _value_types(names: str, language: str) -> str:
    """Return names of types of expressions, such as "Date | Datetime", in the words that Setup has for them."""
    return " / ".join(text(f"value_type.{name}", language) if name else "" for name in names.split(" | "))


def chosen(label: Mapping[str, str], language: str, default: str) -> str:
    """Return the text of a label: asked, the other Chinese script, the org's language, English, the first (metadata.md 1).

    The key "" holds a text without a tag: it is in `default`, the org's language.
    """
    *asked, english = fallbacks(language)
    order = (language, *asked, *(("",) if default in (language, *asked) else ()), default, "", english)
    return next((label[tag] for tag in order if label.get(tag)), next(iter(label.values()), ""))


def _labelled(params: Mapping[str, object], language: str, snapshot: Labels) -> dict[str, object]:
    """Return `params` with the API names of objects and fields replaced by their labels."""
    labelled = dict(params)
    owner = snapshot.objects.get(str(params.get("object", "")))
    for key, value in params.items():
        if not isinstance(value, str):
            continue
        definition: Labelled | None = None
        if key == "object" or key.endswith("_object"):
            definition = snapshot.objects.get(value)
        elif owner is not None and (key == "field" or key.endswith("_field")):
            definition = owner.field(value)
        if definition is not None and definition.label:
            labelled[key] = chosen(definition.label, language, snapshot.language)
    return labelled
