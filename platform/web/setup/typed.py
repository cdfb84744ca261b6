"""What was typed into a form of Setup: read back, kept, with every problem at its control.

Here: `TypedForm`, texts in several languages, numbers and names as documents hold them.
Not here: which controls a form has (its page), what is wrong (`metadata.check`).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem
from fieldstone.i18n.languages import LANGUAGES
from fieldstone.metadata.names import NATIVE_LENGTH
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import word
from fieldstone.web.setup.where_used import field_in, place_of
from fieldstone.web.typed_forms import kept

NOT_IN_NAME = re.compile(r"[^a-z0-9]+")
SETTLED_BY = {"roll_up_needs_declassified": "declassified"}  # of problems of a whole field: the key that settles them
HAN = re.compile(r"[㐀-鿿豈-﫿]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control of a form: its name, and what people call it."""

    name: str
    label: str

    @property
    def id(self) -> str:
        """The id of its element, as the macros of `ui/forms.html` give it."""
        return f"f-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedForm:
    """A form as it stands: what was typed or stored, and the problems, each at its control or at the form as a whole."""

    typed: MultiDict[str, str]
    at_controls: Mapping[str, Sequence[str]] = field(default_factory=dict)  # sentences by name of the control
    summary: Sequence[Mapping[str, str]] = ()

    def value(self, name: str, default: str = "") -> str:
        """The text of a control."""
        return self.typed.get(name, default)

    def values(self, name: str) -> list[str]:
        """The texts of a control that is sent several times; what stands for "nothing ticked" is left out."""
        return [each for each in self.typed.getlist(name) if each not in ("", "0")]

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return "1" in self.typed.getlist(name)

    def label(self, name: str) -> dict[str, str]:
        """The texts of a control in several languages, those that are filled."""
        return {tag: text for tag in LANGUAGES if (text := self.typed.get(f"{name}.{tag}", "").strip())}

    def errors(self, name: str) -> Sequence[str]:
        """What is wrong at a control."""
        return self.at_controls.get(name, ())


def came_back() -> MultiDict[str, str] | None:
    """Return what the form of this page held when the session ended, if the reader comes from there by a login."""
    return kept(current.transaction, current.principal.user_id or "", request.args.get("typed"))


def typed_before(stored: MultiDict[str, str]) -> MultiDict[str, str]:
    """Return what came back after a login, else what the form begins with."""
    sent = came_back()
    return stored if sent is None else sent


def base_version(told: object) -> str:
    """Return the version of the org that a form is based on: the one it was made for, whatever it has been through since.

    Once it was `told` what is wrong, such as that somebody else was faster, to send it again counts on the newest.
    """
    sent = request.form if request.method == "POST" else came_back()
    return ("" if sent is None or told else sent.get("base_version", "")) or str(current.snapshot.version)


def with_problems(typed: MultiDict[str, str], problems: Iterable[Problem], places: Mapping[str, Control], path: str) -> TypedForm:
    """Return a form with its problems placed.

    `places`: controls by JSON pointer into the document at `path`; a problem stands at the control of the longest pointer that leads to
    it. Of another definition it is told above the form, with the way there.
    """
    at_controls: dict[str, list[str]] = {}
    summary: list[Mapping[str, str]] = []
    for problem in problems:
        control = _control(problem, places, path)
        if control is None:
            summary.append(told_elsewhere(problem, path))
            continue
        said = said_at_control(problem, whole=_pointer(problem) in places)
        at_controls.setdefault(control.name, []).append(said)
        summary.append({"id": control.id, "label": control.label, "text": said})
    return TypedForm(typed=typed, at_controls=at_controls, summary=summary)


def told_elsewhere(problem: Problem, path: str) -> Mapping[str, str]:
    """Return a problem that has no control: of another definition than the one of the form with its name and the way there."""
    said, document = sentence(problem), current.snapshot.parsed.get(problem.document or "")
    if problem.document is None or document is None:
        return {"text": said if problem.document in (None, path) else f"{said} ({problem.document}{problem.pointer or ''})"}
    if problem.document == path and field_in(document, problem.pointer or "") is None:
        return {"text": said}
    place = place_of(problem.document, problem.pointer or "")
    return {"label": str(place), "text": said, **({"url": place.url} if place.url else {})}


def sentence(problem: Problem) -> str:
    """Return a problem in words; inside an expression of several lines with its line."""
    said = word(problem)
    span = problem.span
    return said if span is None or span.line == 1 else str(_("Line %(line)s: %(problem)s", line=span.line, problem=said))


def said_at_control(problem: Problem, *, whole: bool) -> str:
    """Return a problem as the control says it that it stands at: a form knows no keys and no types of JSON.

    `whole`: it is about the value of the control, not about a part of what the control holds as JSON.
    """
    if whole and problem.code == "missing_key":
        return str(_("Fill this in."))
    if problem.code == "roll_up_needs_declassified":
        return str(
            _("A reader may not see all these records: say why the figure may be shown all the same, or make the lookup a master-detail.")
        )
    if whole and problem.code == "wrong_type" and problem.params.get("found") in ("text", "number"):
        match problem.params.get("expected"):
            case "integer":
                return str(_("Type a whole number in digits."))
            case "number":
                return str(_("Type a number in digits."))
    return sentence(problem)


def _pointer(problem: Problem) -> str:
    """Return where a problem stands; one about a missing key stands where the key belongs."""
    pointer = problem.pointer or ""
    key = problem.params.get("key", "") if problem.code == "missing_key" else SETTLED_BY.get(problem.code)
    return pointer if key is None else f"{pointer}/{key}"


def _control(problem: Problem, places: Mapping[str, Control], path: str) -> Control | None:
    if problem.document is not None and problem.document != path:
        return None
    pointer = _pointer(problem)
    fitting = [place for place in places if pointer == place or pointer.startswith(f"{place}/")]
    return places[max(fitting, key=len)] if fitting else None


def label_of(texts: Mapping[str, str], before: Any = None) -> Any:
    """Return the label of a document for the texts of a form: languages that the form does not show stay, one text alone stands bare.

    None if there is no text at all.
    """
    others = {tag: text for tag, text in before.items() if tag not in LANGUAGES} if isinstance(before, Mapping) else {}
    found = {**texts, **others}
    if isinstance(before, str) and found.keys() <= {current.snapshot.language}:
        return found.get(current.snapshot.language)
    return found or None


def shown_label(value: Any) -> dict[str, str]:
    """Return the texts of a document's label by language, for a form; one without a language is in the org's."""
    if value is None:
        return {}
    return (
        {current.snapshot.language: value}
        if isinstance(value, str)
        else {tag or current.snapshot.language: text for tag, text in value.items()}
    )


def put_label(typed: MultiDict[str, str], name: str, value: Any) -> None:
    """Fill the controls of a label."""
    for tag, text in shown_label(value).items():
        typed[f"{name}.{tag}"] = text


def name_from(texts: Mapping[str, str], taken: Iterable[str] = ()) -> str:
    """Return the API name that a label suggests: English first, Chinese by pinyin; told apart from the names `taken`."""
    source = texts.get("en") or next(iter(texts.values()), "")
    spelled = HAN.sub(_in_pinyin, source)
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode().lower()
    name = NOT_IN_NAME.sub("_", plain).strip("_")
    name = (name if name[:1].isalpha() else f"x_{name}".rstrip("_")) if name else ""
    name = name[:NATIVE_LENGTH].rstrip("_")
    lowered = {each.lower() for each in taken}
    if name not in lowered:
        return name
    number = 2
    while f"{name[: NATIVE_LENGTH - 3]}_{number}" in lowered:
        number += 1
    return f"{name[: NATIVE_LENGTH - 3]}_{number}"


def _in_pinyin(found: re.Match[str]) -> str:
    from pypinyin import lazy_pinyin  # its tables load in 0.2 s: only where Han is written

    return f" {' '.join(lazy_pinyin(found[0]))} "


def number_of(text: str) -> Any:
    """Return a typed number as documents hold it; what is none stays text, for the check to refuse at its place."""
    text = text.strip()
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    if not value.is_finite():
        return text
    return int(value) if value == value.to_integral_value() and "." not in text else value


def json_of(text: str) -> Any:
    """Return what a control holds as JSON, with exact decimals; what is no JSON stays text, for the check to refuse at its place."""
    try:
        return json.loads(text, parse_float=Decimal) if text.strip() else None
    except ValueError:
        return text


def to_json(value: Any) -> str:
    """Return a part of a document as a control holds it; empty for nothing."""
    return json.dumps(value, ensure_ascii=False, default=str) if value else ""


def put(document: dict[str, Any], key: str, value: Any) -> None:
    """Set a key of a document, or take it out where there is nothing to say."""
    if value in (None, "", [], {}, ()) and value is not False and value != 0:
        document.pop(key, None)
    else:
        document[key] = value
