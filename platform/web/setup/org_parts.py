"""What the pages of the org's own definitions have in common: permission sets, profiles, roles, queues.

Here: `OrgPart`, one of them with its address, publishing and removing it. Not here: parts of an object (`parts`), what each kind says.
The macros of `setup/parts.html` take it as they take a `Part`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from fieldstone.errors import Problem
from fieldstone.metadata.changes import ChangeSet
from fieldstone.metadata.definitions.definition import Definition
from fieldstone.metadata.kind_names import FOLDERS
from fieldstone.web.current import current
from fieldstone.web.globals_of_templates import label
from fieldstone.web.setup.definitions import Document, document_at, the_definition
from fieldstone.web.setup.publishing import Again, Way, publish_or_show, refusal
from fieldstone.web.setup.typed import TypedForm, label_of, name_from, put
from fieldstone.web.setup.where_used import kind_words
from fieldstone.web.shell import in_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgPart:
    """One definition that stands by itself, published or about to be made."""

    kind: str
    list_url: str
    published: Definition | None

    @classmethod
    def of(cls, kind: str, list_url: str, name: str | None = None) -> OrgPart:
        """Find it; without a name, a new one. Raises NotVisible."""
        published = the_definition(kind, name) if name is not None else None
        return cls(kind=kind, list_url=list_url, published=published)

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
        return {"kind": self.kind}

    def named(self, document: Document, typed: MultiDict[str, str]) -> Document:
        """Put name and label as typed. A name left empty is made from the label."""
        texts = TypedForm(typed=typed).label("label")
        if self.published is None:
            taken = [each.name for each in current.snapshot.all(self.kind)]
            document["api_name"] = typed.get("api_name", "").strip() or name_from(texts, taken) or self.kind
        put(document, "label", label_of(texts, document.get("label")))
        return document

    def path(self, document: Mapping[str, Any]) -> str:
        """Return where its document lies."""
        return f"{FOLDERS[self.kind]}/{document.get('api_name', '')}.json"

    def publish(self, document: Document, said: str, again: Again, *, done: Callable[[], str] | None = None) -> ResponseReturnValue:
        """Take the document down the road, back to its page or to what `done` says."""
        name = document["api_name"]
        taken = self.published is None and current.snapshot.find(self.kind, name) is not None
        at_name = Problem(code="name_taken", params={"name": name}, document=self.path(document), pointer="/api_name")

        def told(problems: tuple[Problem, ...]) -> ResponseReturnValue:
            return again((*problems, at_name) if taken else problems)

        if taken:
            return told(())
        way = Way(title=self.title, back=self.url, done=done or (lambda: f"{self.list_url}/{name}"), said=said, again=told)
        return publish_or_show(ChangeSet(put=(document,)), way)

    def remove(self) -> ResponseReturnValue:
        """Take the definition out; Undo brings it back."""
        assert self.published is not None
        title = _("Remove %(name)s", name=self.title)
        way = Way(title=title, back=self.url, done=lambda: self.list_url, said=_("Removed"), again=refusal(title, self.url))
        return publish_or_show(ChangeSet(remove=(self.published.path,)), way)
