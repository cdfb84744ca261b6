"""What the pages of an object's layouts, list views, rules and record types have in common.

Here: name and label of one of them, its address, publishing and removing it. Not here: what each kind says (a file each).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.definitions.definition import Audience, Definition
from fieldstone.metadata.definitions.objects import ObjectDef
from fieldstone.metadata.kind_names import FOLDERS
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.setup.definitions import Document, document_at, the_definition, the_object
from fieldstone.web.setup.publishing import Way, publish_or_show, refusal
from fieldstone.web.setup.typed import Control, TypedForm, label_of, name_from, put, put_label
from fieldstone.web.setup.where_used import kind_words
from fieldstone.web.shell import in_sentence

AUDIENCE = (("profiles", "profile"), ("permission_sets", "permission_set"), ("roles", "role"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One definition of an object that a page edits, published or about to be made."""

    definition: ObjectDef
    kind: str
    tab: str  # the part of the address
    published: Definition | None

    @classmethod
    def of(cls, object_name: str, kind: str, tab: str, name: str | None = None) -> Part:
        """Find it; without a name, a new one. Raises NotVisible."""
        definition = the_object(object_name)
        published = the_definition(kind, name, definition.name) if name is not None else None
        return cls(definition=definition, kind=kind, tab=tab, published=published)

    @property
    def list_url(self) -> str:
        """Where all of its kind are."""
        return f"/setup/objects/{self.definition.name}/{self.tab}"

    @property
    def url(self) -> str:
        """Where it is edited."""
        return f"{self.list_url}/{self.published.name if self.published is not None else 'new'}"

    @property
    def title(self) -> str:
        """What its page is called."""
        return label(self.published) if self.published is not None else _("New %(object)s", object=in_sentence(kind_words(self.kind)))

    def document(self) -> Document:
        """Return its document to be changed; of a new one the beginning."""
        if self.published is not None:
            return document_at(self.published.path)
        return {"kind": self.kind, "object": self.definition.name}

    def named(self, document: Document, typed: MultiDict[str, str]) -> Document:
        """Put name, label and description as typed. A name left empty is made from the label."""
        texts = TypedForm(typed=typed).label("label")
        if self.published is None:
            taken = [each.name for each in current.snapshot.all(self.kind, self.definition.name)]
            document["api_name"] = typed.get("api_name", "").strip() or name_from(texts, taken) or self.kind
        put(document, "label", label_of(texts, document.get("label")))
        return document

    def path(self, document: Mapping[str, Any]) -> str:
        """Return where its document lies."""
        return f"{FOLDERS[self.kind]}/{self.definition.name}/{document.get('api_name', '')}.json"

    def publish(self, document: Document, said: str, again: Callable[[tuple[Problem, ...]], ResponseReturnValue]) -> ResponseReturnValue:
        """Take the document down the road, back to its page."""
        name = document["api_name"]
        told = self.unless_taken(document, again)
        way = Way(title=self.title, back=self.url, done=lambda: f"{self.list_url}/{name}", said=said, again=told)
        if self.published is None and current.snapshot.find(self.kind, name, self.definition.name) is not None:
            return way.again(())
        return publish_or_show(ChangeSet(put=(document,)), way)

    def unless_taken(
        self, document: Document, again: Callable[[tuple[Problem, ...]], ResponseReturnValue]
    ) -> Callable[[tuple[Problem, ...]], ResponseReturnValue]:
        """Return `again` that says of a new one whose name another has."""

        def told(problems: tuple[Problem, ...]) -> ResponseReturnValue:
            name = document["api_name"]
            if self.published is None and current.snapshot.find(self.kind, name, self.definition.name) is not None:
                problems = (*problems, Problem(code="name_taken", params={"name": name}, document=self.path(document), pointer="/api_name"))
            return again(problems)

        return told

    def remove(self) -> ResponseReturnValue:
        """Take the definition out; Undo brings it back."""
        assert self.published is not None
        title = _("Remove %(name)s", name=self.title)
        way = Way(title=title, back=self.url, done=lambda: self.list_url, said=_("Removed"), again=refusal(title, self.url))
        return publish_or_show(ChangeSet(remove=(self.published.path,)), way)


def places_of_head() -> dict[str, Control]:
    """Return where problems of name and label stand."""
    return {
        "/api_name": Control(name="api_name", label=_("API name")),
        "/label": Control(name=f"label-{current.language}", label=_("Label")),
    }


def head_to_form(document: Mapping[str, Any]) -> MultiDict[str, str]:
    """Return a form that begins with the label of a document."""
    typed: MultiDict[str, str] = MultiDict({"api_name": document.get("api_name", "")})
    put_label(typed, "label", document.get("label"))
    return typed


def put_audience(document: Document, key: str, typed: MultiDict[str, str], *, record_types: bool = False) -> None:
    """Put for whom something is; nothing ticked is everybody."""
    wanted = (*AUDIENCE, ("record_types", "record_type")) if record_types else AUDIENCE
    found = {name: chosen for name, _kind in wanted if (chosen := [each for each in typed.getlist(f"for.{name}") if each])}
    put(document, key, found)


def audience_to_form(typed: MultiDict[str, str], audience: Mapping[str, Sequence[str]]) -> None:
    """Fill the boxes of an audience."""
    for name, chosen in audience.items():
        typed.setlist(f"for.{name}", list(chosen))


def audiences(*, roles: bool, record_types: ObjectDef | None = None) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return the groups of boxes of an audience: name of the control, what it is called, choices."""
    kinds = [("profiles", _("Profiles"), "profile"), ("permission_sets", _("Permission sets"), "permission_set")]
    if roles:
        kinds.append(("roles", _("Roles"), "role"))
    found = [(f"for.{name}", text, [(each.name, label(each)) for each in current.snapshot.all(kind)]) for name, text, kind in kinds]
    if record_types is not None:
        types = [(each.name, label(each)) for each in current.snapshot.all("record_type", record_types.name)]
        found.insert(0, ("for.record_types", _("Record types"), types))
    return [group for group in found if group[2]]


def audience_words(audience: Audience) -> str:
    """Return for whom something is, in the labels that people know; empty for everybody."""
    named = {
        "record_type": audience.record_types,
        "profile": audience.profiles,
        "permission_set": audience.permission_sets,
        "role": audience.roles,
    }
    found = [label(each) for kind, names in named.items() for each in current.snapshot.all(kind) if each.name in names]
    return ", ".join(dict.fromkeys(sorted(found)))


def number(text: str, default: int) -> Any:
    """Return a whole number as typed; empty is the default, what is none stays for the check to refuse."""
    text = text.strip()
    return int(text) if text.isdigit() else text or default
