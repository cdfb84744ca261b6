"""Rights that come along with a new object or field: which permission sets and profiles get them, in the same plan.

Here: what a form offers and the documents it leads to. Not here: permission sets by themselves (the permissions page).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from fieldstone.metadata.definitions.permission_sets import PermissionSetDef, ProfileDef
from fieldstone.web.current import current
from fieldstone.web.setup.definitions import Document, document_at

LEVELS: Mapping[str, tuple[str, ...]] = {  # of an object
    "none": (),
    "read": ("read",),
    "work": ("create", "read", "edit", "delete"),
    "all": ("create", "read", "edit", "delete", "view_all", "modify_all"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grantee:
    """A permission set or profile that may be given something; `given` is what the form proposes or what was chosen."""

    definition: PermissionSetDef | ProfileDef
    given: str

    @property
    def control(self) -> str:
        """The name of its control."""
        return f"grant.{self.definition.path}"


def may_grant() -> bool:
    """Whether the person may give rights at all."""
    return current.rights.setup("manage_security")


def _holders() -> Iterator[PermissionSetDef | ProfileDef]:
    for kind in ("profile", "permission_set"):
        for each in current.snapshot.all(kind):
            if isinstance(each, PermissionSetDef | ProfileDef):
                yield each


def of_new_object(typed: MultiDict[str, str]) -> list[Grantee]:
    """Return who may be given a new object; the person's own profile gets everything unless they choose otherwise."""
    own = current.principal.profile
    return [
        Grantee(
            definition=each, given=typed.get(f"grant.{each.path}") or ("all" if each.kind == "profile" and each.name == own else "none")
        )
        for each in _holders()
    ]


def of_new_field(object_name: str, typed: MultiDict[str, str], *, read_only: bool) -> list[Grantee]:
    """Return who may be given a new field: those with rights on its object. They may do with it what they may do with the object."""
    found = []
    for each in _holders():
        held = each.objects.get(object_name)
        if held is not None and held.rights:
            proposed = "edit" if not read_only and held.rights & {"create", "edit"} else "read"
            found.append(Grantee(definition=each, given=typed.get(f"grant.{each.path}") or proposed))
    return found


def object_documents(grantees: list[Grantee], object_name: str, fields: Mapping[str, str]) -> list[Document]:
    """Return the documents of those who get a new object, with its rights and `fields` ("read" or "edit" by name)."""
    documents = []
    for each in grantees:
        rights = LEVELS.get(each.given, ())
        if rights:
            document = document_at(each.definition.path)
            fits = {name: "read" if "edit" not in rights else right for name, right in fields.items()}
            granted: dict[str, Any] = {"rights": list(rights), **({"fields": fits} if fits else {})}
            document["objects"] = {**document.get("objects", {}), object_name: granted}
            documents.append(document)
    return documents


def field_documents(grantees: list[Grantee], object_name: str, field_name: str) -> list[Document]:
    """Return the documents of those who get a new field."""
    documents = []
    for each in grantees:
        if each.given in ("read", "edit"):
            document = document_at(each.definition.path)
            held = document["objects"][object_name]
            document["objects"] = {
                **document["objects"],
                object_name: {**held, "fields": {**held.get("fields", {}), field_name: each.given}},
            }
            documents.append(document)
    return documents
